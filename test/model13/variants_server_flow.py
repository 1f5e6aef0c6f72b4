"""Servers that are wrong, or right in an unusual way, in the order and the records of their
messages and in tickets; for a client under test."""
import dataclasses

from .constants import ContentType, ExtensionType as Ext, HandshakeType, SPAKE2PLUS_V1
from .driver import NotApplicable
from .messages import message, new_session_ticket, pake_answer, u16
from .records import CCS, plain
from .variants import (BAD_MAC, CLOSES, DECODE, DECRYPT, ILLEGAL, IN_THE_CLEAR, MISSING, OVERFLOW,
                       PROTECTED, SERVERS, SUCCEEDS, UNEXPECTED, UNREADABLE, UNSUPPORTED, body_of,
                       cut, flip, longer, on, setting, with_body, without)
from .variants_phase import add_messages, add_records

HANDSHAKE, DATA, ALERT = ContentType.HANDSHAKE, ContentType.APPLICATION_DATA, ContentType.ALERT


def flow(name, why, expected, protected=PROTECTED, **moments):
    """Something at a moment of the handshake: moment=function(peer)"""
    edits = {moment: lambda peer, value, act=act: act(peer) for moment, act in moments.items()}
    SERVERS.add(name, why, expected, edits=edits, protected=protected)


def raw(data):
    return lambda peer: peer.records.send_bytes(data)


def hidden(kind, data):
    """A record under the keys of the moment."""
    return lambda peer: peer.records.send_bytes(peer.records.seal(kind, data))


def add_hello_records():
    why = "RFC 8446 5.1"

    def wire(name, send, expected, protected=IN_THE_CLEAR):
        def edit(peer, data):
            peer.transcript.add(data)
            peer.records.send_bytes(send(data))
        SERVERS.add(f"ServerHello {name}", why, expected, edits={"server_hello_bytes": edit},
                    protected=protected)

    wire("a byte a record", lambda data: b"".join(
        plain(HANDSHAKE, data[at:at + 1]) for at in range(len(data))), SUCCEEDS)
    wire("around a change_cipher_spec", lambda data: plain(HANDSHAKE, data[:40]) + CCS
         + plain(HANDSHAKE, data[40:]), UNEXPECTED)
    wire("around an empty record", lambda data: plain(HANDSHAKE, data[:40])
         + plain(HANDSHAKE, b"") + plain(HANDSHAKE, data[40:]), (UNEXPECTED, DECODE))
    wire("and EncryptedExtensions in its record", lambda data: plain(
        HANDSHAKE, data + message(HandshakeType.ENCRYPTED_EXTENSIONS, b"\x00\x00")),
         UNEXPECTED, None)
    wire("in an over-long record", lambda data: plain(
        HANDSHAKE, data + bytes((1 << 14) + 1 - len(data))), OVERFLOW)
    wire("in a record of version 3.1", lambda data: plain(HANDSHAKE, data, 0x0301), SUCCEEDS)
    SERVERS.add("ServerHello twice", "RFC 8446 4", (UNEXPECTED, BAD_MAC), edits={
        "after_server_hello": lambda peer, _: peer.send_handshake(
            peer.messages["server_hello_bytes"])})
    flow("application data in the clear before ServerHello", why, UNEXPECTED, IN_THE_CLEAR,
         before_server_hello=raw(plain(DATA, b"hello")))
    flow("a Finished before ServerHello", "RFC 8446 4", UNEXPECTED, IN_THE_CLEAR,
         before_server_hello=raw(plain(HANDSHAKE, message(HandshakeType.FINISHED, bytes(32)))))
    flow("a ClientHello before ServerHello", "RFC 8446 4", UNEXPECTED, IN_THE_CLEAR,
         before_server_hello=raw(plain(HANDSHAKE, message(1, bytes(40)))))
    flow("a record of an unknown type before ServerHello", "RFC 8446 5", UNEXPECTED, IN_THE_CLEAR,
         before_server_hello=raw(plain(99, b"x")))
    flow("an alert before ServerHello", "RFC 8446 6", CLOSES, IN_THE_CLEAR,
         before_server_hello=raw(plain(ALERT, b"\x02\x28")))
    flow("a close_notify before ServerHello", "RFC 8446 6", CLOSES, IN_THE_CLEAR,
         before_server_hello=raw(plain(ALERT, b"\x01\x00")))


