"""Clients that are wrong, or right in an unusual way, after their ClientHello: HelloRetryRequest,
tickets, the order of messages and records; for a server under test."""
import dataclasses
import os

from . import p256, spake2plus
from .constants import (ContentType, ExtensionType as Ext, HandshakeType, PSK_KE, SECP256R1,
                        SPAKE2PLUS_V1, X25519)
from .driver import NotApplicable
from .messages import (ClientHello, cookie, key_shares, message, parse_cookie, parse_psk_offer,
                       psk_binders, psk_identities, vec16)
from .records import CCS, plain
from .variants import (BAD_MAC, CLIENTS, CLOSES, DECODE, DECRYPT, FAILURE, ILLEGAL, IN_THE_CLEAR,
                       MISSING, OVERFLOW, PROTECTED, SIMULATED, SUCCEEDS, UNEXPECTED,
                       UNSUPPORTED, body_of, changing_body, cut, flip, longer, offered_shares,
                       on, with_body, without)
from .variants_phase import add_messages, add_records

HANDSHAKE, DATA, ALERT = ContentType.HANDSHAKE, ContentType.APPLICATION_DATA, ContentType.ALERT

# --- HelloRetryRequest: no share is sent at first, so the server must ask for one ---

def second(name, change, expected=ILLEGAL, **fields):
    CLIENTS.add(f"second ClientHello {name}", "RFC 8446 4.1.2", ietf=expected,
                edits={"second_client_hello": change}, config={"shares": ()},
                protected=IN_THE_CLEAR, **fields)


def no_change(_, old):
    return old


def another_pake(peer, old):
    """A fresh x: another guess, if it were taken."""
    point = spake2plus.share(peer.x + 1, peer.secret_of_user.w0, spake2plus.M)
    return offered_shares(lambda shares: [(SPAKE2PLUS_V1, p256.encode(point))])(old)


def another_group(peer, old):
    asked = next(iter(peer.exchanges))
    other = (SECP256R1, p256.encode(p256.BASE)) if asked == X25519 else (X25519, b"\x09" * 32)
    return old.with_extension(Ext.KEY_SHARE, key_shares([other]))


def with_cookie(change):
    def edit(_, old):
        body = old.get(Ext.COOKIE)
        if body is None:
            raise NotApplicable("the server sent no cookie")
        return change(old, parse_cookie(body))
    return edit


def add_retries():
    second("as asked", no_change, SUCCEEDS)
    second("with another pake", another_pake)
    second("with another user", lambda _, old: changing_body(
        Ext.PAKE, lambda body: vec16(b"other") + body[2 + int.from_bytes(body[:2], "big"):])(old))
    second("without pake", lambda _, old: old.without(Ext.PAKE), (ILLEGAL, FAILURE, MISSING))
    second("with another random",
           lambda _, old: dataclasses.replace(old, random=os.urandom(32)))
    second("with another session id",
           lambda _, old: dataclasses.replace(old, session_id=os.urandom(32)))
    second("with other suites", lambda _, old: dataclasses.replace(old, suites=old.suites[::-1]),
           (ILLEGAL, SUCCEEDS))
    second("with an extension more", lambda _, old: old.with_extension(0xFE00, b""),
           (ILLEGAL, SUCCEEDS))
    second("with the first one's key_share", lambda _, old: old.with_extension(
        Ext.KEY_SHARE, key_shares([])))
    second("without key_share", lambda _, old: old.without(Ext.KEY_SHARE), (ILLEGAL, MISSING))
    second("with a share of another group", another_group)
    second("with a cookie that nobody sent", lambda _, old: old.with_extension(
        Ext.COOKIE, cookie(b"guess")), (ILLEGAL, SUCCEEDS, UNSUPPORTED))
    second("without its cookie",
           with_cookie(lambda old, token: old.without(Ext.COOKIE)), (ILLEGAL, MISSING))
    second("with an altered cookie", with_cookie(
        lambda old, token: old.with_extension(Ext.COOKIE, cookie(flip(token)))))
    second("with a cookie cut", with_cookie(
        lambda old, token: old.with_extension(Ext.COOKIE, cookie(cut(token)))))
    CLIENTS.add("a Finished instead of the second ClientHello", "RFC 8446 4", ietf=UNEXPECTED,
                config={"shares": ()}, protected=IN_THE_CLEAR,
                edits=on("second_client_hello_bytes",
                         lambda _: message(HandshakeType.FINISHED, bytes(32))))


# --- tickets ---

def ticket(name, why, expected, change=lambda kept: kept, change_hello=None, **fields):
    """Rows with the ticket of an earlier connection; change(ticket), then an edit of the bytes."""
    edits = {"client_hello_bytes": lambda _, data: change_hello(data)} if change_hello else {}
    CLIENTS.add(f"ticket: {name}", why, ietf=expected, ticket=change,
                edits={**edits, **fields.pop("edits", {})}, **fields)


