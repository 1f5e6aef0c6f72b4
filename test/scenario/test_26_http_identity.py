"""Goal of this test: the upstream learns who was proved, and how, from serve alone: no spelling, place
or route lets a client say it."""
import itertools
import re
import socket

import pytest

from gateways import PASSWORD, box, curl, until
from http_peers import (BY_TLS12, BY_TLS13, ID, OK, WAY_ON, Channel, Reader, Recorder, chunked,
                        gateway, request, sniffing)
from test_10_identity import parse

FIELDS = ("X-Remote-User", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host",
          "X-Forwarded-Port", "Forwarded", "X-Keyplate-Proof", "X-Keyplate-Protocol",
          "X-Keyplate-Suite")
OURS = {name.lower() for name in FIELDS}


def spellings(name):
    """Of a field: every dash as - _ or ., in three cases."""
    words = name.split("-")
    for signs in itertools.product("-_.", repeat=len(words) - 1):
        text = "".join(word + sign for word, sign in zip(words, (*signs, "")))
        yield from {text, text.lower(), text.upper()}


FORGED = [f"{text}: evil" for name in FIELDS for text in spellings(name)]


def plain(name):
    """A name as a program sees it that takes every sign for the same, as CGI does."""
    return re.sub("[^a-z0-9]", "-", name.lower())


def ours(message):
    """{name: value} of the fields on identity that came; each must be there once, spelt as it is."""
    found = [(name, value.decode()) for name, value in message.fields if plain(name) in OURS]
    assert len({plain(name) for name, _ in found}) == len(found), found
    assert all(name in FIELDS for name, _ in found), found
    return dict(found)


def by_curl(box, serve, *fields):
    args = [arg for field in fields for arg in ("-H", field)]
    assert curl(f"https://{serve.at}/", *args).stdout == b"ok"


def by_connect(*options):
    def go(box, serve, *fields):
        channel = Channel(box, serve, *options)
        assert channel.ask(request("/", *fields)).body == b"ok"
        channel.close()
    return go


def by_open(*options):
    """The second connection of a face: its ticket is shown, not its password."""
    def go(box, serve, *fields):
        face = box.open(serve.at, *options)
        args = [arg for field in fields for arg in ("-H", field)]
        assert curl(face.url, *args, user=None).stdout == b"ok"
        assert '"resumed":true' in serve.log()
    return go


SRP = ("srp", "TLSv1.2", "SRP-AES-256-CBC-SHA")
SPAKE2PLUS = ("spake2plus", "TLSv1.3", "TLS_AES_128_GCM_SHA256")
ROUTES = {
    "curl": (by_curl, SRP),
    "connect by TLS 1.2": (by_connect(*BY_TLS12), SRP),
    "connect by TLS 1.3": (by_connect(*BY_TLS13), SPAKE2PLUS),
    "connect by the other form": (by_connect(*BY_TLS13, "--pake", "boringssl"), SPAKE2PLUS),
    "a ticket of TLS 1.2": (by_open(*BY_TLS12), SRP),
    "a ticket of TLS 1.3": (by_open(*BY_TLS13), SPAKE2PLUS),
}


def host_and_port(serve, route, seen):
    """What X-Forwarded-Host may be: the host that was asked for."""
    asked = seen.get("Host")
    assert route.startswith("connect") == (asked == "device")
    return asked


