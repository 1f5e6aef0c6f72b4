"""Makes the table of passwords that are refused from worst_passwords, one in lower case a line:

    worst_passwords.py LIST HEADER

Of each the table has the first 32 bits of its SHA-256, in ascending order: 4 bytes of a device's
flash a password, and no word of the list in it."""
import hashlib
import pathlib
import sys

SHORTEST = 8  # what is shorter is refused as that


def read(path):
    words = pathlib.Path(path).read_bytes().decode("ascii").split("\n")
    if words.pop() != "":
        sys.exit(f"{path}: the last line has no end")
    for number, word in enumerate(words, 1):
        if len(word) < SHORTEST or not word.isprintable() or " " in word or word != word.lower():
            sys.exit(f"{path}, line {number}: not a password of {SHORTEST} or more in lower case")
    if len(set(words)) != len(words):
        sys.exit(f"{path}: a line stands there twice")
    return words


def table(words):
    return sorted({int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big")
                   for word in words})


def main():
    words = read(sys.argv[1])
    lines = ["/* Made by worst_passwords.py. */",
             f"#define WORST_PASSWORDS_LONGEST {max(map(len, words))}",
             "static const uint32_t worst_passwords[] = {"]
    lines += [f"    0x{prefix:08x}," for prefix in table(words)]
    pathlib.Path(sys.argv[2]).write_text("\n".join(lines) + "\n};\n", encoding="ascii")


if __name__ == "__main__":
    main()
