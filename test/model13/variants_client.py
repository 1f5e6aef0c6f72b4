"""ClientHellos that are wrong, or right in an unusual way, for a server under test.

The server must answer wrong names and passwords as if nothing were known of them, refuse what is
malformed with the right alert, and take what RFC 8446 lets a client do.
"""
import dataclasses

from . import p256, spake2plus
from .constants import ExtensionType as Ext, HandshakeType, SECP256R1, SPAKE2PLUS_V1, X25519, X448
from .messages import (alpn, cookie, key_shares, message, numbers, parse_key_shares, psk_modes,
                       server_name, u16, vec16, versions)
from .variants import (CLIENTS, CLOSES, DECODE, FAILURE, ILLEGAL, IN_THE_CLEAR, MISSING,
                       NO_PROTOCOL, OVERFLOW, SIMULATED, SUCCEEDS, UNEXPECTED, UNREADABLE,
                       UNSUPPORTED, VERSION, body_of, changing_body, claiming, cut, in_turn,
                       longer, offered_shares, on, repeating, setting, with_body, without)
from .variants_points import BAD_POINTS

GREASE = 0x2A2A


def hello(name, why, change, both=None, protected=IN_THE_CLEAR, **fields):
    """A ClientHello changed as a structure."""
    CLIENTS.add(name, why, both, edits=on("client_hello", change), protected=protected, **fields)


def hello_bytes(name, why, change, both=None, **fields):
    CLIENTS.add(name, why, both, edits=on("client_hello_bytes", change), protected=IN_THE_CLEAR,
                **fields)


# --- pake: pake-02 and BoringSSL ---

def add_pake_bodies():
    why = "pake, the extension's body"
    for name, change, expected in (
            ("empty", lambda body: b"", DECODE),
            ("cut", cut, DECODE),
            ("with a trailing byte", longer, DECODE),
            ("with identities alone", lambda body: body[:-71], DECODE),
            ("whose list claims a byte more", lambda body: _list_claims(body, 1), DECODE),
            ("whose list claims a byte less", lambda body: _list_claims(body, -1), DECODE),
            ("whose share claims a byte more", lambda body: _share_claims(body, 1), DECODE),
            ("whose share claims a byte less", lambda body: _share_claims(body, -1), DECODE)):
        hello(f"pake {name}", why, changing_body(Ext.PAKE, change), expected)
    hello("pake twice", "pake-wire 9; RFC 8446 4.2", repeating(Ext.PAKE),
          ietf=(DECODE, ILLEGAL), boringssl=DECODE)


def _list_claims(body, difference):
    at = len(body) - 69 - 2
    return body[:at] + u16(69 + difference) + body[at + 2:]


def _share_claims(body, difference):
    at = len(body) - 65 - 2
    return body[:at] + u16(65 + difference) + body[at + 2:]


def add_pake_shares():
    order, common = "pake-02: unsorted or repeated shares", "pake-02: no scheme in common"
    for name, change in (
            ("unsorted", lambda shares: [(0xFFF0, b"x"), *shares]),
            ("unsorted, unknown ones", lambda shares: [(2, b""), (1, b""), *shares]),
            ("repeated", lambda shares: shares * 2),
            ("repeated, unknown ones", lambda shares: [(1, b"x"), (1, b"y"), *shares])):
        hello(f"pake shares {name}", order, offered_shares(change),
              ietf=ILLEGAL, boringssl=DECODE)
    for name, change in (
            ("none", lambda shares: []),
            ("of an unknown scheme alone", lambda shares: [(1, b"12345")]),
            ("of unknown schemes alone", lambda shares: [(1, b""), (0xFFFF, b"")])):
        hello(f"pake shares {name}", common, offered_shares(change),
              ietf=ILLEGAL, boringssl=FAILURE)
    skipped = "pake-wire 2: unknown schemes are skipped, their messages not looked at"
    for name, change in (
            ("an unknown one before", lambda shares: [(1, bytes(65)), *shares]),
            ("an unknown empty one before", lambda shares: [(1, b""), *shares]),
            ("an unknown one after", lambda shares: [*shares, (0xFFF0, bytes(65))]),
            ("an unknown empty one after", lambda shares: [*shares, (0xFFF0, b"")]),
            ("unknown ones around", lambda shares: [(0, b""), (SPAKE2PLUS_V1 - 1, b"x"), *shares,
                                                    (SPAKE2PLUS_V1 + 1, b""), (0xFFFF, b"y")])):
        hello(f"pake shares, {name}", skipped, offered_shares(change), SUCCEEDS)


