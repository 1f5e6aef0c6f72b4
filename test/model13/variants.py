"""The catalogue of peers that are wrong, or right in an unusual way: what a row is, and the edits
that rows are made of. The rows are in variants_client.py, variants_client_flow.py,
variants_server.py, variants_server_flow.py and variants_phase.py.

Each row says why: an RFC; "pake-02", which is draft-ietf-tls-pake-02; "pake-wire", BoringSSL's form
as it was measured (2 its extension, 3 identities, 5 its SPAKE2+ run, 7 its messages,
8 HelloRetryRequest, 9 alerts, 10 unknown identities, 11 limits, 12 after the handshake); "design",
our own choice.
"""
from dataclasses import dataclass, field, replace

from .constants import BORINGSSL, ExtensionType, IETF
from .messages import message, pake_answer, pake_offer, parse_pake_answer, parse_pake_offer

# The words of driver.Outcome that rows expect.
SUCCEEDS, CLOSES, SIMULATED, UNREADABLE = "succeeds", "closes", "simulated", "unreadable"
UNEXPECTED, BAD_MAC, OVERFLOW = "unexpected_message", "bad_record_mac", "record_overflow"
FAILURE, ILLEGAL, DECODE, DECRYPT = ("handshake_failure", "illegal_parameter", "decode_error",
                                     "decrypt_error")
VERSION, MISSING, UNSUPPORTED = "protocol_version", "missing_extension", "unsupported_extension"
NO_PROTOCOL = "no_application_protocol"

IN_THE_CLEAR, PROTECTED = False, True


@dataclass(frozen=True)
class Variant:
    """A row.

    expect: by form, the words with which the other side may answer; a form that is not there is
    one to which the row doesn't apply.
    protected: how an alert must come, where that is certain.
    why: the place that asks for it.
    edits, script, after: as driver.run_client() has them.
    config: what differs in ClientConfig or ServerConfig.
    ticket: the row needs the ticket of an earlier connection; of a client's row it is the change
    that is made to it.
    replay: the row is played twice, and the second time counts.
    resumed: whether the connection must (not) be resumed when it succeeds.
    options: what `keyplate serve` or `keyplate connect` is started with besides.
    status: the exit status of `keyplate connect`, where just one is right.
    """
    name: str
    expect: dict
    why: str
    protected: bool = None
    edits: dict = field(default_factory=dict)
    script: object = None
    after: object = None
    config: dict = field(default_factory=dict)
    ticket: object = None
    replay: bool = False
    resumed: bool = None
    options: tuple = ()
    status: int = None

    def __str__(self):
        return self.name


def words(value):
    return frozenset([value] if isinstance(value, str) else value)


class Catalogue:
    """Rows in order, their names unique."""

    def __init__(self):
        self.rows = []

    def add(self, name, why, both=None, ietf=None, boringssl=None, **fields):
        """both: what is expected in either form; ietf, boringssl: in that form alone."""
        expect = {form: words(value) for form, value in
                  ((IETF, ietf or both), (BORINGSSL, boringssl or both)) if value}
        assert expect and name not in [row.name for row in self.rows], name
        self.rows.append(Variant(name, expect, why, **fields))

    def cases(self):
        """(row, form), for pytest"""
        return [(row, form) for row in self.rows for form in row.expect]


# Clients for a server under test, servers for a client under test.
CLIENTS, SERVERS = Catalogue(), Catalogue()


# --- edits of both hellos: each takes and returns a structure ---

def in_turn(*changes):
    def change(hello):
        for one in changes:
            hello = one(hello)
        return hello
    return change


def setting(**fields):
    return lambda hello: replace(hello, **fields)


def with_body(kind, body):
    return lambda hello: hello.with_extension(kind, body)


def without(*kinds):
    return lambda hello: hello.without(*kinds)


def repeating(kind):
    return lambda hello: hello.repeating(kind)


def changing_body(kind, change):
    """change(body) -> body, of an extension that is there"""
    return lambda hello: hello.with_extension(kind, change(hello.get(kind)))


def on(name, change):
    """An edit of that name that doesn't need the peer."""
    return {name: lambda _, value: change(value)}


# --- bytes ---

def cut(data):
    return data[:-1]


def longer(data):
    return data + b"\x00"


def flip(data, at=-1):
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)


def body_of(change):
    """change(body) -> body of a handshake message, whose length is made to fit."""
    return lambda data: message(data[0], change(data[4:]))


def claiming(difference):
    """A handshake message whose header claims another length than it has."""
    def change(data):
        length = int.from_bytes(data[1:4], "big") + difference
        return data[:1] + length.to_bytes(3, "big") + data[4:]
    return change


# --- pake ---

def offered_shares(change):
    """change([(scheme, message)]) -> list, in pake of a ClientHello"""
    def body(old):
        user, device_id, shares = parse_pake_offer(old)
        return pake_offer(user, device_id, change(shares))
    return changing_body(ExtensionType.PAKE, body)


def answered_pake(change):
    """change(scheme, message) -> the same, in pake of a ServerHello"""
    return changing_body(ExtensionType.PAKE,
                         lambda old: pake_answer(*change(*parse_pake_answer(old))))
