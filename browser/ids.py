#!/usr/bin/env python3
"""Reads browser/ids, the one place where they stand.

ids.py OUTPUT writes the C header that the command line is built with; it fails when the Chromium id
doesn't follow from the key.  Tests import read().
"""
import base64
import hashlib
import pathlib
import re
import sys

FILE = pathlib.Path(__file__).resolve().parent / "ids"
FORMS = {
    # What both browsers take: Chromium no capitals, Firefox no hyphen.
    "host": r"[a-z0-9_]+(\.[a-z0-9_]+)+",
    "firefox_id": r"[a-z0-9._-]+@[a-z0-9._-]+",
    "chromium_id": r"[a-p]{32}",
    "chromium_key": r"[A-Za-z0-9+/]+=*",
}


def id_of(key):
    """The id that Chromium gives to an extension whose manifest has that key."""
    digest = hashlib.sha256(base64.b64decode(key, validate=True)).hexdigest()
    return "".join(chr(ord("a") + int(digit, 16)) for digit in digest[:32])


def read(path=FILE):
    found = {}
    for line in path.read_text(encoding="ascii").splitlines():
        if line and not line.startswith("#"):
            name, value = line.split(" = ", 1)
            found[name] = value
    if list(sorted(found)) != sorted(FORMS):
        raise ValueError(f"{path}: it has {', '.join(found)}, and not {', '.join(FORMS)}")
    for name, form in FORMS.items():
        if not re.fullmatch(form, found[name]):
            raise ValueError(f"{path}: {name} is malformed")
    if id_of(found["chromium_key"]) != found["chromium_id"]:
        raise ValueError(f"{path}: chromium_id doesn't follow from chromium_key")
    return found


def main():
    lines = ["/* Made from browser/ids by ids.py. */"]
    lines += [f'#define KP_BROWSER_{name.upper()} "{value}"' for name, value in read().items()
              if name != "chromium_key"]
    pathlib.Path(sys.argv[1]).write_text("\n".join(lines) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
