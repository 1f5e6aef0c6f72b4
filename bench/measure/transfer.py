"""CPU time of a byte through a TLS proxy in front of a plain upstream."""
import time

from .process import cpu_us
from .report import Samples, Table, note_who
from .shaking import add_medians, add_ratios, describe

COLUMNS = {"download": "pull", "upload": "push"}
SETTLE = 0.05


class Transfers:
    """Of one field: a proxies.Running."""

    def __init__(self, bench, running):
        self.bench, self.running, self.field = bench, running, running.field
        self.samples, self.seen = Samples(), {}

    def run(self, rounds, size):
        for _ in range(rounds):
            for column, direction in COLUMNS.items():
                for proxy in self.running.proxies:
                    with self.running.failing(proxy, column):
                        self._transfer(proxy, column, direction, size)
            floor = self.bench.run(*self.field.floor)
            self.samples.add(self.field.floor_name, "download", floor["seal_ns"])
            self.samples.add(self.field.floor_name, "upload", floor["open_ns"])

    def _transfer(self, proxy, column, direction, size):
        pids = proxy.pids()
        start = cpu_us(pids)
        got = self.bench.run(f"transfer_{proxy.client}", proxy.address, *proxy.how, direction, size)
        time.sleep(SETTLE)
        self.samples.add(proxy.name, column, (cpu_us(pids) - start) * 1e3 / size)
        self.seen[proxy.name] = describe(got)

    def tables(self):
        s, table = self.samples, Table(f"{self.field.title} proxy, CPU ns a byte", list(COLUMNS))
        for row in self.running.names:
            add_medians(table, s, row, 2)
        for row in self.running.names[1:]:
            add_ratios(table, s, self.field.ours, row)
        add_medians(table, s, self.field.floor_name, 2)
        table.note("Of all of the proxy's processes, user and system. The body of one answer, or "
                   "of one request, with a Content-Length.")
        self.running.note(table)
        note_who(table, self.seen, {})
        return [table]

    def judge(self, verdicts):
        s, field = self.samples, self.field
        for column in COLUMNS:
            peer = s.cheapest(field.peers, column)
            what = f"{field.title} {column}, CPU of serve"
            if peer is None:
                verdicts.judge(f"{what} / the cheaper peer", None, field.limit)
                continue
            verdicts.judge(f"{what} / {peer} (the cheapest)",
                           s.ratio(field.ours, peer, column), field.limit,
                           missed=f"{field.floor_name.removeprefix('floor: ')} alone: "
                           f"{s.ratio(field.floor_name, peer, column):.2f}")
