"""Goal: `keyplate serve`, `connect` and `open` agree with the model in both forms of TLS 1.3, and
answer every row of the catalogue as it expects.

KEYPLATE_BUILD names the build directory (default: build). While the program has no TLS 1.3 yet, all
of this is skipped.
"""
import dataclasses
import os
import pathlib
import socket
import subprocess
import urllib.error
import urllib.request

import pytest

from support import content, processes
from support.keyplate import Keyplate, PROOF_FAILED
from support.upstream import Upstream

from . import spake2plus
from .catalogue import CLIENTS, SERVERS
from .client import Client, ClientConfig
from .constants import (BORINGSSL, FORMS, IETF, ExtensionType as Ext, PeerClosed, SECP256R1,
                        SUITES, X25519)
from .driver import Listener, PING, PONG, answer, read_to_end, run_client
from .messages import parse_key_shares, parse_number_list, parse_pake_offer, parse_versions
from .server import ServerConfig

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("KEYPLATE_BUILD", ROOT / "build")).resolve() / "keyplate"
USER, PASSWORD, DEVICE = "admin", "sesame-open-7", "kp-serial-0042"
PAGE = 5000
CROWD = 100


def why_not():
    """Why nothing of this can run, or None."""
    if not PROGRAM.exists():
        return f"{PROGRAM} is not built"
    told = subprocess.run([PROGRAM, "help", "serve"], capture_output=True, timeout=20, check=False)
    if b"--pake" not in told.stdout:
        return f"{PROGRAM} serve has no TLS 1.3 yet"
    return None


_reason = why_not()
if _reason:
    print(f"test_against_keyplate: skipped: {_reason}")
    pytest.skip(_reason, allow_module_level=True)


def ids(case):
    row, form = case
    return f"{form}-{row.name}"


def client_config(form=IETF, **options):
    return ClientConfig(**{"form": form, "user": USER.encode(), "device_id": DEVICE.encode(),
                           "password": PASSWORD.encode(), **options})


def server_config(**options):
    secret = spake2plus.register(PASSWORD.encode(), USER.encode(), DEVICE.encode())
    return ServerConfig(**{"verifiers": {USER.encode(): secret.verifier()},
                           "device_id": DEVICE.encode(), **options})


@pytest.fixture(name="keyplate")
def _keyplate(tmp_path):
    """With a home of its own, so that nothing is remembered from test to test."""
    home = tmp_path / "home"
    home.mkdir()
    return Keyplate(PROGRAM, home)


@pytest.fixture(name="credentials", scope="module")
def _credentials(tmp_path_factory):
    folder = tmp_path_factory.mktemp("credentials")
    Keyplate(PROGRAM, folder).add_user(folder / "file", USER, PASSWORD, "--device-id", DEVICE,
                                       "--group", "2048")
    return folder / "file"


@pytest.fixture(name="upstream", scope="module")
def _upstream():
    upstream = Upstream()
    yield upstream
    upstream.stop()


@pytest.fixture(name="serve")
def _serve(keyplate, credentials, upstream, tmp_path):
    """serve(options) -> a `keyplate serve` of the test's own, which has counted no guess yet."""
    started = []

    def start(*options):
        started.append(keyplate.serve(credentials, upstream.address, "--throttle-file",
                                      tmp_path / f"throttle-{len(started)}", *options))
        return started[-1]

    yield start
    for server in started:
        server.stop()


# --- against serve ---

def read_answer(peer, expected):
    """One whole answer, ended by the server's close_notify."""
    raw = read_to_end(peer)
    if not raw:
        raise PeerClosed(clean=True)
    assert content.parse_answer(raw) == (200, expected)
    peer.close()


def converse(peer, request, expected):
    peer.send(request)
    read_answer(peer, expected)


def fetch(peer, size=PAGE):
    """A page through the connection."""
    converse(peer, content.get(f"/bytes?n={size}"), content.pattern(size))


def succeed(server, form=IETF, exchange=fetch, edits=None, after=None, **options):
    """The client of a connection that must go well."""
    outcome = run_client(server.port, client_config(form, **options), exchange, edits, after=after)
    assert outcome.word == "succeeds", outcome
    return outcome.peer


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("suite", SUITES)
def test_serve_suites(serve, form, suite):
    client = succeed(serve(), form, suites=(suite,))
    assert client.suite.code == suite and not client.resumed