def psk_offer(change):
    """change(identities, binders) -> body, in the bytes of a ClientHello; binders don't fit then,
    but what is malformed is found before."""
    def edit(data):
        old = ClientHello.parse(data[4:])
        body = old.get(Ext.PRE_SHARED_KEY)
        return old.with_extension(Ext.PRE_SHARED_KEY, change(*parse_psk_offer(body)[:2])).build()
    return edit


def psk_first(data):
    old = ClientHello.parse(data[4:])
    return dataclasses.replace(old, extensions=[old.extensions[-1], *old.extensions[:-1]]).build()


def changed(**fields):
    return lambda kept: dataclasses.replace(kept, **fields)


def add_tickets():
    why, binder = "RFC 8446 4.2.11", "RFC 8446 4.2.11.2"
    taken, refused = {"resumed": True}, {"resumed": False}
    ticket("as it came", why, SUCCEEDS, **taken)
    ticket("with another user beside it", "design: the proved user is the ticket's", SUCCEEDS,
           config={"user": b"somebody", "password": b"anything"}, **taken)
    ticket("used twice", "RFC 8446 8: a server may allow it", SUCCEEDS, replay=True)
    ticket("with a false age", "RFC 8446 4.2.11.1", SUCCEEDS, changed(age_add=12345))
    for name, damage in (("cut", cut), ("a byte longer", longer), ("flipped at its end", flip),
                         ("flipped in its middle", lambda data: flip(data, len(data) // 2)),
                         ("flipped at its start", lambda data: flip(data, 0))):
        ticket(name, why, SUCCEEDS, lambda kept, damage=damage: dataclasses.replace(
            kept, identity=damage(kept.identity)), **refused)
    ticket("of random bytes", why, SUCCEEDS, changed(identity=os.urandom(120)), **refused)
    ticket("of one byte", why, SUCCEEDS, changed(identity=b"x"), **refused)
    ticket("of 8000 bytes", why, SUCCEEDS, changed(identity=bytes(8000)), **refused)
    ticket("unknown, and a wrong password", "design: then a password handshake", SIMULATED,
           changed(identity=b"x"), config={"password": b"not it"})
    ticket("of a suite with another hash", why, SUCCEEDS, config={"suites": (0x1302,)}, **refused)
    ticket("of another suite with the same hash", why, SUCCEEDS, config={"suites": (0x1303,)})
    ticket("with psk_ke alone", "RFC 8446 4.2.9", SUCCEEDS, config={"psk_modes": (PSK_KE,)},
           **refused)
    ticket("with unknown modes alone", "RFC 8446 4.2.9", SUCCEEDS,
           config={"psk_modes": (7, 200)}, **refused)
    ticket("without psk_key_exchange_modes", "RFC 8446 4.2.9", MISSING, protected=IN_THE_CLEAR,
           edits=on("client_hello", without(Ext.PSK_KEY_EXCHANGE_MODES)))
    ticket("after a HelloRetryRequest", "RFC 8446 4.1.2", SUCCEEDS, config={"shares": ()}, **taken)
    clear = {"protected": IN_THE_CLEAR}
    ticket("with a wrong binder", binder, DECRYPT, edits=on("binder", flip), **clear)
    ticket("with another PSK", binder, DECRYPT, changed(psk=bytes(32)), **clear)
    ticket("with a binder of 31 bytes", binder, (DECODE, ILLEGAL), change_hello=psk_offer(
        lambda ids, binders: psk_identities(ids) + psk_binders([bytes(31)])), **clear)
    ticket("with a binder of 33 bytes", binder, (DECRYPT, ILLEGAL, DECODE), change_hello=psk_offer(
        lambda ids, binders: psk_identities(ids) + psk_binders([bytes(33)])), **clear)
    ticket("with two binders", binder, (ILLEGAL, DECODE), change_hello=psk_offer(
        lambda ids, binders: psk_identities(ids) + psk_binders(binders * 2)), **clear)
    ticket("twice, with one binder", binder, (ILLEGAL, DECODE), change_hello=psk_offer(
        lambda ids, binders: psk_identities(ids * 2) + psk_binders(binders)), **clear)
    ticket("without binders", binder, DECODE, change_hello=psk_offer(
        lambda ids, binders: psk_identities(ids) + psk_binders([])), **clear)
    ticket("of no bytes", why, DECODE, change_hello=psk_offer(
        lambda ids, binders: psk_identities([(b"", 0)]) + psk_binders(binders)), **clear)
    ticket("with a trailing byte", why, DECODE, change_hello=psk_offer(
        lambda ids, binders: psk_identities(ids) + psk_binders(binders) + b"\0"), **clear)
    ticket("that is not the last extension", why, ILLEGAL, change_hello=psk_first, **clear)
    ticket("unknown, without pake", "design: neither PAKE nor SRP", FAILURE,
           changed(identity=b"x"), edits=on("client_hello", without(Ext.PAKE)), **clear)


def add_early_data():
    why = "RFC 8446 4.2.10; never 0-RTT"
    ticket("with early_data", why, SUCCEEDS, edits=on(
        "client_hello", with_body(Ext.EARLY_DATA, b"")))
    ticket("with early data on the wire", why, (SUCCEEDS, UNEXPECTED, BAD_MAC), edits={
        "client_hello": lambda _, old: old.with_extension(Ext.EARLY_DATA, b""),
        "after_hello": lambda peer, _: peer.send_early_data(b"GET /early HTTP/1.1\r\n\r\n")})
    flow("EndOfEarlyData before the Finished", why, UNEXPECTED,
         before_finished=lambda peer: peer.send_handshake(
             message(HandshakeType.END_OF_EARLY_DATA, b"")))


# --- the order of things ---

def flow(name, why, expected, protected=PROTECTED, config=None, **moments):
    """Something at a moment of the handshake: moment=function(peer)"""
    edits = {moment: lambda peer, value, act=act: act(peer) for moment, act in moments.items()}
    CLIENTS.add(name, why, expected, edits=edits, protected=protected, config=config or {})


def raw(data):
    return lambda peer: peer.records.send_bytes(data)


def hidden(kind, data):
    """A record under the keys of the moment."""
    return lambda peer: peer.records.send_bytes(peer.records.seal(kind, data))


def finished_edit(name, change, expected, **fields):
    CLIENTS.add(f"Finished {name}", "RFC 8446 4.4.4", expected, edits={"finished": change},
                protected=fields.pop("protected", PROTECTED), **fields)


def in_pieces(size):
    def send(peer, data):
        for at in range(0, len(data), size):
            peer.records.send_bytes(plain(HANDSHAKE, data[at:at + size]))
    return send


def split_around(middle):
    """A message in two records with another record between them."""
    def send(peer, data):
        peer.records.send_bytes(plain(HANDSHAKE, data[:50]) + middle + plain(HANDSHAKE, data[50:]))
    return send


def add_hello_records():
    why = "RFC 8446 5.1"

    def wire(name, send, expected, protected=IN_THE_CLEAR):
        CLIENTS.add(f"ClientHello {name}", why, expected, edits={"client_hello_wire": send},
                    protected=protected)

    wire("a byte a record", in_pieces(1), SUCCEEDS)
    wire("in records of 40 bytes", in_pieces(40), SUCCEEDS)
    wire("in a record of version 3.1", lambda peer, data: peer.records.send_bytes(
        plain(HANDSHAKE, data, 0x0301)), SUCCEEDS)
    wire("around a change_cipher_spec", split_around(CCS), UNEXPECTED)
    wire("around an empty record", split_around(plain(HANDSHAKE, b"")), (UNEXPECTED, DECODE))
    wire("and more in its record", lambda peer, data: peer.records.send_bytes(
        plain(HANDSHAKE, data + b"\x01")), (UNEXPECTED, DECODE), None)
    wire("and another in its record", lambda peer, data: peer.records.send_bytes(
        plain(HANDSHAKE, data * 2)), UNEXPECTED, None)
    wire("in an over-long record", lambda peer, data: peer.records.send_bytes(
        plain(HANDSHAKE, data + bytes((1 << 14) + 1 - len(data)))), OVERFLOW)
    flow("application data before the ClientHello", why, UNEXPECTED, IN_THE_CLEAR,
         before_hello=raw(plain(DATA, b"hello")))
    flow("an empty record before the ClientHello", why, (UNEXPECTED, DECODE), IN_THE_CLEAR,
         before_hello=raw(plain(HANDSHAKE, b"")))
    flow("a Finished before the ClientHello", "RFC 8446 4", UNEXPECTED, IN_THE_CLEAR,
         before_hello=raw(plain(HANDSHAKE, message(HandshakeType.FINISHED, bytes(32)))))
    flow("change_cipher_spec before the ClientHello", "RFC 8446 5", UNEXPECTED, IN_THE_CLEAR,
         before_hello=raw(CCS))
    flow("an alert before the ClientHello", "RFC 8446 6", CLOSES, IN_THE_CLEAR,
         before_hello=raw(plain(ALERT, b"\x02\x28")))


def add_flow():
    ccs = "RFC 8446 5 and D.4"
    flow("change_cipher_spec thrice", ccs, SUCCEEDS, before_finished=raw(CCS * 2))
    CLIENTS.add("no change_cipher_spec", ccs, SUCCEEDS, config={"ccs": False})
    for name, body in (("02", b"\x02"), ("0101", b"\x01\x01"), ("nothing", b"")):
        flow(f"change_cipher_spec of {name}", ccs, (UNEXPECTED, DECODE) if not body
             else UNEXPECTED, before_finished=raw(plain(20, body)))
    flow("a protected change_cipher_spec before the Finished", ccs, UNEXPECTED,
         before_finished=hidden(20, b"\x01"))
    why = "RFC 8446 4"
    flow("application data before the Finished", "RFC 8446 2", UNEXPECTED,
         before_finished=hidden(DATA, b"GET /early HTTP/1.1\r\n\r\n"))
    flow("garbage as application data after the ClientHello", "RFC 8446 5.2",
         (BAD_MAC, UNEXPECTED), None, after_hello=raw(plain(DATA, bytes(50))))
    for name, kind, body in (
            ("a Certificate", HandshakeType.CERTIFICATE, bytes(4)),
            ("a CertificateVerify", HandshakeType.CERTIFICATE_VERIFY, bytes(4)),
            ("a KeyUpdate", HandshakeType.KEY_UPDATE, b"\x00"),
            ("a ClientHello", HandshakeType.CLIENT_HELLO, bytes(40)),
            ("a NewSessionTicket", HandshakeType.NEW_SESSION_TICKET, bytes(14)),
            ("a message of an unknown type", 77, b"")):
        flow(f"{name} before the Finished", why, UNEXPECTED,
             before_finished=hidden(HANDSHAKE, message(kind, body)))
    finished_edit("with a bit flipped", lambda _, data: flip(data), DECRYPT)
    finished_edit("of zeros", lambda _, data: data[:4] + bytes(len(data) - 4), DECRYPT)
    finished_edit("cut", lambda _, data: body_of(cut)(data), (DECODE, DECRYPT))
    finished_edit("a byte longer", lambda _, data: body_of(longer)(data), (DECODE, DECRYPT))
    finished_edit("without a body", lambda _, data: message(data[0], b""), (DECODE, DECRYPT))
    finished_edit("twice", lambda _, data: data * 2, UNEXPECTED)
    finished_edit("and a KeyUpdate in its record",
                  lambda _, data: data + message(HandshakeType.KEY_UPDATE, b"\x00"), UNEXPECTED)
    finished_edit("in the clear", lambda peer, data: raw(plain(HANDSHAKE, data))(peer),
                  (UNEXPECTED, BAD_MAC))
    finished_edit("under the application keys", finished_under_later_keys, BAD_MAC)
    finished_edit("left out", lambda peer, data: None, BAD_MAC)
    finished_edit("a byte a record", finished_in_pieces, SUCCEEDS)
    finished_edit("in a padded record", finished_padded, SUCCEEDS)


def finished_under_later_keys(peer, data):
    peer.write_with("application")
    peer.send_handshake(data)
    peer.transcript.add(data)


def finished_in_pieces(peer, data):
    peer.transcript.add(data)
    for at in range(len(data)):
        hidden(HANDSHAKE, data[at:at + 1])(peer)


def finished_padded(peer, data):
    peer.pad = 500
    return data


def hanging_up(client):
    """EOF in the place of the Finished."""
    client.send_hello()
    data, answered = client.read_server_hello()
    client.take_server_hello(data, answered)
    client.read_flight()
    client.records.half_close()
    while True:
        client.records.read_record()


def alert_in_the_clear(client):
    """What BoringSSL's client does when it finds ServerHello wrong."""
    client.send_hello()
    data, answered = client.read_server_hello()
    client.take_server_hello(data, answered)
    client.read_flight()
    client.records.send_bytes(plain(ALERT, b"\x02\x2f"))
    while True:
        client.records.read_record()


def half_a_hello(client):
    client.records.send_bytes(plain(HANDSHAKE, client.make_hello().build()[:60]))
    client.records.half_close()
    client.records.read_record()


def add_endings():
    CLIENTS.add("EOF instead of the Finished", "pake-wire 9", CLOSES, script=hanging_up)
    CLIENTS.add("an alert in the clear instead of the Finished", "pake-wire 9: taken quietly",
                CLOSES, script=alert_in_the_clear)
    CLIENTS.add("EOF inside the ClientHello", "RFC 8446 6.1", CLOSES, script=half_a_hello)


for add in add_retries, add_tickets, add_early_data, add_hello_records, add_flow, add_endings:
    add()
add_records(CLIENTS)
add_messages(CLIENTS)
