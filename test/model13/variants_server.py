"""ServerHellos, HelloRetryRequests and EncryptedExtensions that are wrong, or right in an unusual
way, for a client under test."""
import dataclasses
import os

from . import p256, spake2plus
from .constants import (ContentType, ExtensionType as Ext, HandshakeType, SECP256R1,
                        SPAKE2PLUS_V1, X25519, X448)
from .driver import NotApplicable
from .messages import (alpn, cookie, extension, key_share, message, numbers, pake_answer,
                       parse_key_share, parse_key_shares, parse_number_list, u16, vec16)
from .records import plain
from .variants import (BAD_MAC, DECODE, DECRYPT, ILLEGAL, IN_THE_CLEAR, MISSING, PROTECTED,
                       SERVERS, SUCCEEDS, UNEXPECTED, UNSUPPORTED, VERSION, answered_pake,
                       body_of, changing_body, claiming, cut, flip, in_turn, longer, on,
                       repeating, setting, with_body, without)
from .variants_points import BAD_POINTS

PROOF_FAILED = 3
DOWNGRADE_SENTINEL = b"DOWNGRD\x01"


def hello(name, why, change, both=None, protected=IN_THE_CLEAR, **fields):
    """A ServerHello changed as a structure."""
    SERVERS.add(name, why, both, edits=on("server_hello", change), protected=protected, **fields)


def hello_bytes(name, why, change, both):
    SERVERS.add(name, why, both, edits=on("server_hello_bytes", change), protected=IN_THE_CLEAR)


# --- pake in ServerHello ---

def add_confirmations():
    for name, change in (("with a bit flipped", flip), ("of zeros", lambda data: bytes(32)),
                         ("with its first bit flipped", lambda data: flip(data, 0))):
        SERVERS.add(f"confirmV {name}", "pake-02; pake-wire 9", ietf=DECRYPT, boringssl=ILLEGAL,
                    edits=on("confirm_v", change), protected=IN_THE_CLEAR, status=PROOF_FAILED)
    SERVERS.add("confirmV that is confirmP", "RFC 9383 3.4", ietf=DECRYPT, boringssl=ILLEGAL,
                edits={"confirm_v": lambda peer, _: peer.spake.confirm_p},
                protected=IN_THE_CLEAR, status=PROOF_FAILED)
    SERVERS.add("another password's verifier", "pake-02", ietf=DECRYPT, boringssl=ILLEGAL,
                config={"verifiers": {}}, protected=IN_THE_CLEAR, status=PROOF_FAILED)
    SERVERS.add("another device's id", "pake-wire 3", ietf=DECRYPT, boringssl=ILLEGAL,
                config={"device_id": b"another"}, protected=IN_THE_CLEAR, status=PROOF_FAILED)


def add_points():
    for name, change in BAD_POINTS.items():
        SERVERS.add(f"shareV {name}", "pake-wire 2 and 9", ILLEGAL, edits=on("server_hello",
                    answered_pake(lambda scheme, data, change=change:
                                  (scheme, change(data[:65]) + data[65:]))),
                    protected=IN_THE_CLEAR)
    SERVERS.add("shareV that is w0*N", "pake-wire 5: Z is infinity", ILLEGAL,
                edits={"server_hello": share_that_cancels}, protected=IN_THE_CLEAR)
    for name, change in (("empty", lambda data: b""), ("of shareV alone", lambda data: data[:65]),
                         ("of 96 bytes", cut), ("of 98 bytes", longer)):
        hello(f"pake_message {name}", "pake-wire 9", answered_pake(
            lambda scheme, data, change=change: (scheme, change(data))), ILLEGAL)


def share_that_cancels(peer, old):
    w0 = peer.config.verifiers[peer.offer.user].w0
    mask = p256.encode(spake2plus.masked(w0, spake2plus.N))
    return answered_pake(lambda scheme, data: (scheme, mask + data[65:]))(old)