def add_ccs():
    why = "RFC 8446 5 and D.4"
    SERVERS.add("no change_cipher_spec", why, SUCCEEDS, edits=on("ccs", lambda _: False))
    flow("change_cipher_spec thrice", why, SUCCEEDS, after_server_hello=raw(CCS * 2))
    flow("change_cipher_spec before ServerHello", why, SUCCEEDS, before_server_hello=raw(CCS))
    for name, body in ("02", b"\x02"), ("0101", b"\x01\x01"), ("nothing", b""):
        flow(f"change_cipher_spec of {name}", why, UNEXPECTED if body else (UNEXPECTED, DECODE),
             None, after_server_hello=raw(plain(20, body)))
    flow("change_cipher_spec after the server's Finished", why, UNEXPECTED,
         after_flight=raw(CCS))


def finished(name, change, expected, **fields):
    SERVERS.add(f"Finished {name}", "RFC 8446 4.4.4; pake-wire 9", expected,
                edits={"finished": lambda _, data: change(data)}, protected=PROTECTED, **fields)


def in_pieces(peer, flight):
    for at in range(len(flight)):
        hidden(HANDSHAKE, flight[at:at + 1])(peer)


def padded(peer, flight):
    peer.pad = 700
    return flight


def finished_first(_, flight):
    """The Finished before EncryptedExtensions, which are 6 bytes when they are empty."""
    return flight[6:] + flight[:6]


def finished_under_later_keys(peer, flight):
    peer.send_handshake(flight[:6])
    peer.schedule.enter_application(peer.hash())
    peer.write_with("application")
    peer.send_handshake(flight[6:])


def add_flight():
    finished("with a bit flipped", flip, DECRYPT)
    finished("of zeros", lambda data: data[:4] + bytes(len(data) - 4), DECRYPT)
    finished("cut", body_of(cut), (DECODE, DECRYPT))
    finished("a byte longer", body_of(longer), (DECODE, DECRYPT))
    finished("without a body", body_of(lambda _: b""), (DECODE, DECRYPT))
    finished("twice", lambda data: data * 2, UNEXPECTED)
    finished("and a NewSessionTicket in its record", lambda data: data + new_session_ticket(
        3600, 1, b"\0", b"ticket"), UNEXPECTED)

    def flight(name, change, expected):
        SERVERS.add(name, "RFC 8446 5.1 and 4.4.4", expected, edits={"flight": change},
                    protected=PROTECTED)

    flight("the flight a byte a record", in_pieces, SUCCEEDS)
    flight("the flight padded", padded, SUCCEEDS)
    flight("a Finished before EncryptedExtensions", finished_first, UNEXPECTED)
    flight("a Finished under the application keys", finished_under_later_keys, BAD_MAC)
    for name, kept in ("no Finished", 6), ("no flight at all", 0):
        SERVERS.add(name, "RFC 8446 2", BAD_MAC, protected=PROTECTED, edits={
            "flight": lambda _, whole, kept=kept: whole[:kept] or None,
            "before_client_finished": lambda peer, _: peer.send(b"early")})
    flight("application data before the flight", lambda peer, whole: hidden(DATA, b"early")(peer),
           UNEXPECTED)
    flight("application data between EncryptedExtensions and Finished", lambda peer, whole: (
        hidden(HANDSHAKE, whole[:6])(peer), hidden(DATA, b"early")(peer))[1], UNEXPECTED)
    flight("application data inside EncryptedExtensions", lambda peer, whole: (
        hidden(HANDSHAKE, whole[:3])(peer), hidden(DATA, b"early")(peer))[1], UNEXPECTED)
    flight("an empty handshake record before the flight",
           lambda peer, whole: hidden(HANDSHAKE, b"")(peer), UNEXPECTED)
    flight("a fatal alert instead of the flight",
           lambda peer, whole: hidden(ALERT, b"\x02\x28")(peer), CLOSES)


def hanging_up(moment):
    def edit(peer, value):
        peer.records.half_close()
        while True:
            peer.records.read_record()
    return {moment: edit}


def add_endings():
    why = "RFC 8446 6.1"
    for name, moment in (("ServerHello", "before_server_hello"),
                         ("EncryptedExtensions", "after_server_hello")):
        SERVERS.add(f"EOF before {name}", why, CLOSES, edits=hanging_up(moment))
    SERVERS.add("EOF without a close_notify", why, (CLOSES, SUCCEEDS), status=1,
                after=lambda peer: peer.records.half_close())


# --- tickets ---

