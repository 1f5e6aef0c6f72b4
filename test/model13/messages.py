"""Handshake messages and extensions of RFC 8446 section 4 and of pake: built and parsed.

Builders make what they are told, right or wrong; parsers are strict and raise decode_error.
"""
from dataclasses import dataclass, field, replace

from .constants import (Alert, ExtensionType, HandshakeType, Refusal, RETRY_RANDOM, TLS12)


def u8(number):
    return number.to_bytes(1, "big")


def u16(number):
    return number.to_bytes(2, "big")


def u32(number):
    return number.to_bytes(4, "big")


def vec8(data):
    return u8(len(data)) + data


def vec16(data):
    return u16(len(data)) + data


class Reader:
    """Takes a body apart; what is short or left over is a decode_error."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        if self.at + count > len(self.data):
            raise Refusal(Alert.DECODE_ERROR, "cut short")
        self.at += count
        return self.data[self.at - count:self.at]

    def number(self, size):
        return int.from_bytes(self.take(size), "big")

    def vector(self, size, low=0, high=1 << 24):
        """A variable-length vector whose length takes size bytes."""
        data = self.take(self.number(size))
        if not low <= len(data) <= high:
            raise Refusal(Alert.DECODE_ERROR, "a vector of a forbidden length")
        return data

    def more(self):
        return self.at < len(self.data)

    def end(self):
        if self.more():
            raise Refusal(Alert.DECODE_ERROR, "trailing bytes")


def message(kind, body):
    """RFC 8446 4: type and 24-bit length"""
    return u8(kind) + len(body).to_bytes(3, "big") + body


def extension(kind, body):
    return u16(kind) + vec16(body)


def extension_block(extensions):
    return vec16(b"".join(extension(kind, body) for kind, body in extensions))


def parse_extensions(data):
    reader, extensions = Reader(data), []
    while reader.more():
        extensions.append((reader.number(2), reader.vector(2)))
    return extensions


class Extensions:
    """A hello's extensions, in order; shared by both hellos."""

    def get(self, kind):
        return next((body for known, body in self.extensions if known == kind), None)

    def kinds(self):
        return [kind for kind, _ in self.extensions]

    def with_extension(self, kind, body):
        """Replaces the body in place, or adds the extension before pre_shared_key."""
        if self.get(kind) is not None:
            return replace(self, extensions=[(known, body if known == kind else old)
                                             for known, old in self.extensions])
        kept = [pair for pair in self.extensions if pair[0] != ExtensionType.PRE_SHARED_KEY]
        last = [pair for pair in self.extensions if pair[0] == ExtensionType.PRE_SHARED_KEY]
        return replace(self, extensions=[*kept, (kind, body), *last])

    def without(self, *kinds):
        return replace(self, extensions=[pair for pair in self.extensions if pair[0] not in kinds])

    def repeating(self, kind):
        """The extension twice, one after the other."""
        return replace(self, extensions=[
            pair for pair in self.extensions for _ in range(2 if pair[0] == kind else 1)])


@dataclass
class ClientHello(Extensions):
    """RFC 8446 4.1.2"""
    random: bytes
    session_id: bytes
    suites: list
    extensions: list = field(default_factory=list)
    legacy_version: int = TLS12
    compression: bytes = b"\x00"

    def build(self):
        body = (u16(self.legacy_version) + self.random + vec8(self.session_id)
                + vec16(b"".join(map(u16, self.suites))) + vec8(self.compression)
                + extension_block(self.extensions))
        return message(HandshakeType.CLIENT_HELLO, body)

    @classmethod
    def parse(cls, body):
        reader = Reader(body)
        version, random = reader.number(2), reader.take(32)
        session_id = reader.vector(1, high=32)
        suites = parse_numbers(reader.vector(2, low=2))
        compression = reader.vector(1, low=1)
        extensions = parse_extensions(reader.vector(2))
        reader.end()
        return cls(random, session_id, suites, extensions, version, compression)


@dataclass
class ServerHello(Extensions):
    """RFC 8446 4.1.3 and 4.1.4"""
    random: bytes
    session_id: bytes
    suite: int
    extensions: list = field(default_factory=list)
    legacy_version: int = TLS12
    compression: int = 0

    @property
    def is_retry(self):
        return self.random == RETRY_RANDOM

    def build(self):
        body = (u16(self.legacy_version) + self.random + vec8(self.session_id) + u16(self.suite)
                + u8(self.compression) + extension_block(self.extensions))
        return message(HandshakeType.SERVER_HELLO, body)

    @classmethod
    def parse(cls, body):
        reader = Reader(body)
        version, random = reader.number(2), reader.take(32)
        session_id = reader.vector(1, high=32)
        suite, compression = reader.number(2), reader.number(1)
        extensions = parse_extensions(reader.vector(2)) if reader.more() else []
        reader.end()
        return cls(random, session_id, suite, extensions, version, compression)


