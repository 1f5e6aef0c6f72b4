"""Tables and verdicts, as plain text of 80 columns and as markdown."""
from statistics import median

WIDTH = 80


class Samples:
    """Values by row and column, one a round."""

    def __init__(self):
        self._values = {}

    def add(self, row, column, value):
        self._values.setdefault((row, column), []).append(value)

    def median(self, row, column):
        values = self._values.get((row, column))
        return median(values) if values else None

    def least(self, row, column):
        return min(self._values.get((row, column), []), default=None)

    def ratio(self, row, other, column):
        """The median of the rounds' ratios: a round hits both alike."""
        mine, theirs = (self._values.get((r, column)) for r in (row, other))
        return median(a / b for a, b in zip(mine, theirs)) if mine and theirs else None

    def cheapest(self, rows, column):
        """The row with the smallest median, or None."""
        known = [row for row in rows if self.median(row, column) is not None]
        return min(known, key=lambda row: self.median(row, column), default=None)


def number(value, digits):
    return "-" if value is None else f"{value:.{digits}f}"


class Table:
    def __init__(self, title, columns):
        self.title, self.columns, self.rows, self.notes = title, columns, [], []

    def add(self, label, values, digits=0):
        self.rows.append((label, [v if isinstance(v, str) else number(v, digits) for v in values]))

    def gap(self):
        self.rows.append(None)

    def note(self, text):
        self.notes.append(text)

    def text(self):
        width = max(10, *(len(column) + 2 for column in self.columns))
        first = WIDTH - width * len(self.columns)
        lines = [f"{self.title:<{first}}" + "".join(f"{c:>{width}}" for c in self.columns),
                 "-" * WIDTH]
        for row in self.rows:
            if row is None:
                lines.append("")
            else:
                lines.append(f"{row[0]:<{first}}" + "".join(f"{v:>{width}}" for v in row[1]))
        return "\n".join(lines + [fold(note, "  ") for note in self.notes])

    def markdown(self):
        rows = [[self.title, *self.columns], ["---"] + ["---:"] * len(self.columns)]
        rows += [[label.strip(), *values] for label, values in filter(None, self.rows)]
        lines = ["| " + " | ".join(row) + " |" for row in rows]
        return "\n".join(lines + [""] + [f"- {note}" for note in self.notes])


def note_who(table, seen, skipped):
    """Notes of what each negotiated (alike ones together), and of those that could not run."""
    for what in dict.fromkeys(seen.values()):
        names = [name for name, other in seen.items() if other == what]
        table.note(f"{', '.join(names)}: {what}.")
    for name, why in skipped.items():
        table.note(f"{name} was skipped: {why}.")


def fold(text, indent):
    """Words in lines of WIDTH, the first line without its indent."""
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > WIDTH - len(indent):
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return ("\n" + indent).join([*lines, line])


class Verdicts:
    """Targets, met or missed."""

    def __init__(self):
        self.lines = []

    def judge(self, what, value, limit, digits=2, unit="", missed=""):
        """missed: what to say of the floor when the target is missed."""
        if value is None:
            self.lines.append(f"-     {what}: not measured")
            return
        self._add(value <= limit, f"{what}: {value:.{digits}f}{unit}, target {limit:g}{unit}",
                  missed)

    def judge_least(self, what, value, least, digits=1, missed=""):
        """As judge(), where more is better."""
        if value is None:
            self.lines.append(f"-     {what}: not measured")
            return
        self._add(value >= least, f"{what}: {value:.{digits}f}, target at least {least:g}", missed)

    def _add(self, met, line, missed):
        line = f"{'PASS' if met else 'MISS'}  {line}"
        self.lines.append(line if met or not missed else f"{line}; {missed}")

    def text(self):
        return "\n".join(fold(line, "      ") for line in self.lines)

    def markdown(self):
        return "\n".join(f"- {line}" for line in self.lines)
