"""Memory that a proxy holds for idle connections that were used once."""
import contextlib
import time

from .process import memory
from .report import Samples, Table, note_who
from .shaking import add_medians, add_ratios
from .tools import PASSWORD, user

BITS = 2048
RSS, PSS = "RSS", "PSS"
SETTLE = 0.7


class Memory:
    """Of one field: a proxies.Running."""

    def __init__(self, bench, running):
        self.bench, self.running = bench, running
        self.samples, self.count = Samples(), 0

    def run(self, count):
        self.count = count
        for proxy in self.running.proxies:
            with self._held(proxy, count // 2) as before, self._held(proxy, count) as during:
                pass
            for name, then, now in zip((RSS, PSS), before, during):
                if now is not None:
                    self.samples.add(proxy.name, name, (now - then) / count / 1024)

    @contextlib.contextmanager
    def _held(self, proxy, count):
        """The proxy's memory while count more connections are idle."""
        with self.bench.warmed(f"hold_{proxy.client}", proxy.address, *proxy.how, count) as process:
            process.stdout.readline()
            time.sleep(SETTLE)
            yield memory(proxy.pid)

    def tables(self):
        field, s = self.running.field, self.samples
        table = Table(f"{field.title} proxy, KiB an idle connection", [RSS, PSS])
        ours = field.kinds[0].name
        for row in ours, *field.peers:
            add_medians(table, s, row, 1)
        for row in field.peers:
            add_ratios(table, s, ours, row)
        table.note(f"What {self.count} connections add to {self.count // 2} that are there: what a "
                   "process allocates once is not theirs. Without the kernel's sockets. Each "
                   "connection has proved itself with a full handshake and carried one request "
                   "and its answer of 1000 bytes. nginx, http holds no connection to its upstream "
                   "meanwhile; the others hold one each.")
        note_who(table, {}, self.running.skipped)
        return [table]

    def judge(self, verdicts):
        field = self.running.field
        verdicts.judge(f"memory of serve for an idle connection of {field.title}",
                       self.samples.median(field.kinds[0].name, RSS), 6, 1, " KiB")


class Sizes:
    """The engine's structs and heap."""

    WAYS = {"TLS 1.2": "srp", "TLS 1.3": "ietf"}

    def __init__(self, bench):
        self.bench, self.got = bench, {}

    def run(self, count):
        for title, how in self.WAYS.items():
            self.got[title] = self.bench.run("sizes", how, self.bench.credentials(BITS),
                                             user(BITS), PASSWORD, count)

    def tables(self):
        table = Table("Engine's server, bytes", list(self.WAYS))
        for row, name in (("an idle connection's heap", "idle"),
                          ("  of which struct kp_conn", "conn"),
                          ("struct kp_handshake, while it lasts", "handshake")):
            table.add(row, [self.got[title][name] for title in self.WAYS])
        table.note("The heap is what malloc counts, with its own overhead.")
        return [table]

    def judge(self, _verdicts):
        """No target but that of serve's memory."""