@pytest.mark.parametrize("fields", [(), FORGED, FORGED[::-1]], ids=["honest", "forged", "reverse"])
@pytest.mark.parametrize("route", ROUTES)
def test_what_is_told(box, route, fields):
    go, (proof, protocol, suite) = ROUTES[route]
    recorder = Recorder()
    serve = gateway(box, recorder, "--identity", "headers")
    go(box, serve, *fields)
    seen = recorder.came()
    assert b"evil" not in recorder.bytes
    found = ours(seen)
    assert set(found) == set(FIELDS)
    assert found["X-Remote-User"] == "admin"
    assert (found["X-Keyplate-Proof"], found["X-Keyplate-Protocol"]) == (proof, protocol)
    assert found["X-Keyplate-Suite"] == suite
    assert found["X-Forwarded-For"] == "127.0.0.1" and found["X-Forwarded-Proto"] == "https"
    assert found["X-Forwarded-Port"] == str(serve.port)
    host = host_and_port(serve, route, seen)
    assert found["X-Forwarded-Host"] == host
    pairs = dict(pair.split("=", 1) for pair in found["Forwarded"].split(";"))
    assert pairs["for"] == "127.0.0.1" and pairs["proto"] == "https"
    assert pairs["host"].strip('"') == host and (":" not in host or pairs["host"][0] == '"')


@pytest.mark.parametrize("identity", ["none", "proxy-v2"])
@pytest.mark.parametrize("route", ["curl", "connect by TLS 1.3", "a ticket of TLS 1.3"])
def test_what_nobody_tells_is_not_there(box, route, identity):
    recorder = Recorder(proxied=identity == "proxy-v2")
    serve = gateway(box, recorder, "--identity", identity)
    ROUTES[route][0](box, serve, *FORGED, "X-Other: stays")
    seen = recorder.came()
    assert ours(seen) == {} and b"evil" not in recorder.bytes and seen.get("X-Other") == "stays"


@pytest.mark.parametrize("identity, left", [
    ("none", {}), ("headers", {"X-Keyplate-Proof": "none"}), ("proxy-v2", {})])
def test_plain_http_proves_nothing(box, identity, left):
    """--transition sniff: who goes on to the plain page, which is the same upstream's."""
    recorder = Recorder(proxied=identity == "proxy-v2")
    serve, plain = sniffing(box, recorder, "--identity", identity)
    args = [arg for field in FORGED for arg in ("-H", field)]
    assert curl(f"http://{plain}/page", *args, user=None).stdout != b"ok"
    assert curl(f"http://{plain}/page?{WAY_ON}", *args, user=None).stdout == b"ok"
    assert curl(f"http://{plain}/more", "-b", WAY_ON, *args, user=None).stdout == b"ok"
    assert [one.target for one in recorder.requests] == ["/page", "/more"]
    assert [ours(one) for one in recorder.requests] == [left, left]
    assert b"evil" not in recorder.bytes and b"admin" not in b"".join(recorder.proxies)
    by_curl(box, serve, *FORGED)
    assert ours(recorder.came(3)).get("X-Remote-User") == ("admin" if left else None)


def test_plain_http_in_every_place(box):
    """Trailers, and fields that Connection names, on the plain route too."""
    recorder = Recorder()
    _, plain = sniffing(box, recorder, "--identity", "headers")
    host, port = plain.split(":")
    with socket.create_connection((host, int(port)), timeout=10) as sock:
        reader = Reader(lambda: sock.recv(65536))
        trailers = "".join(field + "\r\n" for field in FORGED).encode()
        for _ in range(2):
            sock.sendall(request("/page", f"Cookie: a=b; {WAY_ON}", "Connection: X-Keyplate-Proof",
                                 *FORGED, "Transfer-Encoding: chunked", method="POST")
                         + chunked(b"body", trailers=trailers))
            assert reader.response().body == b"ok"
    assert [ours(one) for one in recorder.requests] == [{"X-Keyplate-Proof": "none"}] * 2
    assert [one.body for one in recorder.requests] == [b"body"] * 2
    assert b"evil" not in recorder.bytes


