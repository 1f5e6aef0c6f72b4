"""CPU time of a byte through a TLS proxy in front of a plain upstream."""
import time

from . import proxies
from .process import cpu_us
from .report import Samples, Table, note_who
from .handshake import describe

COLUMNS = {"download": "pull", "upload": "push"}
SERVE = proxies.Serve.name
FLOOR = "floor: AES-256-CBC and HMAC-SHA1"
SETTLE = 0.05


class Transfers:
    def __init__(self, bench, running, skipped):
        self.bench, self.proxies, self.skipped = bench, running, skipped
        self.samples, self.seen = Samples(), {}

    def run(self, rounds, size):
        for _ in range(rounds):
            for column, direction in COLUMNS.items():
                for proxy in self.proxies:
                    self._transfer(proxy, column, direction, size)
            floor = self.bench.run("floor", 2048, 100)
            self.samples.add(FLOOR, "download", floor["seal_ns"])
            self.samples.add(FLOOR, "upload", floor["open_ns"])

    def _transfer(self, proxy, column, direction, size):
        start = cpu_us([proxy.pid])
        got = self.bench.run("transfer", proxy.address, *proxy.how, direction, size)
        time.sleep(SETTLE)
        self.samples.add(proxy.name, column, (cpu_us([proxy.pid]) - start) * 1e3 / size)
        self.seen[proxy.name] = describe(got)

    def tables(self):
        s, table = self.samples, Table("Proxy, CPU ns a byte", list(COLUMNS))
        for kind in proxies.ALL:
            table.add(kind.name, [s.median(kind.name, column) for column in COLUMNS], 2)
        for kind in proxies.PEERS:
            table.add(f"  serve / {kind.name}",
                      [s.ratio(SERVE, kind.name, column) for column in COLUMNS], 2)
        table.add(FLOOR, [s.median(FLOOR, column) for column in COLUMNS], 2)
        table.note("The proxy's process alone, user and system; the client is libssl.")
        for proxy in self.proxies:
            table.note(f"{proxy.name}: {proxy.settings}.")
        note_who(table, self.seen, self.skipped)
        return [table]

    def judge(self, verdicts):
        for column in COLUMNS:
            s = self.samples
            peer = s.cheapest([kind.name for kind in proxies.PEERS], column)
            if peer is None:
                verdicts.judge(f"{column}, CPU of serve / the cheaper peer", None, 0.9)
                continue
            verdicts.judge(f"{column}, CPU of serve / {peer} (the cheapest)",
                           s.ratio(SERVE, peer, column), 0.9,
                           missed=f"cipher and MAC alone are {s.ratio(FLOOR, peer, column):.2f}")
