#!/usr/bin/env python3
"""Writes a C file that holds the given files as byte arrays: embed.py OUTPUT FILE...

Each array ends with a NUL that its length does not count, so text can be used as a C string.
"""
import os
import sys


def array(index, path):
    with open(path, "rb") as file:
        data = file.read()
    lines = []
    for start in range(0, len(data), 20):
        lines.append("    " + ", ".join(f"'\\x{b:02x}'" for b in data[start:start + 20]) + ",")
    return f"static const char asset_{index}[] = {{\n" + "\n".join(lines) + "\n    0};\n", len(data)


def main():
    output, paths = sys.argv[1], sys.argv[2:]
    parts = ["/* Made from the files of pages/ by embed.py. */\n#include \"page.h\"\n"]
    rows = []
    for index, path in enumerate(paths):
        text, size = array(index, path)
        parts.append(text)
        rows.append(f"    {{\"{os.path.basename(path)}\", asset_{index}, {size}}},")
    parts.append("const struct demo_asset demo_assets[] = {\n" + "\n".join(rows) + "\n    {0, 0, 0},\n};\n")
    with open(output, "w", encoding="ascii") as file:
        file.write("\n".join(parts))


main()
