"""The curve P-256 in plain integers. A point is (x, y); None is the point at infinity.

Nothing here is constant time: it is for tests only.
"""

P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
A = P - 3
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
BASE = (0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
        0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5)
LENGTH = 65


class NotAPoint(ValueError):
    """Bytes that are no uncompressed point of the curve."""


def on_curve(point):
    x, y = point
    return (y * y - (x * x * x + A * x + B)) % P == 0


def encode(point):
    """X9.62 uncompressed: 04 || X || Y."""
    x, y = point
    return b"\x04" + x.to_bytes(32, "big") + y.to_bytes(32, "big")


def decode(data):
    """The point of 65 uncompressed bytes; nothing else is taken."""
    if len(data) != LENGTH or data[0] != 4:
        raise NotAPoint("not an uncompressed point")
    point = int.from_bytes(data[1:33], "big"), int.from_bytes(data[33:], "big")
    if max(point) >= P or not on_curve(point):
        raise NotAPoint("not on the curve")
    return point


def decompress(data):
    """The point of 33 compressed bytes, for constants; p is 3 modulo 4."""
    x = int.from_bytes(data[1:], "big")
    y = pow(x * x * x + A * x + B, (P + 1) // 4, P)
    if y % 2 != data[0] % 2:
        y = P - y
    if not on_curve((x, y)):
        raise NotAPoint("no such point")
    return x, y


def negate(point):
    return None if point is None else (point[0], -point[1] % P)


def add(one, two):
    """Affine addition with all its cases."""
    if one is None or two is None:
        return one or two
    if one[0] == two[0]:
        if (one[1] + two[1]) % P == 0:
            return None
        slope = (3 * one[0] * one[0] + A) * pow(2 * one[1], -1, P)
    else:
        slope = (two[1] - one[1]) * pow(two[0] - one[0], -1, P)
    x = (slope * slope - one[0] - two[0]) % P
    return x, (slope * (one[0] - x) - one[1]) % P


def multiply(scalar, point):
    """Double and add, in Jacobian coordinates: one inversion at the end instead of 400."""
    scalar %= ORDER
    if point is None or scalar == 0:
        return None
    result = (*point, 1)
    for bit in bin(scalar)[3:]:
        result = _double(result)
        if bit == "1":
            result = _add_affine(result, point)
    x, y, z = result
    if z == 0:
        return None
    inverse = pow(z, -1, P)
    square = inverse * inverse % P
    return x * square % P, y * square * inverse % P


def _double(point):
    x, y, z = point
    square = y * y % P
    s = 4 * x * square % P
    zz = z * z % P
    m = 3 * (x - zz) * (x + zz) % P
    x3 = (m * m - 2 * s) % P
    return x3, (m * (s - x3) - 8 * square * square) % P, 2 * y * z % P


def _add_affine(point, other):
    x, y, z = point
    if z == 0:
        return (*other, 1)
    zz = z * z % P
    h = (other[0] * zz - x) % P
    r = (other[1] * zz * z - y) % P
    if h == 0:
        return _double(point) if r == 0 else (1, 1, 0)
    hh = h * h % P
    hhh, v = h * hh % P, x * hh % P
    x3 = (r * r - hhh - 2 * v) % P
    return x3, (r * (v - x3) - y * hhh) % P, z * h % P
