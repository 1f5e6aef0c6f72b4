"""Encodings that are no share of SPAKE2+ (65 uncompressed bytes on the curve are one)."""
from . import p256


def small_x():
    """A point whose x is so small that x + p still has 32 bytes."""
    x = 0
    while True:
        try:
            return p256.decompress(b"\x02" + x.to_bytes(32, "big"))
        except p256.NotAPoint:
            x += 1


def x_above_p(_share):
    x, y = small_x()
    return b"\x04" + (x + p256.P).to_bytes(32, "big") + y.to_bytes(32, "big")


def y_as_p(share):
    return share[:33] + p256.P.to_bytes(32, "big")


def compressed(share):
    return bytes([2 + share[64] % 2]) + share[1:33]


# name -> change(share) -> bytes; none of them may be taken.
BAD_POINTS = {
    "empty": lambda share: b"",
    "of 64 bytes": lambda share: share[:-1],
    "of 66 bytes": lambda share: share + b"\x00",
    "of 64 bytes without its tag": lambda share: share[1:],
    "compressed": compressed,
    "compressed, filled up to 65 bytes": lambda share: compressed(share) + bytes(32),
    "uncompressed with tag 02": lambda share: b"\x02" + share[1:],
    "hybrid": lambda share: bytes([6 + share[64] % 2]) + share[1:],
    "hybrid of the wrong parity": lambda share: bytes([7 - share[64] % 2]) + share[1:],
    "infinity in one byte": lambda share: b"\x00",
    "infinity in 65 bytes": lambda share: bytes(65),
    "of zeros with tag 04": lambda share: b"\x04" + bytes(64),
    "off the curve": lambda share: share[:-1] + bytes([share[-1] ^ 1]),
    "with x not below p": x_above_p,
    "with y not below p": y_as_p,
    "of ones": lambda share: b"\x04" + b"\xff" * 64,
}
