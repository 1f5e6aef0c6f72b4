"""SPAKE2+ (RFC 9383), suite P256-SHA256-HKDF-SHA256-HMAC-SHA256, with the registration and the
transcript that TLS uses. The client is the prover, the server the verifier.
"""
import functools
import hashlib
import hmac
from dataclasses import dataclass

from . import p256
from .constants import BORINGSSL, IETF
from .schedule import hkdf_expand, hkdf_extract

# RFC 9383 section 4.
M = p256.decompress(bytes.fromhex(
    "02886e2f97ace46e55ba9dd7242579f2993b64e16ef3dcab95afd497333d8fa12f"))
N = p256.decompress(bytes.fromhex(
    "03d8bbd6c639c62937b04d997f38c3770719c629d7014d49a24b4f98baa1292b49"))

CONFIRM_LENGTH = 32
# The draft's Context is "tls" and an application context, empty here; BoringSSL's is empty.
CONTEXT = {IETF: b"tls", BORINGSSL: b""}


class Infinity(ValueError):
    """Z or V came out as the point at infinity: the peer's share cancels the mask."""


@dataclass(frozen=True)
class Verifier:
    """What the server stores of a user: never the password."""
    w0: int
    big_l: tuple


@dataclass(frozen=True)
class Secret:
    """What the client computes from the password."""
    w0: int
    w1: int

    def verifier(self):
        return Verifier(self.w0, p256.multiply(self.w1, p256.BASE))


@dataclass(frozen=True)
class Keys:
    """RFC 9383 3.4, and the inputs that the vectors give."""
    tt: bytes
    k_main: bytes
    k_confirm_p: bytes
    k_confirm_v: bytes
    k_shared: bytes
    confirm_p: bytes
    confirm_v: bytes


def with_length(data):
    """Every input of RFC 9383 goes with its length before it, 8 bytes, little-endian."""
    return len(data).to_bytes(8, "little") + data


def mhf_input(password, id_prover, id_verifier):
    return with_length(password) + with_length(id_prover) + with_length(id_verifier)


def mhf_output(password, id_prover, id_verifier):
    return hashlib.scrypt(mhf_input(password, id_prover, id_verifier), salt=b"", n=32768, r=8, p=1,
                          maxmem=64 << 20, dklen=80)


@functools.lru_cache(maxsize=None)
def register(password, id_prover, id_verifier):
    """The prover's secret (RFC 9383 3.2): two halves of 40 bytes, each taken modulo the order.
    Cached, for scrypt costs about 90 ms."""
    output = mhf_output(password, id_prover, id_verifier)
    return Secret(*(int.from_bytes(half, "big") % p256.ORDER
                    for half in (output[:40], output[40:])))


@functools.lru_cache(maxsize=None)
def masked(w0, point):
    """w0*M or w0*N."""
    return p256.multiply(w0, point)


def share(scalar, w0, mask):
    """X = x*P + w0*M, or Y = y*P + w0*N."""
    return p256.add(p256.multiply(scalar, p256.BASE), masked(w0, mask))


def prover_points(secret, x, share_v):
    """Z and V on the client's side (RFC 9383 3.3)."""
    unmasked = p256.add(share_v, p256.negate(masked(secret.w0, N)))
    return _finite(p256.multiply(x, unmasked)), _finite(p256.multiply(secret.w1, unmasked))


def verifier_points(verifier, y, share_p):
    """Z and V on the server's side (RFC 9383 3.3)."""
    unmasked = p256.add(share_p, p256.negate(masked(verifier.w0, M)))
    return _finite(p256.multiply(y, unmasked)), _finite(p256.multiply(y, verifier.big_l))


def _finite(point):
    if point is None:
        raise Infinity("the point at infinity")
    return point


def transcript(context, id_prover, id_verifier, share_p, share_v, z, v, w0):
    """TT of RFC 9383 3.3; shares as bytes, Z and V as points."""
    points = p256.encode(M), p256.encode(N), share_p, share_v, p256.encode(z), p256.encode(v)
    parts = (context, id_prover, id_verifier, *points, w0.to_bytes(32, "big"))
    return b"".join(with_length(part) for part in parts)


def derive(tt, share_p, share_v):
    """RFC 9383 3.4. SHA-256 whatever the hash of the TLS suite is."""
    k_main = hashlib.sha256(tt).digest()
    prk = hkdf_extract("sha256", b"", k_main)
    k_confirm = hkdf_expand("sha256", prk, b"ConfirmationKeys", 64)
    return Keys(tt=tt, k_main=k_main, k_confirm_p=k_confirm[:32], k_confirm_v=k_confirm[32:],
                k_shared=hkdf_expand("sha256", prk, b"SharedKey", 32),
                confirm_p=hmac.digest(k_confirm[:32], share_v, "sha256"),
                confirm_v=hmac.digest(k_confirm[32:], share_p, "sha256"))
