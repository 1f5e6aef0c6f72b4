"""Every test that SECURITY.md names is there: files, and the functions named behind them."""
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent


def faults():
    text = (TOP / "SECURITY.md").read_text()
    named = 0
    for row in re.findall(r"^\| .* \| (.*) \|$", text, re.M):
        for part in row.split(";"):
            found = re.match(r"\s*`(test/[^`]+)`(.*)", part)
            if not found:
                if row not in ("its test",):
                    yield f"a promise without a test: {part.strip()}"
                continue
            path = TOP / found.group(1)
            if not path.is_file():
                yield f"{found.group(1)} is not there"
                continue
            source = path.read_text()
            for name in re.findall(r"\btest_\w+", found.group(2)):
                named += 1
                if not re.search(rf"\b{name}\(", source):
                    yield f"{name} is not in {found.group(1)}"
    if named < 10:
        yield "hardly any test is named"


if __name__ == "__main__":
    found = list(faults())
    print("\n".join(found) or "every promise has its test")
    sys.exit(1 if found else 0)
