"""The tables of doc/interop.md are those that the interoperability tests printed (argument 1).

Versions of peers may differ: a column of that name is not compared.  With --write the tables of the
document are replaced.
"""
import pathlib
import re
import sys

DOC = pathlib.Path(__file__).resolve().parent.parent / "doc" / "interop.md"
MARK = "<!-- from here on: as ./runtests prints it -->\n"


def rows_of(text):
    """The table rows, without the version column and without spaces at the ends of cells."""
    rows, version = [], None
    for line in text.splitlines():
        if not line.startswith("|"):
            version = None
            continue
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if "version" in cells and version is None:
            version = cells.index("version")
        if version is not None:
            del cells[version]
        if not all(re.fullmatch("-+", cell) for cell in cells):
            rows.append(" | ".join(cells))
    return rows


def main():
    printed = pathlib.Path(sys.argv[1]).read_text()
    head, _, table = DOC.read_text().partition(MARK)
    if "--write" in sys.argv:
        DOC.write_text(head + MARK + "\n" + printed.strip() + "\n")
        return 0
    documented, now = rows_of(table), rows_of(printed)
    for row in documented:
        if row not in now:
            print(f"only in doc/interop.md: {row}")
    for row in now:
        if row not in documented:
            print(f"only in the tests: {row}")
    if sorted(documented) == sorted(now) and len(now) > 20:
        print(f"{len(now)} rows agree")
        return 0
    print("mend it with: scripts/check_interop_doc.py build/interop-table.md --write")
    return 1


if __name__ == "__main__":
    sys.exit(main())
