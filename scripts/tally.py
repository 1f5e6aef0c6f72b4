"""Adds up the reports of a test run: JUnit XML of meson and pytest, and checks.txt.

Prints what failed and what was skipped (with its reason), then "N passed, N failed, N skipped".
"""
import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def cases_of(path):
    """Yields (name, verdict, reason) for each test case of a report."""
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        name = f"{path.stem}: {case.get('classname', '')} {case.get('name', '')}"
        if case.find("failure") is not None or case.find("error") is not None:
            yield name, "failed", ""
        elif case.find("skipped") is not None:
            yield name, "skipped", case.find("skipped").get("message", "")
        else:
            yield name, "passed", ""


def main():
    folder = pathlib.Path(sys.argv[1])
    count = {"passed": 0, "failed": 0, "skipped": 0}
    rows = []
    for path in sorted(folder.glob("*.xml")):
        rows += list(cases_of(path))
    for line in (folder / "checks.txt").read_text().splitlines():
        verdict, name = line.split(" ", 1)
        rows.append((name, verdict, ""))
    for name, verdict, reason in rows:
        count[verdict] += 1
        if verdict != "passed":
            print(f"{verdict}: {name} {reason}".rstrip())
    print("{passed} passed, {failed} failed, {skipped} skipped".format(**count))
    return 1 if count["failed"] or not count["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
