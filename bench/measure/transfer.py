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
                    self._transfer(proxy, column, direction, size)
            floor = self.bench.run(*self.field.floor)
            self.samples.add(self.field.floor_name, "download", floor["seal_ns"])
            self.samples.add(self.field.floor_name, "upload", floor["open_ns"])

    def _transfer(self, proxy, column, direction, size):
        start = cpu_us([proxy.pid])
        got = self.bench.run(f"transfer_{proxy.client}", proxy.address, *proxy.how, direction, size)
        time.sleep(SETTLE)
        self.samples.add(proxy.name, column, (cpu_us([proxy.pid]) - start) * 1e3 / size)
        self.seen[proxy.name] = describe(got)

    def tables(self):
        s, table = self.samples, Table(f"{self.field.title} proxy, CPU ns a byte", list(COLUMNS))
        ours = self.field.kinds[0].name
        for row in ours, *self.field.peers:
            add_medians(table, s, row, 2)
        for row in self.field.peers:
            add_ratios(table, s, ours, row)
        add_medians(table, s, self.field.floor_name, 2)
        table.note("The proxy's process alone, user and system.")
        for proxy in self.running.proxies:
            client = "the engine" if proxy.client == "keyplate" else proxy.client
            table.note(f"{proxy.name}: {proxy.settings}. Its client: {client}.")
        note_who(table, self.seen, self.running.skipped)
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
                           s.ratio(field.kinds[0].name, peer, column), field.limit,
                           missed=f"{field.floor_name.removeprefix('floor: ')} alone: "
                           f"{s.ratio(field.floor_name, peer, column):.2f}")
