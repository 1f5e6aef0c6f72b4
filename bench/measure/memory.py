"""Memory that a proxy holds for idle connections that were used once."""
import contextlib
import time

from . import proxies
from .process import memory
from .report import Samples, Table, note_who

RSS, PSS = "RSS", "PSS"
SERVE = proxies.Serve.name
SETTLE = 0.7


class Memory:
    def __init__(self, bench, running, skipped):
        self.bench, self.proxies, self.skipped = bench, running, skipped
        self.samples, self.count = Samples(), 0

    def run(self, count):
        self.count = count
        for proxy in self.proxies:
            with self._held(proxy, count // 2) as before, self._held(proxy, count) as during:
                pass
            for name, then, now in zip((RSS, PSS), before, during):
                if now is not None:
                    self.samples.add(proxy.name, name, (now - then) / count / 1024)

    @contextlib.contextmanager
    def _held(self, proxy, count):
        """The proxy's memory while count more connections are idle."""
        with self.bench.warmed("hold", proxy.address, *proxy.how, count) as process:
            process.stdout.readline()
            time.sleep(SETTLE)
            yield memory(proxy.pid)

    def tables(self):
        s, table = self.samples, Table("Proxy, KiB an idle connection", [RSS, PSS])
        for kind in proxies.ALL:
            table.add(kind.name, [s.median(kind.name, column) for column in (RSS, PSS)], 1)
        for kind in proxies.PEERS:
            table.add(f"  serve / {kind.name}",
                      [s.ratio(SERVE, kind.name, column) for column in (RSS, PSS)], 2)
        table.note(f"What {self.count} connections add to {self.count // 2} that are there: what a "
                   "process allocates once is not theirs. Without the kernel's sockets. Each "
                   "connection has proved itself with a full handshake and carried one request "
                   "and its answer of 1000 bytes. nginx, http holds no connection to its upstream "
                   "meanwhile; the others hold one each.")
        note_who(table, {}, self.skipped)
        return [table]

    def judge(self, verdicts):
        verdicts.judge("memory of serve for an idle connection", self.samples.median(SERVE, RSS),
                       6, 1, " KiB")
