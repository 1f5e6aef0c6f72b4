"""Memory that a proxy holds for idle connections."""
import contextlib
import resource
import time

from .process import memory
from .report import Samples, Table
from .shaking import add_medians, add_ratios
from .tools import PASSWORD, figures, user

BITS = 2048
PROVED, USED = "proved", "used"  # of load/hold.c, in its order
COLUMNS = [f"{kind} {state}" for state in (PROVED, USED) for kind in ("RSS", "PSS")]
SETTLE = 0.7


class Memory:
    """Of one field: a proxies.Running."""

    def __init__(self, bench, running):
        self.bench, self.running = bench, running
        self.samples, self.count = Samples(), 0

    def run(self, count):
        """With half as many before: as many as there are descriptors for in a proxy."""
        room = resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2 - 100
        self.count = min(count, room * 2 // 3)
        for proxy in self.running.proxies:
            with self.running.failing(proxy, "idle connections"):
                self._measure(proxy)

    def _measure(self, proxy):
        with self._held(proxy, self.count // 2) as before:
            for _ in before:
                then = memory(proxy.pids())
            with self._held(proxy, self.count) as states:
                for state in states:
                    self._add(proxy, state, then, memory(proxy.pids()))

    def _add(self, proxy, state, then, now):
        for kind in now.keys() & then.keys():
            self.samples.add(proxy.name, f"{kind} {state}",
                             (now[kind] - then[kind]) / self.count / 1024)

    @contextlib.contextmanager
    def _held(self, proxy, count):
        """The states that count more connections come to in turn; the last one stays."""
        def states():
            for state in PROVED, USED:
                if figures(process.stdout.readline()).get(state) != count:
                    raise RuntimeError(f"{proxy.name}: not {count} connections {state}")
                time.sleep(SETTLE)
                yield state
                if state == PROVED:
                    process.stdin.write("\n")
                    process.stdin.flush()

        with self.bench.warmed(f"hold_{proxy.client}", proxy.address, *proxy.how, count) as process:
            yield states()

    def tables(self):
        field, s = self.running.field, self.samples
        table = Table(f"{field.title}, KiB a connection", COLUMNS)
        for row in self.running.names:
            add_medians(table, s, row, 1)
        for row in self.running.names[1:]:
            add_ratios(table, s, field.ours, row)
        table.note(f"What {self.count} idle connections add to {self.count // 2} that are there: "
                   "what a process allocates once is not theirs. Of all of the proxy's processes, "
                   "without the kernel's sockets. Proved: by a full handshake, and nothing more. "
                   "Used: after one request and its answer of 1000 bytes, kept alive. A tunnel "
                   "also holds a connection to the upstream for each.")
        self.running.note(table)
        return [table]

    def judge(self, verdicts):
        field = self.running.field
        for state in PROVED, USED:
            verdicts.judge(f"memory of serve for an idle connection of {field.title}, {state}",
                           self.samples.median(field.ours, f"RSS {state}"), 4, 1, " KiB")


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
