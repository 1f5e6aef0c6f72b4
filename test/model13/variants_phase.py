"""Rows that are the same for a client and a server: the record layer and the messages after the
handshake. after(peer) runs when the handshake is done."""
from .constants import ContentType, HandshakeType, MAX_PLAINTEXT
from .messages import message, u8
from .records import CCS, plain
from .variants import (BAD_MAC, CLOSES, DECODE, ILLEGAL, OVERFLOW, PROTECTED, SUCCEEDS,
                       UNEXPECTED, flip)

DATA, HANDSHAKE, ALERT = (ContentType.APPLICATION_DATA, ContentType.HANDSHAKE, ContentType.ALERT)
KEY_UPDATE = message(HandshakeType.KEY_UPDATE, b"\x00")


def sending(*pieces):
    """after() that puts on the wire what each piece makes of the record layer."""
    def after(peer):
        for piece in pieces:
            peer.records.send_bytes(piece(peer.records))
    return after


def sealed(kind, data, pad=0):
    return lambda records: records.seal(kind, data, pad)


def sealed_inner(inner, **options):
    """The inner plaintext as it is."""
    return lambda records: records.writer.seal(inner, **options)


def raw(data):
    return lambda records: data


def twice(records):
    return records.seal(DATA, b"") * 2


def swapped(records):
    first, second = records.seal(DATA, b""), records.seal(DATA, b"")
    return second + first


def one_left_out(records):
    records.seal(DATA, b"")
    return records.seal(DATA, b"")


def flipped(at):
    return lambda records: flip(records.seal(DATA, b"some bytes"), at)


def key_updates(count, request):
    def after(peer):
        for _ in range(count):
            peer.key_update(request)
    return after


def key_update_without_new_keys(peer):
    peer.send_handshake(KEY_UPDATE)
    peer.records.send_bytes(peer.records.seal(DATA, b""))


def key_update_in_pieces(peer):
    for at in range(0, len(KEY_UPDATE), 2):
        peer.records.send_bytes(peer.records.seal(HANDSHAKE, KEY_UPDATE[at:at + 2]))
    peer.records.writer = peer.updated(peer.records.writer)


def fatal_alert(code):
    return sending(sealed(ALERT, bytes([2, code])))


AFTER_HANDSHAKE = [
    ("a ClientHello", HandshakeType.CLIENT_HELLO, bytes(40)),
    ("a ServerHello", HandshakeType.SERVER_HELLO, bytes(40)),
    ("EncryptedExtensions", HandshakeType.ENCRYPTED_EXTENSIONS, b"\x00\x00"),
    ("EndOfEarlyData", HandshakeType.END_OF_EARLY_DATA, b""),
    ("a Certificate", HandshakeType.CERTIFICATE, bytes(4)),
    ("a CertificateRequest", HandshakeType.CERTIFICATE_REQUEST, bytes(3)),
    ("a CertificateVerify", HandshakeType.CERTIFICATE_VERIFY, bytes(4)),
    ("a Finished", HandshakeType.FINISHED, bytes(32)),
    ("a HelloRequest", 0, b""),
    ("a message_hash", HandshakeType.MESSAGE_HASH, bytes(32)),
    ("a message of an unknown type", 99, b""),
]