def add_pake_bodies():
    why = "pake, the extension's body"
    hello("pake of another scheme", "pake-wire 9; RFC 8446 4.2", answered_pake(
        lambda scheme, data: (1, data)), ietf=ILLEGAL, boringssl=DECODE)
    for name, change in (("empty", lambda body: b""), ("cut", cut),
                         ("with a trailing byte", longer),
                         ("of a scheme alone", lambda body: body[:2]),
                         ("with a ClientHello's body",
                          lambda body: vec16(b"a") + vec16(b"b") + vec16(body))):
        hello(f"pake {name}", why, changing_body(Ext.PAKE, change), DECODE)
    hello("pake twice", "pake-wire 9", repeating(Ext.PAKE),
          ietf=(ILLEGAL, DECODE), boringssl=ILLEGAL)
    hello("no pake", "pake-wire 9", without(Ext.PAKE), MISSING)
    hello("no pake and no key_share", "RFC 8446 9.2", without(Ext.PAKE, Ext.KEY_SHARE),
          ietf=MISSING)
    hello("no key_share", "pake-02", without(Ext.KEY_SHARE), ietf=MISSING)
    share = key_share(X25519, b"\x09" * 32)
    hello("pake and key_share", "pake-wire 9", with_body(Ext.KEY_SHARE, share),
          boringssl=UNSUPPORTED)
    hello("key_share instead of pake", "pake-wire 9",
          in_turn(without(Ext.PAKE), with_body(Ext.KEY_SHARE, share)), boringssl=UNSUPPORTED)


# --- the rest of ServerHello ---

def add_hello_fields():
    why = "RFC 8446 4.1.3"
    # without a ticket offered, pre_shared_key wasn't asked for
    hello("pake and pre_shared_key", "pake-wire 9; RFC 8446 4.2",
          with_body(Ext.PRE_SHARED_KEY, u16(0)), UNSUPPORTED)
    hello("an extension that nobody knows", "RFC 8446 4.2", with_body(0xFE00, b""), UNSUPPORTED)
    hello("a cookie in ServerHello", "RFC 8446 4.2", with_body(Ext.COOKIE, cookie(b"x")),
          (UNSUPPORTED, ILLEGAL))
    hello("supported_groups in ServerHello", "RFC 8446 4.2",
          with_body(Ext.SUPPORTED_GROUPS, numbers([X25519])), (UNSUPPORTED, ILLEGAL))
    hello("ALPN in ServerHello", "RFC 8446 4.2", with_body(Ext.ALPN, alpn([b"http/1.1"])),
          (UNSUPPORTED, ILLEGAL))
    hello("early_data in ServerHello", "RFC 8446 4.2", with_body(Ext.EARLY_DATA, b""),
          (UNSUPPORTED, ILLEGAL))
    hello("supported_versions twice", "RFC 8446 4.2", repeating(Ext.SUPPORTED_VERSIONS),
          (ILLEGAL, DECODE))
    hello("legacy_version SSL 3.0", "RFC 8446 D.5", setting(legacy_version=0x0300), VERSION)
    for version in 0x0301, 0x0304:
        hello(f"legacy_version {version:#06x}", why, setting(legacy_version=version),
              (ILLEGAL, VERSION, DECODE))
    hello("another session id", why, setting(session_id=os.urandom(32)), ILLEGAL)
    hello("a session id cut", why, lambda old: dataclasses.replace(
        old, session_id=old.session_id[:-1] or b"x"), ILLEGAL)
    hello("a session id of 33 bytes", why, setting(session_id=bytes(33)), (DECODE, ILLEGAL))
    hello("compression", why, setting(compression=1), ILLEGAL)
    for suite in 0x1304, 0xC020, 0x0000:
        hello(f"suite {suite:#06x}", why, setting(suite=suite), ILLEGAL)
    hello("extensions in another order", "pake-wire 7",
          lambda old: dataclasses.replace(old, extensions=old.extensions[::-1]), SUCCEEDS)
    hello("a downgrade sentinel for no downgrade", why, lambda old: dataclasses.replace(
        old, random=old.random[:24] + DOWNGRADE_SENTINEL), SUCCEEDS)
    down = without(Ext.SUPPORTED_VERSIONS, Ext.PAKE, Ext.KEY_SHARE)
    hello("TLS 1.2", "pake-wire 9; RFC 8446 4.2.1", down, (VERSION, ILLEGAL))
    hello("TLS 1.2 with a suite of SRP", "pake-wire 9", in_turn(down, setting(suite=0xC020)),
          (VERSION, ILLEGAL))
    hello("TLS 1.3 without supported_versions", "RFC 8446 4.2.1",
          without(Ext.SUPPORTED_VERSIONS), (VERSION, ILLEGAL, MISSING, UNSUPPORTED))
    for version in 0x0303, 0x0305, 0x7F1C:
        hello(f"supported_versions {version:#06x}", "RFC 8446 4.2.1",
              with_body(Ext.SUPPORTED_VERSIONS, u16(version)), ILLEGAL)
    hello("supported_versions of three bytes", "RFC 8446 4.2.1",
          changing_body(Ext.SUPPORTED_VERSIONS, longer), DECODE)
    hello_bytes("ServerHello with a trailing byte", why, body_of(longer), DECODE)
    hello_bytes("ServerHello cut", why, body_of(cut), DECODE)
    hello_bytes("ServerHello without a body", why, body_of(lambda body: b""), DECODE)
    hello_bytes("ServerHello that claims a byte less", why, claiming(-1), (DECODE, UNEXPECTED))


