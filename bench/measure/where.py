"""What a request's cost is made of: CPU time by library, and system calls. Being watched makes it
longer than it is in the other sections."""
import contextlib

from . import asking, watching
from .report import Samples, Table, note_who
from .shaking import add_medians

MODES = {"kept alive": asking.KEPT, "resumed": asking.RESUMED}
TOP = 12  # of our functions, and of each one's system calls a third of that


class Where:
    """Of one field: a proxies.Running."""

    def __init__(self, bench, running):
        self.bench, self.running, self.field = bench, running, running.field
        self.places = {mode: Samples() for mode in MODES}
        self.calls = {mode: Samples() for mode in MODES}
        self.notes = {mode: [] for mode in MODES}
        self.skipped = {}

    def run(self, kept, resumed):
        counts = {asking.KEPT: kept, asking.RESUMED: resumed}
        for title, mode in MODES.items():
            for proxy in self.running.proxies:
                for look in self._profile, self._trace:
                    with self.running.failing(proxy, title), self._unseen(proxy):
                        look(proxy, title, mode, counts[mode])

    @contextlib.contextmanager
    def _unseen(self, proxy):
        try:
            yield
        except watching.Unseen as error:
            self.skipped.setdefault((error.tool, error.why), {})[proxy.name] = True

    def _profile(self, proxy, title, mode, count):
        profile = watching.Profile(self.bench.directory)
        _, us = asking.ask(self.bench, proxy, mode, count, profile.watch)
        for place, share in profile.places().items():
            self.places[title].add(proxy.name, place, us * share)
        if proxy.name == self.field.ours:
            top = ", ".join(f"{name} {share:.1%}" for name, share in profile.functions()[:TOP])
            self.notes[title].append(f"{proxy.name}, the most of its time: {top}.")

    def _trace(self, proxy, title, mode, count):
        count = max(count // 10, 50)  # strace is slow
        trace = watching.Trace(self.bench.directory)
        asking.ask(self.bench, proxy, mode, count, trace.watch)
        for kind, calls in trace.kinds().items():
            self.calls[title].add(proxy.name, kind, calls / count)
        top = ", ".join(f"{name} {calls / count:.2f}" for name, calls in trace.calls()[:TOP // 2])
        self.notes[title].append(f"{proxy.name} calls {top}.")

    def tables(self):
        tables = []
        for title in MODES:
            us = self._table(f"{title}, CPU us", watching.PLACES, self.places[title], 1)
            us.note("Of one request, by the library that the CPU was in (perf's samples). itself: "
                    "the program and every other library.")
            calls = self._table(f"{title}, calls", watching.KINDS, self.calls[title], 2)
            calls.note("System calls of one request (strace).")
            for note in self.notes[title]:
                calls.note(note)
            tables += [us, calls]
        skipped = {f"{tool} of {', '.join(names)}": why
                   for (tool, why), names in self.skipped.items()}
        self.running.note(tables[-1])
        note_who(tables[-1], {}, skipped)
        return tables

    def _table(self, title, columns, samples, digits):
        table = Table(f"{self.field.title} {title}", list(columns))
        for row in self.running.names:
            add_medians(table, samples, row, digits)
        return table

    def judge(self, _verdicts):
        """No targets."""