def add_records(catalogue):
    """RFC 8446 5"""
    def add(name, why, expected, after, **fields):
        catalogue.add(name, why, both=expected, after=after, protected=PROTECTED, **fields)

    rfc = "RFC 8446 5.2"
    add("record: replayed", rfc, BAD_MAC, sending(twice))
    add("record: two swapped", rfc, BAD_MAC, sending(swapped))
    add("record: one left out", rfc, BAD_MAC, sending(one_left_out))
    add("record: a bit of the ciphertext flipped", rfc, BAD_MAC, sending(flipped(6)))
    add("record: a bit of the tag flipped", rfc, BAD_MAC, sending(flipped(-1)))
    add("record: application data in the clear", rfc, BAD_MAC, sending(raw(plain(DATA, bytes(40)))))
    add("record: shorter than a tag", rfc, (BAD_MAC, DECODE), sending(raw(plain(DATA, b"12345"))))
    add("record: empty, as ciphertext", rfc, (BAD_MAC, DECODE, UNEXPECTED),
        sending(raw(plain(DATA, b""))))
    add("record: over-long ciphertext", rfc, OVERFLOW,
        sending(raw(plain(DATA, bytes(MAX_PLAINTEXT + 257)))))
    add("record: over-long inner plaintext", rfc, OVERFLOW,
        sending(sealed(DATA, bytes(MAX_PLAINTEXT + 1))))
    add("record: over-long by padding", "RFC 8446 5.4", OVERFLOW,
        sending(sealed(DATA, b"", MAX_PLAINTEXT + 1)))
    add("record: padded to the brim", "RFC 8446 5.4", SUCCEEDS,
        sending(sealed(DATA, b"", MAX_PLAINTEXT)))
    add("record: of padding alone", "RFC 8446 5.4", UNEXPECTED, sending(sealed_inner(bytes(32))))
    add("record: without even a type", "RFC 8446 5.4", UNEXPECTED, sending(sealed_inner(b"")))
    add("record: empty application data", "RFC 8446 5.1", SUCCEEDS, sending(sealed(DATA, b"")))
    add("record: empty handshake", "RFC 8446 5.1", UNEXPECTED, sending(sealed(HANDSHAKE, b"")))
    add("record: empty alert", "RFC 8446 5.1", (UNEXPECTED, DECODE), sending(sealed(ALERT, b"")))
    add("record: half an alert", "RFC 8446 6", (DECODE, UNEXPECTED),
        sending(sealed(ALERT, b"\x02")))
    add("record: an alert and a half", "RFC 8446 6", (DECODE, UNEXPECTED),
        sending(sealed(ALERT, b"\x01\x5a\x00")))
    add("record: a protected change_cipher_spec", "RFC 8446 5", UNEXPECTED,
        sending(sealed(ContentType.CHANGE_CIPHER_SPEC, b"\x01")))
    add("record: an unknown inner type", "RFC 8446 5", UNEXPECTED, sending(sealed(99, b"x")))
    add("record: an unknown outer type", "RFC 8446 5", UNEXPECTED, sending(raw(plain(99, b"x"))))
    add("record: protected, with outer type handshake", rfc, (UNEXPECTED, BAD_MAC),
        sending(sealed_inner(KEY_UPDATE + u8(HANDSHAKE), outer_type=HANDSHAKE)))
    add("record: a KeyUpdate in the clear", "RFC 8446 5", (UNEXPECTED, BAD_MAC),
        sending(raw(plain(HANDSHAKE, KEY_UPDATE))))
    add("record: an alert in the clear, after the handshake", "RFC 8446 6",
        (UNEXPECTED, BAD_MAC), sending(raw(plain(ALERT, b"\x02\x28"))))
    add("record: change_cipher_spec after the Finished", "RFC 8446 5", UNEXPECTED,
        sending(raw(CCS)))


def add_messages(catalogue):
    """RFC 8446 4.6 and 6"""
    def add(name, why, expected, after, **fields):
        catalogue.add(name, why, both=expected, after=after, protected=PROTECTED, **fields)

    add("KeyUpdate", "RFC 8446 4.6.3", SUCCEEDS, key_updates(1, 0))
    add("KeyUpdate that asks for one", "RFC 8446 4.6.3", SUCCEEDS, key_updates(3, 1))
    add("KeyUpdate in pieces", "RFC 8446 5.1", SUCCEEDS, key_update_in_pieces)
    # Bytes that are still unread when the other side closes may cost its alert.
    for name, request in ("KeyUpdate flood", 0), ("KeyUpdate flood that asks for as many", 1):
        add(name, "RFC 8446 4.6.3", (SUCCEEDS, UNEXPECTED, CLOSES), key_updates(400, request))
    add("KeyUpdate of a third kind", "RFC 8446 4.6.3", ILLEGAL,
        sending(sealed(HANDSHAKE, message(HandshakeType.KEY_UPDATE, b"\x02"))))
    add("KeyUpdate without a body", "RFC 8446 4.6.3", DECODE,
        sending(sealed(HANDSHAKE, message(HandshakeType.KEY_UPDATE, b""))))
    add("KeyUpdate of two bytes", "RFC 8446 4.6.3", DECODE,
        sending(sealed(HANDSHAKE, message(HandshakeType.KEY_UPDATE, b"\x00\x00"))))
    add("KeyUpdate and another in one record", "RFC 8446 5.1", UNEXPECTED,
        sending(sealed(HANDSHAKE, KEY_UPDATE * 2)))
    add("KeyUpdate, then the old keys", "RFC 8446 4.6.3", BAD_MAC, key_update_without_new_keys)
    add("application data inside a message", "RFC 8446 5.1", UNEXPECTED,
        sending(sealed(HANDSHAKE, KEY_UPDATE[:2]), sealed(DATA, b"")))
    add("an alert inside a message", "RFC 8446 5.1", (UNEXPECTED, CLOSES),
        sending(sealed(HANDSHAKE, KEY_UPDATE[:2]), sealed(ALERT, b"\x02\x28")))
    add("a fatal alert", "RFC 8446 6.2", CLOSES, fatal_alert(80))
    add("an alert of an unknown kind", "RFC 8446 6", CLOSES, fatal_alert(255))
    for name, kind, body in AFTER_HANDSHAKE:
        add(f"{name} after the handshake", "RFC 8446 4.6", UNEXPECTED,
            sending(sealed(HANDSHAKE, message(kind, body))))
