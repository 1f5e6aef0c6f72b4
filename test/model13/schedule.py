"""The key schedule of RFC 8446 section 7, and what goes into the (EC)DHE slot in either form."""
import hashlib
import hmac

from .constants import BORINGSSL


def hkdf_extract(hash_name, salt, ikm):
    """RFC 5869 2.2"""
    return hmac.digest(salt or bytes(hashlib.new(hash_name).digest_size), ikm, hash_name)


def hkdf_expand(hash_name, prk, info, length):
    """RFC 5869 2.3"""
    output = block = b""
    counter = 1
    while len(output) < length:
        block = hmac.digest(prk, block + info + bytes([counter]), hash_name)
        output, counter = output + block, counter + 1
    return output[:length]


def expand_label(hash_name, secret, label, context, length):
    """HKDF-Expand-Label, RFC 8446 7.1"""
    full = b"tls13 " + label
    info = (length.to_bytes(2, "big") + bytes([len(full)]) + full
            + bytes([len(context)]) + context)
    return hkdf_expand(hash_name, secret, info, length)


def derive_secret(hash_name, secret, label, transcript_hash):
    """Derive-Secret, RFC 8446 7.1, of a hash already made"""
    return expand_label(hash_name, secret, label, transcript_hash,
                        hashlib.new(hash_name).digest_size)


def slot(form, k_shared, dhe):
    """What a PAKE handshake puts where the (EC)DHE secret goes: K_shared || (EC)DHE in the draft's
    form, K_shared alone in BoringSSL's."""
    return k_shared if form == BORINGSSL else k_shared + dhe


def finished(hash_name, base_key, transcript_hash):
    """verify_data, RFC 8446 4.4.4; a PSK binder is made the same way (4.2.11.2)."""
    length = hashlib.new(hash_name).digest_size
    key = expand_label(hash_name, base_key, b"finished", b"", length)
    return hmac.digest(key, transcript_hash, hash_name)


def traffic_keys(suite, secret):
    """RFC 8446 7.3: key and IV"""
    return (expand_label(suite.hash_name, secret, b"key", b"", suite.key_length),
            expand_label(suite.hash_name, secret, b"iv", b"", 12))


def next_traffic_secret(hash_name, secret):
    """RFC 8446 7.2"""
    return expand_label(hash_name, secret, b"traffic upd", b"", len(secret))


def resumption_psk(hash_name, resumption_master, nonce):
    """RFC 8446 4.6.1"""
    return expand_label(hash_name, resumption_master, b"resumption", nonce,
                        len(resumption_master))


def binder_key(hash_name, psk):
    """RFC 8446 7.1, of a resumption PSK"""
    early = hkdf_extract(hash_name, b"", psk)
    return derive_secret(hash_name, early, b"res binder", hashlib.new(hash_name).digest())


class Schedule:
    """The secrets of one connection, each there once its inputs are."""

    def __init__(self, hash_name, psk=None):
        self.hash_name = hash_name
        self.empty = hashlib.new(hash_name).digest()
        self.zeros = bytes(len(self.empty))
        self.early = hkdf_extract(hash_name, b"", psk or self.zeros)
        self.handshake = self.client_handshake = self.server_handshake = None
        self.master = self.client_application = self.server_application = None
        self.exporter_master = self.resumption_master = None

    def derive(self, secret, label, transcript_hash):
        return derive_secret(self.hash_name, secret, label, transcript_hash)

    def enter_handshake(self, shared, hello_hash):
        """shared: the content of the (EC)DHE slot; hello_hash: up to ServerHello."""
        salt = self.derive(self.early, b"derived", self.empty)
        self.handshake = hkdf_extract(self.hash_name, salt, shared)
        self.client_handshake = self.derive(self.handshake, b"c hs traffic", hello_hash)
        self.server_handshake = self.derive(self.handshake, b"s hs traffic", hello_hash)

    def enter_application(self, finished_hash):
        """finished_hash: up to the server's Finished."""
        salt = self.derive(self.handshake, b"derived", self.empty)
        self.master = hkdf_extract(self.hash_name, salt, self.zeros)
        self.client_application = self.derive(self.master, b"c ap traffic", finished_hash)
        self.server_application = self.derive(self.master, b"s ap traffic", finished_hash)
        self.exporter_master = self.derive(self.master, b"exp master", finished_hash)

    def enter_resumption(self, whole_hash):
        """whole_hash: up to the client's Finished."""
        self.resumption_master = self.derive(self.master, b"res master", whole_hash)

    def export(self, label, context, length):
        """RFC 8446 7.5"""
        secret = self.derive(self.exporter_master, label, self.empty)
        hashed = hashlib.new(self.hash_name, context).digest()
        return expand_label(self.hash_name, secret, b"exporter", hashed, length)


class Transcript:
    """The handshake messages so far (RFC 8446 4.4.1); which hash is known later than the first."""

    def __init__(self):
        self.data = b""

    def add(self, message):
        self.data += message

    def hash(self, hash_name, more=b""):
        return hashlib.new(hash_name, self.data + more).digest()

    def replace_by_hash(self, hash_name):
        """After a HelloRetryRequest, message_hash stands for the first ClientHello."""
        digest = self.hash(hash_name)
        self.data = b"\xfe\x00\x00" + bytes([len(digest)]) + digest
