"""Small requests in a second of a TLS proxy's CPU time: on connections that are kept alive, and on
new ones that resume a session."""
from . import asking
from .report import Samples, Table, note_who
from .shaking import describe

COLUMNS = {"kept alive": asking.KEPT, "resumed": asking.RESUMED}


class Requests:
    """Of one field: a proxies.Running. Samples are CPU microseconds of one request."""

    def __init__(self, bench, running):
        self.bench, self.running, self.field = bench, running, running.field
        self.samples, self.seen = Samples(), {}

    def run(self, rounds, kept, resumed):
        counts = {asking.KEPT: kept, asking.RESUMED: resumed}
        for _ in range(rounds):
            for column, mode in COLUMNS.items():
                for proxy in self.running.proxies:
                    with self.running.failing(proxy, column):
                        got, us = asking.ask(self.bench, proxy, mode, counts[mode])
                        self.samples.add(proxy.name, column, us)
                        self.seen[proxy.name] = describe(got)

    def tables(self):
        s, field = self.samples, self.field
        table = Table(f"{field.title} requests a CPU s",
                      [title for column in COLUMNS for title in (column, "best round")])
        for row in self.running.names:
            table.add(row, [_rate(us) for column in COLUMNS
                            for us in (s.median(row, column), s.least(row, column))])
        for row in self.running.names[1:]:
            ratios = [self._ratios(field.ours, row, column) for column in COLUMNS]
            table.add(f"  {field.ours} / {row}", [ratio for pair in ratios for ratio in pair], 2)
        table.note("Answers of 200 bytes, in a second of the CPU time, user and system, of all of "
                   "the proxy's processes: more is better. Kept alive: 16 connections that each "
                   "send the next request when the answer has come. Resumed: each request on a "
                   "new connection, which resumes the last one by its ticket and ends with the "
                   "answer.")
        self.running.note(table)
        note_who(table, self.seen, {})
        return [table]

    def _ratios(self, ours, row, column):
        """Of rates, so that theirs is above: of medians by round, and of best rounds."""
        mine, theirs = (self.samples.least(name, column) for name in (ours, row))
        return self.samples.ratio(row, ours, column), theirs / mine if mine and theirs else None

    def judge(self, verdicts):
        """Beside the best of all, and each kind beside its own kind."""
        field = self.field
        for column in COLUMNS:
            for ours, peers, kind in ((field.ours, field.peers, "the best"),
                                      (field.ours, field.http_peers, "the best of HTTP"),
                                      (field.tunnel, field.tunnel_peers, "the best tunnel")):
                if ours in self.running.names:
                    self._judge(verdicts, column, ours, peers, kind)

    def _judge(self, verdicts, column, ours, peers, kind):
        best = self.samples.cheapest(peers, column)
        value = best and self._ratios(ours, best, column)[0]
        verdicts.judge_least(f"{self.field.title} requests, {column}: {ours} / "
                             f"{f'{best} ({kind})' if best else kind}", value, 1.0, 2)


def _rate(us):
    return us and 1e6 / us
