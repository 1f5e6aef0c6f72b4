"""What the parts of bench/soak share: serve in front of the small web server, a probe that tells the
latency of a page meanwhile, and samples of what serve holds."""
import asyncio
import contextlib
import os
import pathlib
import signal
import socket
import statistics
import sys
import time
from dataclasses import dataclass

from support.processes import Server

from .engine import VERSIONS, Engine, Login
from .process import cpu_us, memory
from .tools import DEVICE_ID, PASSWORD, Bench

HERE = pathlib.Path(__file__).resolve().parent
PROBED = "alice"
USERS = [PROBED, "bob", "carol"]
SETTLE = 1.5  # after the upstream is back, until nobody is excused any more


def source():
    """A random address of loopback that is nobody's but a stranger's."""
    return "127.%d.%d.%d" % (64 + os.urandom(1)[0] % 128, os.urandom(1)[0], 1 + os.urandom(1)[0] % 254)


@dataclass
class Sample:
    at: float  # seconds since the start
    rss: int
    descriptors: int
    cpu: float  # seconds so far


class Page:
    """The web server behind: it can go and come back at the same port."""

    def __init__(self):
        self.gone = []  # [from, until] of time.monotonic; the last one open while it is gone
        self._server = self._start(0)
        self.address = self._server.address

    def _start(self, port):
        return Server([sys.executable, HERE / "page_server.py", str(port)])

    async def restart(self, seconds):
        self.gone.append([time.monotonic(), float("inf")])
        await asyncio.to_thread(self._server.stop)
        await asyncio.sleep(seconds)
        self._server = await asyncio.to_thread(self._start, int(self.address.split(":")[1]))
        self.gone[-1][1] = time.monotonic() + SETTLE

    def excuses(self, start, end):
        """Whether it was gone at some time between them."""
        return any(start < until and end > since for since, until in self.gone)

    def stop(self):
        self._server.stop()


class Standing:
    """serve with its users, its upstream and its probe."""

    def __init__(self, build, *options, every=0.5):
        self.bench = Bench(build)
        self.engine, self.page = Engine(build), Page()
        self.credentials = self.bench.directory / "credentials"
        for user in USERS:
            self.bench.keyplate.add_user(self.credentials, user, PASSWORD, "--device-id", DEVICE_ID)
        self.serve = self.bench.keyplate.serve(self.credentials, self.page.address, "--quiet",
                                               "--workers", "2", *options)
        self.logins = {version: self.login(version, PROBED, PASSWORD) for version in VERSIONS}
        self.latencies, self.complaints, self.samples = [], [], []
        self._begun, self._every, self._probe = time.monotonic(), every, None
        self._reader = None

    def login(self, version, user, password):
        return Login(self.engine, version, user, password, DEVICE_ID)

    @property
    def address(self):
        return self.serve.address

    def elapsed(self):
        return time.monotonic() - self._begun

    def hang_up(self):
        os.kill(self.serve.pid, signal.SIGHUP)

    async def begin(self):
        self._probe = await asyncio.create_subprocess_exec(
            sys.executable, str(HERE / "probe.py"), str(self.bench.build), self.address, PROBED,
            PASSWORD, DEVICE_ID, str(self._every), stdout=asyncio.subprocess.PIPE)
        self._reader = asyncio.create_task(self._read_probe())

    async def _read_probe(self):
        async for line in self._probe.stdout:
            at, word, *rest = line.decode().split()
            now = time.monotonic()
            if self.page.excuses(float(at), now):
                continue
            if word == "failed":
                self.complaints.append((self.elapsed(), "probe", " ".join(rest)))
            else:
                self.latencies.append((float(at) - self._begun, float(word)))

    def sample(self):
        pid = self.serve.pid
        if self.serve.process.poll() is not None:
            raise RuntimeError("serve ended by itself:\n" + "\n".join(self.serve.lines[-10:]))
        self.samples.append(Sample(self.elapsed(), memory([pid])["RSS"],
                                   len(os.listdir(f"/proc/{pid}/fd")), cpu_us([pid]) / 1e6))
        return self.samples[-1]

    def latency(self, since=0.0, until=float("inf")):
        """Of the probe, in words."""
        values = sorted(ms for at, ms in self.latencies if since <= at <= until)
        if not values:
            return "no page came"
        middle = statistics.median(values)
        return (f"median {middle:.1f} ms, 99 of 100 under {values[len(values) * 99 // 100]:.1f} ms, "
                f"worst {values[-1]:.1f} ms ({len(values)} pages)")

    async def end_probe(self):
        with contextlib.suppress(ProcessLookupError):
            self._probe.terminate()
        await self._probe.wait()
        await self._reader

    def stop(self):
        with contextlib.suppress(AttributeError, ProcessLookupError):
            self._probe.kill()
        status = self.serve.stop()
        self.page.stop()
        self.bench.__exit__()
        return status


def ended(sock):
    """Whether the other side has ended that connection; nothing is waited for."""
    try:
        return sock.recv(65536, socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