def add_points():
    for name, change in BAD_POINTS.items():
        CLIENTS.add(f"shareP {name}", "pake-wire 2 and 9", ILLEGAL, edits=on("share_p", change),
                    protected=IN_THE_CLEAR)
    CLIENTS.add("shareP that is w0*M", "pake-wire 5: Z is infinity", ILLEGAL,
                edits={"share_p": lambda peer, _: p256.encode(
                    spake2plus.masked(peer.secret_of_user.w0, spake2plus.M))},
                protected=IN_THE_CLEAR)
    CLIENTS.add("shareP off the curve, for an unknown user", "pake-wire 10: no oracle", ILLEGAL,
                edits=on("share_p", BAD_POINTS["off the curve"]), config={"user": b"nobody"},
                protected=IN_THE_CLEAR)


def add_identities():
    why = "pake-02: unknown identities are simulated"
    for name, config in (
            ("a wrong password", {"password": b"not it"}),
            ("an unknown user", {"user": b"nobody"}),
            ("no user", {"user": b""}),
            ("a user with a NUL at its end", {"user": b"admin\0"}),
            ("a user in other case", {"user": b"ADMIN"}),
            ("a user of 255 bytes", {"user": b"n" * 255}),
            ("a user of 256 bytes", {"user": b"n" * 256}),
            ("a user of bytes that are no UTF-8", {"user": b"\xff\xfe\x00"}),
            ("no device id", {"device_id": b""}),
            ("another device id", {"device_id": b"another"}),
            ("a device id of 1000 bytes", {"device_id": b"d" * 1000})):
        CLIENTS.add(f"identity: {name}", why, SIMULATED, config=config)
    CLIENTS.add("identity: a user of 17000 bytes", "pake-wire 11: a bound is allowed",
                (ILLEGAL, DECODE, FAILURE, OVERFLOW, SIMULATED), config={"user": b"n" * 17000})


def go_on(client):
    """A wrong password, and a client that doesn't mind: everything after ServerHello is under
    other keys."""
    client.send_hello()
    data, answered = client.read_server_hello()
    client.take_server_hello(data, answered)
    client.schedule.enter_application(client.hash())
    client.send_finished()
    while True:
        client.records.read_record()


def add_going_on():
    CLIENTS.add("a wrong confirmV that the client takes", "pake-wire 9", (UNREADABLE, CLOSES),
                script=go_on, config={"password": b"not it"}, edits=on("confirmed", lambda _: True))


# --- which extensions ---

def add_presence():
    hello("no pake", "design: neither PAKE nor SRP", without(Ext.PAKE), FAILURE)
    hello("pake without key_share", "RFC 8446 9.2", without(Ext.KEY_SHARE), ietf=MISSING)
    hello("pake without supported_groups", "RFC 8446 9.2", without(Ext.SUPPORTED_GROUPS),
          ietf=MISSING)
    algorithms = with_body(Ext.SIGNATURE_ALGORITHMS, numbers([0x0403, 0x0804]))
    hello("pake and signature_algorithms", "pake-02: PAKE and a certificate", algorithms,
          ietf=FAILURE)
    hello("pake and signature_algorithms, in BoringSSL's form", "pake-wire 7: ignored", algorithms,
          boringssl=SUCCEEDS)
    hello("pake and psk_key_exchange_modes", "pake-wire 7 and 12: ignored, no ticket",
          with_body(Ext.PSK_KEY_EXCHANGE_MODES, psk_modes([1])), boringssl=SUCCEEDS)
    CLIENTS.add("BoringSSL's form, to a server of the draft's alone", "pake-02", boringssl=MISSING,
                options=("--pake", "ietf"), protected=IN_THE_CLEAR)
    CLIENTS.add("the draft's form, to a server of the draft's alone", "pake-02", ietf=SUCCEEDS,
                options=("--pake", "ietf"))
    CLIENTS.add("BoringSSL's form, to a server of that alone", "design", boringssl=SUCCEEDS,
                options=("--pake", "boringssl"))
    for kind in (Ext.SUPPORTED_VERSIONS, Ext.KEY_SHARE, Ext.SUPPORTED_GROUPS):
        forms = {"ietf": (ILLEGAL, DECODE)}
        if kind == Ext.SUPPORTED_VERSIONS:
            forms["boringssl"] = (ILLEGAL, DECODE)
        hello(f"{kind.name.lower()} twice", "RFC 8446 4.2", repeating(kind), **forms)
    hello("an unknown extension", "RFC 8446 4.1.2", with_body(0xFE00, b"anything"), SUCCEEDS)
    hello("an unknown extension twice", "RFC 8446 4.2",
          in_turn(with_body(0xFE00, b""), repeating(0xFE00)), (ILLEGAL, DECODE, SUCCEEDS))
    hello("padding", "RFC 7685", with_body(Ext.PADDING, bytes(400)), SUCCEEDS)
    hello("a cookie that nobody sent", "RFC 8446 4.2.2", with_body(Ext.COOKIE, cookie(b"x")),
          (SUCCEEDS, ILLEGAL, UNSUPPORTED))
    hello("early_data without a ticket", "RFC 8446 4.2.10", with_body(Ext.EARLY_DATA, b""),
          (SUCCEEDS, ILLEGAL))
    hello("grease", "RFC 8701", grease, SUCCEEDS)