def test_serve_prefers_the_suites_in_order(serve):
    server = serve()
    assert succeed(server, suites=(0x1302, 0x1303, 0x1301)).suite.code == 0x1301
    assert succeed(server, suites=(0x1302, 0x1303)).suite.code == 0x1303


@pytest.mark.parametrize("group", [X25519, SECP256R1])
def test_serve_groups(serve, group):
    client = succeed(serve(), shares=(group,))
    assert client.retry is None
    client = succeed(serve(), shares=(), groups=(group,))
    assert client.retry is not None


@pytest.mark.parametrize("form", FORMS)
def test_serve_extensions(serve, form):
    client = succeed(serve(), form, alpn=(b"h7", b"http/1.1"), server_name=b"device.local",
                     session_id=b"")
    assert client.alpn in (b"http/1.1", None)
    kinds = client.server_hello.kinds()
    expected = {Ext.PAKE, Ext.SUPPORTED_VERSIONS} | ({Ext.KEY_SHARE} if form == IETF else set())
    assert set(kinds) == expected


@pytest.mark.parametrize("form", FORMS)
def test_serve_much(serve, form):
    def upload(client):
        body = content.pattern(1_000_000)
        converse(client, content.post("/", body), content.digest(body).encode())

    server = serve()
    succeed(server, form, lambda client: fetch(client, 2_000_000))
    succeed(server, form, upload)