def add_key_shares():
    why = "RFC 8446 4.2.8.2"

    def share(name, change, expected):
        SERVERS.add(f"key_share {name}", why, ietf=expected, edits={
            "server_hello": lambda peer, old: old.with_extension(
                Ext.KEY_SHARE, change(peer, *parse_key_share(old.get(Ext.KEY_SHARE))))},
            protected=IN_THE_CLEAR)

    share("of a group not offered", lambda peer, group, data: key_share(X448, bytes(56)), ILLEGAL)
    share("of a group without a share", lambda peer, group, data: key_share(
        group_without_share(peer), p256.encode(p256.BASE)), ILLEGAL)
    share("cut by a byte", lambda peer, group, data: key_share(group, cut(data)), ILLEGAL)
    share("a byte longer", lambda peer, group, data: key_share(group, longer(data)), ILLEGAL)
    share("of no bytes", lambda peer, group, data: key_share(group, b""), (DECODE, ILLEGAL))
    share("of zeros", lambda peer, group, data: key_share(group, bytes(len(data))), ILLEGAL)
    share("with a trailing byte", lambda peer, group, data: longer(key_share(group, data)), DECODE)
    share("in a HelloRetryRequest's manner", lambda peer, group, data: u16(group), DECODE)
    for name in "off the curve", "compressed", "hybrid", "infinity in one byte":
        SERVERS.add(f"key_share of secp256r1 {name}", why, ietf=ILLEGAL, edits={
            "server_hello": lambda peer, old, change=BAD_POINTS[name]: old.with_extension(
                Ext.KEY_SHARE, bad_p256(peer, change))}, protected=IN_THE_CLEAR)


def shares_of(peer):
    return dict(parse_key_shares(peer.hello.get(Ext.KEY_SHARE)))


def bad_p256(peer, change):
    if SECP256R1 not in shares_of(peer):
        raise NotApplicable("the client sent no share of secp256r1")
    return key_share(SECP256R1, change(p256.encode(p256.BASE)))


def group_without_share(peer):
    """A group that the client listed and sent no share of."""
    offered = parse_number_list(peer.hello.get(Ext.SUPPORTED_GROUPS))
    left = [group for group in offered
            if group not in shares_of(peer) and group in (X25519, SECP256R1)]
    if not left:
        raise NotApplicable("the client sent a share of every group it listed")
    return left[0]


# --- HelloRetryRequest ---

def retry(name, build, both=None, protected=IN_THE_CLEAR, edits=None, **fields):
    """build(server) makes the HelloRetryRequest."""
    SERVERS.add(f"HelloRetryRequest {name}", "RFC 8446 4.1.4; pake-wire 8", both,
                edits={"hello_retry": lambda peer, _: build(peer), **(edits or {})},
                protected=protected, **fields)


def changed_retry(name, change, both=None, **fields):
    """A HelloRetryRequest for a cookie, changed as a structure."""
    retry(name, lambda peer: change(peer.make_retry(token=b"a cookie")), both, **fields)


