#!/usr/bin/env python3
"""An independent computation of SRP-6a as TLS uses it (RFC 5054, RFC 2945), in integers.

Writes srp_model.txt, which test_srp.c reads: for each group of 2048 bits or more, and for
numbers that are short (leading zeros) as well, everything that either side computes. Deterministic:
the same file on every run.

    srp_model.py            compares the checked-in file with what it computes; exit status 1 if they differ
    srp_model.py --write    writes it

The groups come from RFC 5054 Appendix A by way of their definition, not from lib/: those of 3072 bits
and more are RFC 3526's p = 2^n - 2^(n-64) - 1 + 2^64 * (floor(2^(n-130) * pi) + c), that of 2048 bits
is written out below.
"""
import hashlib
import os
import sys

N2048 = """
AC6BDB41 324A9A9B F166DE5E 1389582F AF72B665 1987EE07 FC319294 3DB56050 A37329CB B4A099ED 8193E075
7767A13D D52312AB 4B03310D CD7F48A9 DA04FD50 E8083969 EDB767B0 CF609517 9A163AB3 661A05FB D5FAAAE8
2918A996 2F0B93B8 55F97993 EC975EEA A80D740A DBF4FF74 7359D041 D5C33EA7 1D281E44 6B14773B CA97B43A
23FB8016 76BD207A 436C6481 F1D2B907 8717461A 5B9D32E6 88F87748 544523B5 24B0D57D 5EA77A27 75D2ECFA
032CFBDB F52FB378 61602790 04E57AE6 AF874E73 03CE5329 9CCC041C 7BC308D8 2A5698F3 A8D0C382 71AE35F8
E9DBFBB6 94B5C803 D89F7AE4 35DE236D 525F5475 9B65E372 FCD68EF2 0FA7111F 9E4AFF73
"""
# RFC 3526: bits -> c; RFC 5054 Appendix A gives the generators.
MODP = {3072: (1690314, 5), 4096: (240904, 5), 6144: (929484, 5), 8192: (4743158, 19)}


def arctan_inverse(x, unit):
    total = term = unit // x
    n, sign = 3, -1
    while term:
        term //= x * x
        total += sign * (term // n)
        n, sign = n + 2, -sign
    return total


def pi_times_two_to(bits):
    """floor(2^bits * pi), by Machin's formula with bits to spare."""
    unit = 1 << (bits + 64)
    return (4 * (4 * arctan_inverse(5, unit) - arctan_inverse(239, unit))) >> 64


def groups():
    yield 2048, int(N2048.replace(" ", "").replace("\n", ""), 16), 2
    for bits, (c, g) in MODP.items():
        n = 2**bits - 2**(bits - 64) - 1 + 2**64 * (pi_times_two_to(bits - 130) + c)
        yield bits, n, g


def to_bytes(number, length):
    return number.to_bytes(length, "big")


def sha1(*parts):
    return hashlib.sha1(b"".join(parts)).digest()


def integer(data):
    return int.from_bytes(data, "big")


def case(bits, n, g, label, name, password, salt, a, b):
    """All of one exchange; the two sides' premaster secrets agree."""
    length = bits // 8
    inner = sha1(name, b":", password)
    x = integer(sha1(salt, inner))
    v = pow(g, x, n)
    k = integer(sha1(to_bytes(n, length), to_bytes(g, length)))
    big_a = pow(g, a, n)
    big_b = (k * v + pow(g, b, n)) % n
    u = integer(sha1(to_bytes(big_a, length), to_bytes(big_b, length)))
    server = pow(big_a * pow(v, u, n), b, n)
    client = pow(big_b - k * pow(g, x, n), a + u * x, n)
    assert server == client
    return [
        ("case", f"{bits} {label}"), ("bits", str(bits)), ("n", to_bytes(n, length).hex()),
        ("g", str(g)), ("name", name.hex()), ("password", password.hex()), ("salt", salt.hex()),
        ("a", to_bytes(a, 32).hex()), ("b", to_bytes(b, 32).hex()), ("inner", inner.hex()),
        ("k", to_bytes(k, 20).hex()), ("v", to_bytes(v, length).hex()),
        ("big_a", to_bytes(big_a, length).hex()), ("big_b", to_bytes(big_b, length).hex()),
        ("u", to_bytes(u, 20).hex()), ("s", to_bytes(server, length).hex()), ("end", ""),
    ]


def stream(label, length):
    out = b""
    while len(out) < length:
        out += hashlib.sha256(f"{label} {len(out)}".encode()).digest()
    return out[:length]


def with_leading_zero(n, g, label):
    """An a for which A is a byte shorter than N: PAD matters."""
    counter = 0
    length = (n.bit_length() + 7) // 8
    while True:
        a = integer(stream(f"{label} {counter}", 32))
        if pow(g, a, n) >> (8 * (length - 1)) == 0:
            return a
        counter += 1


def cases():
    for bits, n, g in groups():
        seed = f"keyplate {bits}"
        a, b = (integer(stream(f"{seed} {which}", 32)) for which in "ab")
        salt = stream(f"{seed} salt", 16)
        yield case(bits, n, g, "plain", b"alice", b"xk3f9-mqn7r-tbw2k", salt, a, b)
        yield case(bits, n, g, "long name and salt, UTF-8", "Zoë".encode() * 63, "pässwörd: x".encode(),
                   stream(f"{seed} long", 255), b, a)
        yield case(bits, n, g, "smallest exponents", b"a", b"b", b"\x01", 1, 1)
        yield case(bits, n, g, "largest exponents", b"admin", b":", b"\x00\xff", 2**256 - 1, 2**256 - 1)
        if bits == 2048:
            short = with_leading_zero(n, g, seed)
            yield case(bits, n, g, "A with a leading zero", b"alice", b"password123", salt, short, b)


def render():
    lines = ["# Written by srp_model.py: key and hexadecimal value (bits and g decimal)."]
    for fields in cases():
        lines += [f"{key} {value}".rstrip() for key, value in fields]
    return "\n".join(lines) + "\n"


def main():
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "srp_model.txt")
    text = render()
    if sys.argv[1:] == ["--write"]:
        with open(path, "w", encoding="ascii") as out:
            out.write(text)
        return 0
    with open(path, encoding="ascii") as file:
        if file.read() == text:
            return 0
    print("srp_model.txt differs from what srp_model.py computes", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