@pytest.mark.parametrize("form", FORMS)
def test_serve_key_updates_on_the_way(serve, form):
    def upload(client):
        body = content.pattern(200_000)
        request = content.post("/", body)
        for at in range(0, len(request), 10_000):
            client.send(request[at:at + 10_000])
            client.key_update(at // 10_000 % 2)
        read_answer(client, content.digest(body).encode())

    succeed(serve(), form, upload)


@pytest.mark.parametrize("suite", SUITES)
def test_serve_resumes(serve, suite):
    server = serve()
    client = succeed(server, suites=(suite,))
    assert client.tickets, "no ticket came"
    assert all(0 < ticket.lifetime <= 86400 for ticket in client.tickets)
    client = succeed(server, suites=(suite,), ticket=client.tickets[-1])
    assert client.resumed and client.server_hello.get(Ext.PAKE) is None
    if client.tickets:
        assert succeed(server, suites=(suite,), ticket=client.tickets[-1]).resumed


def test_serve_gives_no_ticket_to_those_who_cannot_use_it(serve):
    server = serve()
    assert not succeed(server, psk_modes=(0,)).tickets
    assert not succeed(server, BORINGSSL).tickets


def test_tickets_die_with_their_server(serve):
    ticket = succeed(serve()).tickets[-1]
    assert not succeed(serve(), ticket=ticket).resumed


@pytest.mark.parametrize("form", FORMS)
def test_wrong_and_unknown_look_alike(serve, form):
    """The same messages of the same lengths, whoever is named."""
    server, shapes = serve(), set()
    for change in ({"password": b"wrong"}, {"user": b"nobody"}, {"device_id": b"another"},
                   {"user": b"nobody", "device_id": b"another"}):
        outcome = run_client(server.port, client_config(form, **change), fetch)
        assert outcome.word == "simulated", outcome
        shapes.add(tuple((kind, len(body))
                         for kind, body in outcome.peer.server_hello.extensions))
    assert len(shapes) == 1
    succeed(server, form)


def play_client(row, form, server):
    options = dict(row.config)
    if row.ticket:
        good = succeed(server, suites=(0x1301,))
        assert good.tickets, "no ticket came"
        options = {"suites": (0x1301,), "ticket": row.ticket(good.tickets[-1]), **options}
    for _ in range(2 if row.replay else 1):
        outcome = run_client(server.port, client_config(form, **options), fetch, row.edits,
                             row.script, row.after)
    return outcome


def check(row, form, outcome):
    if outcome.word == "not applicable":
        pytest.skip(outcome.detail)
    assert outcome.word in row.expect[form], f"{outcome}; {row.why}"
    if outcome.protected is not None and row.protected is not None:
        assert outcome.protected == row.protected, f"{outcome}; {row.why}"
    if outcome.word == "succeeds" and row.resumed is not None:
        assert outcome.peer.resumed == row.resumed, row.why


@pytest.mark.parametrize("case", CLIENTS.cases(), ids=ids)
def test_serve_against(case, serve, upstream):
    """The row itself, and then whether the server is well after it."""
    row, form = case
    server = serve(*row.options)
    check(row, form, play_client(row, form, server))
    assert not [seen for seen in upstream.seen if seen[1] == "/early"], "early data got through"
    succeed(server, BORINGSSL if "boringssl" in row.options else IETF)


@pytest.fixture(name="crowd")
def _crowd():
    """crowd(server, form): clients that all stop short of their Finished, until the test ends.
    From many addresses: each is a guess."""
    sockets = []

    def gather(server, form):
        for i in range(CROWD):
            sockets.append(socket.create_connection(("127.0.0.1", server.port), timeout=10,
                                                    source_address=(f"127.0.1.{i + 1}", 0)))
            Client(sockets[-1], client_config(form)).send_hello()
            assert sockets[-1].recv(1) == b"\x16"

    yield gather
    for sock in sockets:
        sock.close()


COOKIE_ROWS = [row for row in CLIENTS.rows if "cookie" in row.name and "second" in row.name]


@pytest.mark.parametrize("form", FORMS)
def test_serve_under_load(serve, crowd, form):
    """Where serve asks for a cookie, it must be the right one, and with it all goes well."""
    server = serve()
    succeed(server, form)  # from here on others' guesses are nothing to us
    crowd(server, form)
    if succeed(server, form).cookie is None:
        pytest.skip(f"serve asks for no cookie with {CROWD} handshakes open")
    for row in COOKIE_ROWS:
        outcome = run_client(server.port, client_config(form), fetch, row.edits)
        assert outcome.word in row.expect[IETF], f"{row}: {outcome}"


# --- against connect ---

def connect(keyplate, listener, form, password=PASSWORD):
    """Its stdin stays open until the answer or the end has come: a client that has sent its
    close_notify has no alert to send any more."""
    argv = keyplate.connect_argv(listener.address, USER, password, "--device-id", DEVICE,
                                 "--tls", "1.3", "--pake", form)
    return processes.talk(argv, PING, timeout=30, env=keyplate.env,
                          enough=lambda out: PONG in out or listener.outcomes)


def connected(keyplate, form, edits=None, **options):
    """The server of a connection that must go well."""
    config = server_config(**options)
    with Listener(lambda _: (config, edits, None, None), answer) as listener:
        result = connect(keyplate, listener, form)
        outcome = listener.outcome()
    assert outcome.word == "succeeds", f"{outcome}; {result}"
    assert result.status == 0 and result.out == PONG, result
    return outcome.peer


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("suite", SUITES)
def test_connect_suites(keyplate, form, suite):
    server = connected(keyplate, form, suites=(suite,))
    assert server.form == form and server.suite.code == suite


@pytest.mark.parametrize("group", [X25519, SECP256R1])
def test_connect_groups(keyplate, group):
    """With a HelloRetryRequest where the client sent no share of the group."""
    assert connected(keyplate, IETF, groups=(group,)).offer.group == group


@pytest.mark.parametrize("form", FORMS)
def test_connect_with_a_cookie(keyplate, form):
    assert connected(keyplate, form, cookie=True).retried


@pytest.mark.parametrize("form", FORMS)
def test_the_hello_of_connect(keyplate, form):
    """pake-wire 7 and pake-02: what must be there, and what must not."""
    hello = connected(keyplate, form).hello
    assert hello.legacy_version == 0x0303 and len(hello.session_id) == 32
    assert sorted(set(hello.suites) & set(SUITES)) == sorted(SUITES)
    assert parse_versions(hello.get(Ext.SUPPORTED_VERSIONS)) == [0x0304]
    user, device, shares = parse_pake_offer(hello.get(Ext.PAKE))
    assert (user, device) == (USER.encode(), DEVICE.encode())
    assert [(scheme, len(share)) for scheme, share in shares] == [(0x7D96, 65)]
    assert not {Ext.SIGNATURE_ALGORITHMS, Ext.EARLY_DATA} & set(hello.kinds())
    if form == BORINGSSL:
        assert set(hello.kinds()) <= {Ext.SUPPORTED_VERSIONS, Ext.PAKE, Ext.SERVER_NAME, Ext.ALPN}
    else:
        groups = parse_number_list(hello.get(Ext.SUPPORTED_GROUPS))
        assert X25519 in groups and SECP256R1 in groups
        assert parse_key_shares(hello.get(Ext.KEY_SHARE))


@pytest.mark.parametrize("form", FORMS)
def test_connect_with_a_wrong_password(keyplate, form):
    """The alert of each form, in the clear, and the exit status of a failed proof; one guess."""
    with Listener(lambda _: (server_config(), None, None, None), answer) as listener:
        result = connect(keyplate, listener, form, password="not-it-at-all")
        outcome = listener.outcome()
    assert result.status == PROOF_FAILED and not result.out
    assert outcome.word == ("decrypt_error" if form == IETF else "illegal_parameter")
    assert outcome.protected is False and set(listener.outcomes) == {0}


@pytest.mark.parametrize("form", FORMS)
def test_connect_never_takes_the_other_form(keyplate, form):
    """client: ietf, never silently the other"""
    config = server_config(forms=tuple(other for other in FORMS if other != form))
    with Listener(lambda _: (config, None, None, None), answer) as listener:
        result = connect(keyplate, listener, form)
        outcome = listener.outcome()
    assert result.status == 1 and outcome.word == "model: missing_extension"
    assert set(listener.outcomes) == {0}


def check_exit(row, outcome, result):
    if outcome.word == "succeeds" and row.status is None:
        assert result.status == 0 and result.out == PONG, result
    elif row.status is not None:
        assert result.status == row.status, result
    else:
        assert result.status in (1, PROOF_FAILED), result
    assert result.out in (b"", PONG), "what no server proved to have said"


@pytest.mark.parametrize("case", [case for case in SERVERS.cases() if not case[0].ticket], ids=ids)
def test_connect_against(case, keyplate):
    row, form = case
    config = dataclasses.replace(server_config(), **row.config)
    with Listener(lambda _: (config, row.edits, row.script, row.after), answer) as listener:
        result = connect(keyplate, listener, form)
        outcome = listener.outcome()
    check(row, form, outcome)
    check_exit(row, outcome, result)


# --- against open, whose second connection offers the first one's ticket ---

def serve_page(server):
    """One page, or the end of a connection on which nothing is asked."""
    request = b""
    while b"\r\n\r\n" not in request:
        chunk = server.read()
        if not chunk:
            return server.close()
        request += chunk
    server.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
    server.close()
    try:
        return read_to_end(server)
    except PeerClosed:
        return None


class Stays(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def visit(link):
    """Follows the one-time link as a browser does; its page."""
    origin = link.split("/.keyplate/")[0]
    opener = urllib.request.build_opener(Stays)
    try:
        opener.open(here(link), timeout=15)
        raise AssertionError("the link leads nowhere")
    except urllib.error.HTTPError as answer:
        assert answer.code == 303, answer
        cookie = answer.headers["Set-Cookie"].split(";")[0]
    try:
        with opener.open(here(origin + "/", cookie), timeout=15) as page:
            return page.read()
    except (OSError, urllib.error.HTTPError):
        return None


def here(url, cookie=""):
    """A request for it: not every system finds names under localhost."""
    host = url.split("/")[2]
    name, port = host.split(":")
    return urllib.request.Request(url.replace(name, "127.0.0.1", 1),
                                  headers={"Host": host, "Cookie": cookie})


@pytest.mark.parametrize("case", [case for case in SERVERS.cases() if case[0].ticket], ids=ids)
def test_open_against(case, keyplate):
    row, form = case
    good = server_config(suites=(0x1301, 0x1302))
    bad = dataclasses.replace(good, **row.config)

    def make(number):
        return (bad, row.edits, row.script, row.after) if number == 1 else (good, None, None, None)

    with Listener(make, serve_page) as listener:
        face = keyplate.open(listener.address, USER, PASSWORD, "--device-id", DEVICE,
                             "--tls", "1.3", "--pake", form)
        try:
            page = visit(face.url)
            outcome = listener.outcome(1)
        finally:
            face.stop()
    check(row, form, outcome)
    if outcome.word == "succeeds":
        assert page == b"hello"