def encrypted_extensions(extensions):
    return message(HandshakeType.ENCRYPTED_EXTENSIONS, extension_block(extensions))


def new_session_ticket(lifetime, age_add, nonce, ticket, extensions=()):
    """RFC 8446 4.6.1"""
    return message(HandshakeType.NEW_SESSION_TICKET,
                   u32(lifetime) + u32(age_add) + vec8(nonce) + vec16(ticket)
                   + extension_block(extensions))


def parse_new_session_ticket(body):
    reader = Reader(body)
    lifetime, age_add, nonce = reader.number(4), reader.number(4), reader.vector(1)
    ticket = reader.vector(2, low=1)
    parse_extensions(reader.vector(2))
    reader.end()
    return lifetime, age_add, nonce, ticket


# --- extension bodies ---------------------------------------------------------------------------

def parse_numbers(data, size=2):
    if len(data) % size:
        raise Refusal(Alert.DECODE_ERROR, "a list that ends inside an entry")
    return [int.from_bytes(data[at:at + size], "big") for at in range(0, len(data), size)]


def numbers(values):
    """A 16-bit list of 16-bit numbers: supported_groups, signature_algorithms"""
    return vec16(b"".join(map(u16, values)))


def parse_number_list(body):
    reader = Reader(body)
    values = parse_numbers(reader.vector(2, low=2))
    reader.end()
    return values


def versions(values):
    """supported_versions of a ClientHello, RFC 8446 4.2.1"""
    return vec8(b"".join(map(u16, values)))


def parse_versions(body):
    reader = Reader(body)
    values = parse_numbers(reader.vector(1, low=2))
    reader.end()
    return values


def parse_number(body):
    """selected_version, selected_group, selected_identity, record_size_limit"""
    reader = Reader(body)
    value = reader.number(2)
    reader.end()
    return value


def pake_offer(client_identity, server_identity, shares):
    """pake of a ClientHello; shares: (scheme, message)"""
    return (vec16(client_identity) + vec16(server_identity)
            + vec16(b"".join(u16(scheme) + vec16(data) for scheme, data in shares)))


def parse_pake_offer(body):
    reader = Reader(body)
    identities = reader.vector(2), reader.vector(2)
    rows = Reader(reader.vector(2))
    reader.end()
    shares = []
    while rows.more():
        shares.append((rows.number(2), rows.vector(2)))
    return *identities, shares


def pake_answer(scheme, data):
    """pake of a ServerHello"""
    return u16(scheme) + vec16(data)


def parse_pake_answer(body):
    reader = Reader(body)
    answer = reader.number(2), reader.vector(2)
    reader.end()
    return answer


def key_shares(entries):
    """key_share of a ClientHello, RFC 8446 4.2.8; entries: (group, public)"""
    return vec16(b"".join(key_share(*entry) for entry in entries))


def key_share(group, public):
    """One entry; key_share of a ServerHello"""
    return u16(group) + vec16(public)


def parse_key_shares(body):
    reader = Reader(body)
    rows, entries = Reader(reader.vector(2)), []
    reader.end()
    while rows.more():
        entries.append((rows.number(2), rows.vector(2, low=1)))
    return entries


def parse_key_share(body):
    reader = Reader(body)
    entry = reader.number(2), reader.vector(2, low=1)
    reader.end()
    return entry


def cookie(data):
    """RFC 8446 4.2.2"""
    return vec16(data)


def parse_cookie(body):
    reader = Reader(body)
    data = reader.vector(2, low=1)
    reader.end()
    return data


def psk_modes(modes):
    """RFC 8446 4.2.9"""
    return vec8(bytes(modes))


def parse_psk_modes(body):
    reader = Reader(body)
    modes = list(reader.vector(1, low=1))
    reader.end()
    return modes


def psk_identities(identities):
    """The part of pre_shared_key that the binders cover; identities: (ticket, age)"""
    return vec16(b"".join(vec16(ticket) + u32(age) for ticket, age in identities))


def psk_binders(binders):
    return vec16(b"".join(map(vec8, binders)))


def parse_psk_offer(body):
    """RFC 8446 4.2.11: identities, binders, and how long the binders' part is"""
    reader = Reader(body)
    rows = Reader(reader.vector(2, low=7))
    tail = Reader(reader.vector(2, low=33))
    reader.end()
    identities, binders = [], []
    while rows.more():
        identities.append((rows.vector(2, low=1), rows.number(4)))
    while tail.more():
        binders.append(tail.vector(1, low=32))
    return identities, binders, 2 + len(tail.data)


def server_name(name):
    """RFC 6066 3"""
    return vec16(u8(0) + vec16(name))


def alpn(protocols):
    """RFC 7301 3.1"""
    return vec16(b"".join(map(vec8, protocols)))


def parse_alpn(body):
    reader = Reader(body)
    rows, protocols = Reader(reader.vector(2, low=2)), []
    reader.end()
    while rows.more():
        protocols.append(rows.vector(1, low=1))
    return protocols