def grease(old):
    """Unknown values everywhere that RFC 8701 has them."""
    made = dataclasses.replace(old, suites=[GREASE, *old.suites],
                               extensions=[(GREASE, b""), *old.extensions, (0x3A3A, b"\x00")])
    made = made.with_extension(Ext.SUPPORTED_VERSIONS, versions([GREASE, 0x0304, 0x0303]))
    if old.get(Ext.KEY_SHARE) is None:
        return made
    shares = parse_key_shares(old.get(Ext.KEY_SHARE))
    return in_turn(with_body(Ext.SUPPORTED_GROUPS, numbers([GREASE, X25519, SECP256R1])),
                   with_body(Ext.KEY_SHARE, key_shares([(GREASE, b"\x00"), *shares])))(made)


# --- the rest of ClientHello ---

def add_hello_fields():
    why = "RFC 8446 4.1.2"
    hello("no suite in common", why, setting(suites=[0x1304, 0xC020]), FAILURE)
    hello("no suite at all", why, setting(suites=[]), (DECODE, ILLEGAL, FAILURE))
    hello("compression besides null", why, setting(compression=b"\x01\x00"), ILLEGAL)
    hello("compression without null", why, setting(compression=b"\x01"), ILLEGAL)
    hello("no compression", why, setting(compression=b""), (DECODE, ILLEGAL))
    hello("a session id of 33 bytes", why, setting(session_id=bytes(33)), (DECODE, ILLEGAL))
    CLIENTS.add("a session id of no bytes", why, SUCCEEDS, config={"session_id": b""})
    CLIENTS.add("a session id of 5 bytes", why, SUCCEEDS, config={"session_id": b"five."})
    hello("legacy_version SSL 3.0", "RFC 8446 D.5", setting(legacy_version=0x0300), VERSION)
    hello("legacy_version TLS 1.0", "RFC 8446 4.2.1", setting(legacy_version=0x0301),
          (SUCCEEDS, VERSION))
    hello("versions unknown alone", "RFC 8446 4.2.1",
          with_body(Ext.SUPPORTED_VERSIONS, versions([0x0305, 0x7F1C])), VERSION)
    hello("no supported_versions", "design: neither version", without(Ext.SUPPORTED_VERSIONS),
          (VERSION, FAILURE))
    for name, change in (("empty", lambda body: b""), ("of an empty list", lambda body: b"\x00"),
                         ("of an odd length", lambda body: b"\x03\x03\x04\x03"),
                         ("with a trailing byte", longer)):
        hello(f"supported_versions {name}", "RFC 8446 4.2.1",
              changing_body(Ext.SUPPORTED_VERSIONS, change), DECODE)
    hello_bytes("ClientHello with a trailing byte", why, body_of(longer), DECODE)
    hello_bytes("ClientHello cut", why, body_of(cut), DECODE)
    hello_bytes("ClientHello cut in its random", why, body_of(lambda body: body[:20]), DECODE)
    hello_bytes("ClientHello without a body", why, body_of(lambda body: b""), DECODE)
    hello_bytes("ClientHello that claims a byte less", why, claiming(-1), (DECODE, UNEXPECTED))
    hello_bytes("ClientHello of 300000 bytes", "RFC 8446 4: a bound is allowed",
                lambda _: message(HandshakeType.CLIENT_HELLO, bytes(300000)),
                (ILLEGAL, DECODE, OVERFLOW, FAILURE, UNEXPECTED, CLOSES))


