"""TLS in front of a plain upstream: keyplate serve and what it is compared with (peers.py). All of
a field use the same version and cipher."""
import contextlib
from dataclasses import dataclass

from support.processes import run

from . import peers
from .tools import PASSWORD, Skipped, user

BITS = 2048


@dataclass(frozen=True)
class Tls:
    """A version, the peers' suite, and who the clients are."""

    number: str
    suite: str
    certificate: str  # how libssl connects to the peers
    client: str  # of keyplate serve: its library, and how it connects
    how: str

    @property
    def title(self):
        return f"TLS {self.number}"

    def pick(self, for12, for13):
        """The words that name the suite: they differ by version in every configuration."""
        return (for13 if self.number == "1.3" else for12).format(self.suite)


class Serve:
    """keyplate serve as it comes: one worker."""

    name = "keyplate serve"
    settings = "as it comes: one worker"
    options = ()

    def __init__(self, bench, tls):
        self.client, self.how = tls.client, [tls.how, user(BITS), PASSWORD]
        self._server = bench.serve(BITS, tls.number, *self.options)
        self.address = self._server.address

    def pids(self):
        return [self._server.pid]


class ServeTunnel(Serve):
    """The same without its HTTP gateway."""

    name = "serve, tunnel"
    settings = "--http off"
    options = ("--http", "off")

    def __init__(self, bench, tls):
        if b"--http" not in run([bench.keyplate.program, "serve", "--help"]).out:
            raise Skipped("this build's serve has no --http: it is a tunnel")
        super().__init__(bench, tls)


@dataclass(frozen=True)
class Field:
    """What is compared with each other. floor: a load program's arguments and what it measures."""

    tls: Tls
    floor: tuple
    floor_name: str
    limit: float  # of our CPU time a byte, in parts of the cheapest other's

    ours, tunnel = Serve.name, ServeTunnel.name
    kinds = (Serve, ServeTunnel, *peers.HTTP, *peers.TUNNELS)
    http_peers = [kind.name for kind in peers.HTTP]
    tunnel_peers = [kind.name for kind in peers.TUNNELS]
    peers = http_peers + tunnel_peers

    @property
    def title(self):
        return self.tls.title


TLS12 = Field(Tls("1.2", "ECDHE-ECDSA-AES128-SHA", "certificate", "libssl", "srp128"),
              ("floor", 2048, 100), "floor: AES-128-CBC and HMAC-SHA1", 0.8)
TLS13 = Field(Tls("1.3", "TLS_AES_128_GCM_SHA256", "certificate13", "keyplate", "ietf"),
              ("floor13", 100), "floor: AES-128-GCM", 0.9)


class Running:
    """A field's proxies, started: those that can run."""

    def __init__(self, field, bench):
        self.field, self.skipped, self.failed, self.proxies = field, {}, {}, []
        for kind in field.kinds:
            try:
                self.proxies.append(kind(bench, field.tls))
            except Skipped as error:
                self.skipped[kind.name] = error.why

    @property
    def names(self):
        """Ours is the first."""
        return [proxy.name for proxy in self.proxies]

    @contextlib.contextmanager
    def failing(self, proxy, what):
        """Around what one of them may fail at: the others are measured all the same."""
        try:
            yield
        except RuntimeError as error:
            self.failed.setdefault(f"{proxy.name}, {what}", str(error))

    def note(self, table):
        """Who they are, who is not there, and who failed."""
        for proxy in self.proxies:
            table.note(f"{proxy.name}: {proxy.settings}.")
        for name, why in self.skipped.items():
            table.note(f"{name} was skipped: {why}.")
        for name, why in self.failed.items():
            table.note(f"{name} FAILED: {why}.")