@pytest.mark.parametrize("identity", ["none", "headers"])
def test_named_by_connection(box, identity):
    """Fields that Connection names end here; those that serve adds go on, and nothing tells the
    upstream to drop them."""
    recorder = Recorder()
    serve = gateway(box, recorder, "--identity", identity)
    channel = Channel(box, serve, *BY_TLS13)
    names = ", ".join([*FIELDS, "x_remote_user", "X-Other"])
    assert channel.ask(request("/", f"Connection: {names}", *FORGED, "X-Other: evil",
                               "x_remote_user: evil")).body == b"ok"
    seen = recorder.came()
    assert b"evil" not in recorder.bytes
    assert set(ours(seen)) == (set(FIELDS) if identity == "headers" else set())
    assert set((seen.get("Connection") or "").lower().split(", ")) <= {"", "keep-alive", "close"}


@pytest.mark.parametrize("identity", ["none", "headers"])
def test_in_trailers(box, identity):
    recorder = Recorder()
    serve = gateway(box, recorder, "--identity", identity)
    channel = Channel(box, serve, *BY_TLS13)
    trailers = "".join(field + "\r\n" for field in FORGED).encode()
    channel.send(request("/", "Transfer-Encoding: chunked", "Trailer: X-Remote-User", method="POST")
                 + chunked(b"body", trailers=trailers))
    assert channel.response().body == b"ok"
    seen = recorder.came()
    assert seen.body == b"body" and seen.trailers == []
    assert b"evil" not in recorder.bytes and seen.get("Trailer") is None
    assert channel.ask(request("/next")).body == b"ok"
    assert recorder.came(2).target == "/next"


def test_signs_that_some_take_for_a_dash(box):
    """What is in a name beside letters and digits: some servers make _ of all of it."""
    recorder = Recorder()
    channel = Channel(box, gateway(box, recorder, "--identity", "headers"), *BY_TLS13)
    fields = [f"X{sign}Remote{sign}User: evil" for sign in "!#$%&'*+.^`|~"]
    assert channel.ask(request("/", *fields)).body == b"ok"
    assert ours(recorder.came())["X-Remote-User"] == "admin" and b"evil" not in recorder.bytes


def test_words_of_other_gateways(box):
    """What programs behind nginx, Apache and their kin take for the user or the client's address,
    and Proxy, which CGI makes a setting of."""
    recorder = Recorder()
    channel = Channel(box, gateway(box, recorder, "--identity", "headers"), *BY_TLS12)
    names = ("Remote-User", "Remote_User", "REMOTE-USER", "X-Real-IP", "x_real_ip", "X-Client-IP",
             "X-Auth-Request-User", "X-SSL-Client-CN", "SSL_CLIENT_S_DN", "X-Forwarded-User",
             "X-Forwarded-Prefix", "Client-Cert", "Proxy")
    assert channel.ask(request("/", *[f"{name}: evil" for name in names])).body == b"ok"
    assert ours(recorder.came())["X-Remote-User"] == "admin" and b"evil" not in recorder.bytes


def test_every_request_of_a_connection(box):
    recorder = Recorder()
    serve = gateway(box, recorder, "--identity", "headers")
    channel = Channel(box, serve, *BY_TLS13)
    channel.send(b"".join(request("/", *FORGED) for _ in range(5)))
    for _ in range(5):
        assert channel.response().body == b"ok"
    assert [ours(one)["X-Remote-User"] for one in recorder.requests] == ["admin"] * 5
    assert b"evil" not in recorder.bytes