def add_names_and_protocols():
    hello("server_name", "RFC 6066 3", with_body(Ext.SERVER_NAME, server_name(b"device.local")),
          SUCCEEDS)
    hello("server_name malformed", "RFC 6066 3", with_body(Ext.SERVER_NAME, b"\x00\x09\x00"),
          (SUCCEEDS, DECODE, ILLEGAL))
    CLIENTS.add("ALPN that is known among others", "RFC 7301", SUCCEEDS,
                config={"alpn": (b"h7", b"http/1.1")})
    hello("ALPN unknown alone", "RFC 7301 3.2; design", with_body(Ext.ALPN, alpn([b"h7"])),
          NO_PROTOCOL)
    for name, body in (("empty", b""), ("of an empty list", b"\x00\x00"),
                       ("of an empty name", vec16(b"\x00")), ("cut", b"\x00\x04\x03h7")):
        hello(f"ALPN {name}", "RFC 7301 3.1", with_body(Ext.ALPN, body), (DECODE, ILLEGAL))
    why = "RFC 8449 4"
    for limit, expected in ((64, SUCCEEDS), (200, SUCCEEDS), (0xFFFF, SUCCEEDS),
                            (63, (ILLEGAL, SUCCEEDS)), (0, (ILLEGAL, SUCCEEDS))):
        hello(f"record_size_limit {limit}", why, limited(limit), expected)
    hello("record_size_limit of three bytes", why,
          with_body(Ext.RECORD_SIZE_LIMIT, b"\x00\x40\x00"), (DECODE, SUCCEEDS))
    CLIENTS.add("record_size_limit, which then holds", why, SUCCEEDS,
                config={"record_size_limit": 70})


def limited(limit):
    return with_body(Ext.RECORD_SIZE_LIMIT, u16(limit))


def add_key_shares():
    why = "RFC 8446 4.2.8"

    def share(name, change, expected, **fields):
        hello(f"key_share {name}", why, changing_body(Ext.KEY_SHARE, change), ietf=expected,
              **fields)

    def public(change):
        return lambda body: key_shares([(group, change(data))
                                        for group, data in parse_key_shares(body)])

    p256_alone = {"config": {"shares": (SECP256R1,)}}
    share("x25519 of 31 bytes", public(cut), ILLEGAL)
    share("x25519 of 33 bytes", public(longer), ILLEGAL)
    share("x25519 of no bytes", public(lambda data: b""), (DECODE, ILLEGAL))
    share("x25519 of zeros", public(lambda data: bytes(32)), ILLEGAL)
    share("x25519 of order 4", public(lambda data: b"\x01" + bytes(31)), ILLEGAL)
    for name in ("compressed", "off the curve", "hybrid", "infinity in one byte",
                 "with x not below p"):
        share(f"secp256r1 {name}", public(BAD_POINTS[name]), ILLEGAL, **p256_alone)
    share("with a trailing byte", longer, DECODE)
    share("cut", cut, DECODE)
    share("repeated", lambda body: key_shares(parse_key_shares(body) * 2), (ILLEGAL, SUCCEEDS))
    share("of a group that is not listed",
          lambda body: key_shares([*parse_key_shares(body), (X448, bytes(56))]),
          (ILLEGAL, SUCCEEDS))
    hello("supported_groups empty", "RFC 8446 4.2.7", with_body(Ext.SUPPORTED_GROUPS, b"\x00\x00"),
          ietf=(DECODE, ILLEGAL, FAILURE))
    hello("supported_groups of an odd length", "RFC 8446 4.2.7",
          with_body(Ext.SUPPORTED_GROUPS, b"\x00\x03\x00\x1d\x00"), ietf=DECODE)
    hello("no group in common", "RFC 8446 4.1.1",
          in_turn(with_body(Ext.SUPPORTED_GROUPS, numbers([X448])),
                  with_body(Ext.KEY_SHARE, key_shares([(X448, bytes(56))]))), ietf=FAILURE)


for add in (add_pake_bodies, add_pake_shares, add_points, add_identities, add_going_on,
            add_presence, add_hello_fields, add_names_and_protocols, add_key_shares):
    add()