def add_retries():
    retry("for a cookie", lambda peer: peer.make_retry(token=b"a cookie"), SUCCEEDS)
    retry("for a cookie of 1000 bytes", lambda peer: peer.make_retry(token=bytes(1000)), SUCCEEDS)
    retry("for a group", lambda peer: peer.make_retry(group_without_share(peer)), ietf=SUCCEEDS)
    retry("for a group and a cookie",
          lambda peer: peer.make_retry(group_without_share(peer), b"a cookie"), ietf=SUCCEEDS)
    retry("that changes nothing", lambda peer: peer.make_retry(), ILLEGAL)
    retry("for a group whose share was sent",
          lambda peer: peer.make_retry(next(iter(shares_of(peer)))), ietf=ILLEGAL)
    retry("for a group not offered", lambda peer: peer.make_retry(X448), ietf=ILLEGAL)
    retry("for a group, without key_share offered", lambda peer: peer.make_retry(X25519),
          boringssl=UNSUPPORTED)
    changed_retry("with pake", with_body(Ext.PAKE, pake_answer(SPAKE2PLUS_V1, bytes(97))),
                  ietf=(UNSUPPORTED, ILLEGAL), boringssl=UNSUPPORTED)
    changed_retry("with an extension that nobody knows", with_body(0xFE00, b""), UNSUPPORTED)
    changed_retry("with early_data", with_body(Ext.EARLY_DATA, b""), (UNSUPPORTED, ILLEGAL))
    changed_retry("with pre_shared_key", with_body(Ext.PRE_SHARED_KEY, u16(0)),
                  (UNSUPPORTED, ILLEGAL))
    changed_retry("with an empty cookie", with_body(Ext.COOKIE, cookie(b"")), (DECODE, ILLEGAL))
    changed_retry("with a cookie cut", changing_body(Ext.COOKIE, cut), DECODE)
    changed_retry("with two cookies", repeating(Ext.COOKIE), (ILLEGAL, DECODE))
    changed_retry("with another session id", setting(session_id=os.urandom(32)), ILLEGAL)
    changed_retry("with compression", setting(compression=1), ILLEGAL)
    changed_retry("of a suite not offered", setting(suite=0x1304), ILLEGAL)
    changed_retry("of legacy_version 0x0304", setting(legacy_version=0x0304),
                  (ILLEGAL, VERSION, DECODE))
    changed_retry("without supported_versions", without(Ext.SUPPORTED_VERSIONS),
                  (VERSION, ILLEGAL, MISSING, UNSUPPORTED))
    changed_retry("of version 0x0303", with_body(Ext.SUPPORTED_VERSIONS, u16(0x0303)), ILLEGAL)
    changed_retry("of another suite than ServerHello", setting(suite=0x1303), ILLEGAL,
                  config={"suites": (0x1301,)})
    retry("twice, for a cookie", lambda peer: peer.make_retry(token=b"a cookie"), UNEXPECTED,
          edits={"before_server_hello": lambda peer, _: peer.send_handshake(
              peer.make_retry(token=b"another").build())})
    retry("twice, the same", lambda peer: peer.make_retry(token=b"a cookie"), UNEXPECTED,
          edits={"after_hello_retry": lambda peer, _: peer.send_handshake(
              peer.make_retry(token=b"a cookie").build())})
    retry("with a trailing byte", lambda peer: peer.make_retry(token=b"a cookie"), DECODE,
          edits=on("hello_retry_bytes", body_of(longer)))
    retry("for a group that ServerHello has not", lambda peer: peer.make_retry(
        group_without_share(peer)), ietf=ILLEGAL, edits=on("server_hello", with_body(
            Ext.KEY_SHARE, key_share(X25519, b"\x09" * 32))))
    SERVERS.add("HelloRetryRequest after ServerHello", "RFC 8446 4.1.4", (UNEXPECTED, BAD_MAC),
                protected=None, edits={"after_server_hello": lambda peer, _: peer.send_handshake(
                    peer.make_retry(token=b"a cookie").build())})


# --- EncryptedExtensions ---

def encrypted(name, extensions, both=None, **fields):
    SERVERS.add(f"EncryptedExtensions with {name}", "RFC 8446 4.3.1; pake-wire 9", both,
                edits=on("encrypted_extensions", lambda old: [*old, *extensions]),
                protected=PROTECTED, **fields)