def new_ticket(name, data, both=None, **fields):
    """data: a NewSessionTicket, sent after the handshake"""
    SERVERS.add(f"NewSessionTicket {name}", "RFC 8446 4.6.1; pake-wire 12", both,
                after=hidden(HANDSHAKE, data), protected=PROTECTED, **fields)


def add_new_tickets():
    good = new_session_ticket(3600, 7, b"\x09", b"a ticket")
    new_ticket("that is good", good, SUCCEEDS)
    new_ticket("a hundred times", good * 100, SUCCEEDS)
    new_ticket("for no time", new_session_ticket(0, 7, b"\x09", b"a ticket"), SUCCEEDS)
    new_ticket("for more than a week", new_session_ticket(604801, 7, b"\x09", b"a ticket"),
               (SUCCEEDS, ILLEGAL))
    new_ticket("of 8000 bytes", new_session_ticket(3600, 7, b"\x09", bytes(8000)), SUCCEEDS)
    new_ticket("with an unknown extension", new_session_ticket(
        3600, 7, b"\x09", b"a ticket", [(0xFE00, b"x")]), SUCCEEDS)
    new_ticket("with early_data", new_session_ticket(
        3600, 7, b"\x09", b"a ticket", [(Ext.EARLY_DATA, b"\0\0\x40\0")]), SUCCEEDS)
    malformed = {"ietf": DECODE, "boringssl": (DECODE, SUCCEEDS)}
    new_ticket("with a trailing byte", body_of(longer)(good), **malformed)
    new_ticket("cut", body_of(cut)(good), **malformed)
    new_ticket("without a body", body_of(lambda _: b"")(good), **malformed)
    new_ticket("of no bytes", new_session_ticket(3600, 7, b"\x09", b""),
               ietf=(DECODE, ILLEGAL), boringssl=(DECODE, ILLEGAL, SUCCEEDS))


def resumed(name, expected, change=lambda hello: hello, edits=None, **fields):
    """Rows for a second connection, on which the client offers the first one's ticket."""
    def edit(peer, hello):
        if peer.hello.get(Ext.PRE_SHARED_KEY) is None:
            raise NotApplicable("the client offered no ticket")
        return change(hello)
    SERVERS.add(f"ticket: {name}", "RFC 8446 4.2.11; pake-02", ietf=expected, ticket=True,
                edits={"server_hello": edit, **(edits or {})}, **fields)


def add_resumed():
    clear = {"protected": IN_THE_CLEAR}
    resumed("taken", SUCCEEDS, resumed=True)
    resumed("refused", SUCCEEDS, edits={"ticket_found": lambda peer, _: None}, resumed=False)
    resumed("taken, with a selected_identity out of range", ILLEGAL,
            with_body(Ext.PRE_SHARED_KEY, u16(1)), **clear)
    resumed("taken, without key_share", (MISSING, ILLEGAL), without(Ext.KEY_SHARE), **clear)
    resumed("taken, and pake", ILLEGAL,
            with_body(Ext.PAKE, pake_answer(SPAKE2PLUS_V1, bytes(97))), **clear)
    resumed("taken, with a suite of another hash", ILLEGAL, setting(suite=0x1302),
            config={"suites": (0x1301,)}, **clear)
    resumed("taken, with selected_identity of three bytes", DECODE,
            with_body(Ext.PRE_SHARED_KEY, b"\0\0\0"), **clear)
    resumed("taken, with early_data in ServerHello", (ILLEGAL, UNSUPPORTED),
            with_body(Ext.EARLY_DATA, b""), **clear)
    resumed("taken, with early_data in EncryptedExtensions", UNSUPPORTED,
            edits=on("encrypted_extensions", lambda old: [*old, (Ext.EARLY_DATA, b"")]),
            protected=PROTECTED)
    resumed("taken, with a wrong Finished", DECRYPT, edits=on("finished", flip),
            protected=PROTECTED)
    resumed("taken, with a Certificate", UNEXPECTED, edits=on(
        "encrypted_extensions_bytes", lambda data: data + message(11, bytes(4))),
        protected=PROTECTED)
    resumed("claimed by one who has not the PSK", UNREADABLE,
            edits={"ticket_found": lambda peer, found: forged(found)})


def forged(found):
    if found is None:
        raise NotApplicable("the client offered no ticket")
    entry, place = found
    return dataclasses.replace(entry, psk=bytes(len(entry.psk))), place


for add in (add_hello_records, add_ccs, add_flight, add_endings, add_new_tickets, add_resumed):
    add()
add_records(SERVERS)
add_messages(SERVERS)
