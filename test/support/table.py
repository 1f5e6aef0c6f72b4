"""The interop tables: what the tests saw, as markdown for the documentation."""
from contextlib import contextmanager

COLUMNS = ["right", "wrong", "unknown", "resumption", "20 MB down", "20 MB up"]
HEADS = ["peer", "version", "our role", "group", *COLUMNS]


class Cell:
    def __init__(self):
        self.text = "yes"

    def say(self, text):
        self.text = text


class Table:
    def __init__(self):
        self._rows = {}      # (peer, version, role, group) -> {column: text}
        self._refusals = []  # (peer, what, our role, how it ended)

    @contextmanager
    def cell(self, peer, version, role, group, column):
        """A case of the table: "yes" or what it says by cell.say(), FAILED when it raises."""
        assert column in COLUMNS
        cell = Cell()
        try:
            yield cell
        except BaseException:
            cell.text = "FAILED"
            raise
        finally:
            self._rows.setdefault((peer, version, role, str(group)), {})[column] = cell.text
            print(f"{role} with {peer}, {group} bits, {column}: {cell.text}")

    @contextmanager
    def refusal(self, peer, what, role):
        cell = Cell()
        try:
            yield cell
        except BaseException:
            cell.text = "FAILED"
            raise
        finally:
            self._refusals.append((peer, what, role, cell.text))
            print(f"{role} with {peer}, {what}: {cell.text}")

    def markdown(self):
        lines = []
        if self._rows:
            lines += _rows([HEADS] + [
                [*key, *(cells.get(column, "") for column in COLUMNS)]
                for key, cells in sorted(self._rows.items(), key=_by_role_peer_and_group)])
        if self._refusals:
            lines += ["", *_rows([["peer", "what", "our role", "how it ended"],
                                  *sorted(map(list, self._refusals), key=lambda r: r[2])])]
        return "\n".join(lines) + "\n" if lines else ""


def _by_role_peer_and_group(item):
    peer, _, role, group = item[0]
    return role, peer.lower(), int(group)


def _rows(rows):
    text = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return [text[0], "|" + " --- |" * len(rows[0]), *text[1:]]