NAMES = ["Jürgen", "管理者", "a name with spaces", "quo\"te\\s", "comma, semi;colon=", "ö" * 127,
         "x@y.example"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_told_byte_by_byte(box, name):
    """UTF-8, NFC, as it is in the credentials file."""
    recorder = Recorder()
    serve = gateway(box, recorder, "--identity", "headers", users=((name, PASSWORD),))
    for args in (BY_TLS12, BY_TLS13):
        assert Channel(box, serve, *args, user=name).ask(request()).body == b"ok"
    for seen in recorder.requests:
        assert dict(seen.fields)["X-Remote-User"] == name.encode()


@pytest.mark.parametrize("name", [" admin", "admin ", " "])
def test_a_name_that_a_field_cannot_hold(box, name):
    """Space around a value is nobody's: such a user must not come as another, or as nobody."""
    recorder = Recorder()
    file = box.dir / "creds"
    try:
        box.passwd("add", file, name, PASSWORD, "--group", "2048", "--device-id", ID)
    except AssertionError:
        return  # there are no such users
    serve = gateway(box, recorder, "--identity", "headers", credentials=file)
    answer = Channel(box, serve, *BY_TLS13, user=name).ask(request())
    assert answer.status >= 400
    assert recorder.requests == []


def test_two_users_at_once(box):
    recorder = Recorder()
    serve = gateway(box, recorder, "--identity", "headers",
                    users=(("admin", PASSWORD), ("maria", "another-pass-1")))
    admin = Channel(box, serve, *BY_TLS13)
    maria = Channel(box, serve, *BY_TLS13, user="maria", password="another-pass-1")
    for _ in range(3):
        for channel, name in ((admin, "admin"), (maria, "maria")):
            assert channel.ask(request(f"/{name}")).body == b"ok"
    assert [ours(one)["X-Remote-User"] for one in recorder.requests] == ["admin", "maria"] * 3
    assert all(one.target == "/" + ours(one)["X-Remote-User"] for one in recorder.requests)
    assert all(not (b"admin" in one and b"maria" in one) for one in recorder.connections)


def test_an_ipv6_client(box):
    recorder = Recorder()
    serve = gateway(box, recorder, "--identity", "headers", listen=("[::1]:0",))
    assert Channel(box, serve, *BY_TLS13).ask(request(host=f"[::1]:{serve.port}")).body == b"ok"
    found = ours(recorder.came())
    assert found["X-Forwarded-For"] == "::1"
    assert 'for="[::1]"' in found["Forwarded"]
    assert found["X-Forwarded-Port"] == str(serve.port)


# ---- PROXY, version 2 ---------------------------------------------------------------------------

@pytest.mark.parametrize("by, version", [(BY_TLS12, b"TLSv1.2"), (BY_TLS13, b"TLSv1.3")])
def test_a_header_for_each_upstream_connection(box, by, version):
    """Three requests share one; each that the upstream closes is followed by one with its own."""
    recorder = Recorder(lambda one: OK if one.target == "/stay" else lambda sock: sock.sendall(OK),
                        proxied=True)
    serve = gateway(box, recorder, "--identity", "proxy-v2")
    channel = Channel(box, serve, *by)
    for _ in range(3):
        assert channel.ask(request("/stay")).body == b"ok"
    assert len(recorder.connections) == 1
    for number in range(3):
        assert channel.ask(request("/go")).body == b"ok"
        until(lambda: recorder.open == 0)
    assert len(recorder.connections) == len(recorder.proxies) == 3
    assert len(set(recorder.proxies)) == 1
    _, addresses, client, verify, subs = parse(recorder.proxies[0])
    assert (client, verify) == (0x05, 0) and addresses[:8] == b"\x7f\0\0\x01" * 2
    assert (0x22, b"admin") in subs and (0x21, version) in subs
    assert all(bytes(one).count(b"\r\n\r\n\0\r\nQUIT\n") == 1 for one in recorder.connections)


def test_a_client_s_own_header_is_no_request(box):
    recorder = Recorder(proxied=True)
    serve = gateway(box, recorder, "--identity", "proxy-v2")
    channel = Channel(box, serve, *BY_TLS13)
    channel.send(b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes(12) + request("/evil"))
    assert channel.response().status == 400
    assert recorder.requests == [] and b"evil" not in recorder.bytes
    channel = Channel(box, serve, *BY_TLS13)
    channel.send(b"PROXY TCP4 6.6.6.6 6.6.6.6 1 2\r\n" + request("/evil"))
    assert channel.response().status in (400, 505)
    assert recorder.requests == [] and b"evil" not in recorder.bytes