def add_encrypted_extensions():
    encrypted("pake", [(Ext.PAKE, pake_answer(SPAKE2PLUS_V1, bytes(97)))],
              ietf=(UNSUPPORTED, ILLEGAL), boringssl=UNSUPPORTED)
    encrypted("supported_groups", [(Ext.SUPPORTED_GROUPS, numbers([SECP256R1, X25519]))],
              ietf=SUCCEEDS, boringssl=UNSUPPORTED)
    encrypted("early_data", [(Ext.EARLY_DATA, b"")], UNSUPPORTED)
    encrypted("key_share", [(Ext.KEY_SHARE, key_share(X25519, b"\x09" * 32))],
              ietf=(ILLEGAL, UNSUPPORTED), boringssl=UNSUPPORTED)
    encrypted("supported_versions", [(Ext.SUPPORTED_VERSIONS, u16(0x0304))],
              (ILLEGAL, UNSUPPORTED))
    encrypted("pre_shared_key", [(Ext.PRE_SHARED_KEY, u16(0))], (UNSUPPORTED, ILLEGAL))
    encrypted("cookie", [(Ext.COOKIE, cookie(b"x"))], (UNSUPPORTED, ILLEGAL))
    encrypted("signature_algorithms", [(Ext.SIGNATURE_ALGORITHMS, numbers([0x0403]))],
              (UNSUPPORTED, ILLEGAL))
    encrypted("what nobody knows", [(0xFE00, b"")], UNSUPPORTED)
    encrypted("ALPN not offered", [(Ext.ALPN, alpn([b"h7"]))], (ILLEGAL, UNSUPPORTED))
    encrypted("ALPN of two", [(Ext.ALPN, alpn([b"http/1.1", b"h7"]))],
              (ILLEGAL, DECODE, UNSUPPORTED))
    encrypted("ALPN empty", [(Ext.ALPN, b"")], (DECODE, ILLEGAL, UNSUPPORTED))
    encrypted("record_size_limit 63", [(Ext.RECORD_SIZE_LIMIT, u16(63))], (ILLEGAL, UNSUPPORTED))
    encrypted("padding", [(Ext.PADDING, bytes(8))], (UNSUPPORTED, ILLEGAL))
    encrypted("the same twice", [(Ext.ALPN, alpn([b"http/1.1"]))] * 2,
              (ILLEGAL, DECODE, UNSUPPORTED))

    def data(name, change, expected):
        SERVERS.add(f"EncryptedExtensions {name}", "RFC 8446 4.3.1", expected,
                    edits=on("encrypted_extensions_bytes", change), protected=PROTECTED)

    data("with a trailing byte", body_of(longer), DECODE)
    data("without a body", body_of(lambda body: b""), DECODE)
    data("cut in an extension", body_of(lambda body: vec16(extension(0xFE00, b"four")[:-1])),
         DECODE)
    data("left out", lambda _: b"", UNEXPECTED)
    data("twice", lambda whole: whole * 2, UNEXPECTED)
    for name, kind, body in (("a Certificate", HandshakeType.CERTIFICATE, bytes(4)),
                             ("a CertificateRequest", HandshakeType.CERTIFICATE_REQUEST, bytes(3)),
                             ("a CertificateVerify", HandshakeType.CERTIFICATE_VERIFY, bytes(4)),
                             ("a NewSessionTicket", HandshakeType.NEW_SESSION_TICKET, bytes(14)),
                             ("a KeyUpdate", HandshakeType.KEY_UPDATE, b"\x00"),
                             ("a message of an unknown type", 77, b"")):
        data(f"and {name}", lambda whole, kind=kind, body=body: whole + message(kind, body),
             UNEXPECTED)
        data(f"replaced by {name}", lambda _, kind=kind, body=body: message(kind, body),
             UNEXPECTED)
    SERVERS.add("EncryptedExtensions in the clear", "RFC 8446 5", (UNEXPECTED, BAD_MAC),
                edits={"after_server_hello": lambda peer, _: peer.records.send_bytes(
                    plain(ContentType.HANDSHAKE, message(HandshakeType.ENCRYPTED_EXTENSIONS,
                                                         b"\x00\x00")))})


for add in (add_confirmations, add_points, add_pake_bodies, add_hello_fields, add_key_shares,
            add_retries, add_encrypted_extensions):
    add()
