"""Goal: a proved client learns from serve what TLS 1.3 needs, and no other byte of anyone is touched."""
import fcntl
import json
import os
import select
import socket
import struct
import termios
import threading
import time

import pytest

from gateways import PASSWORD, box, curl, free_port, pattern, read_all, talk_echo, talk_http, until
from http_page import WEBSOCKET
from http_peers import OK, Channel, Recorder, request

BOTH = pytest.mark.parametrize("http", ["on", "off"])
LINE = b"GET /.well-known/keyplate HTTP/1.1\r\n"
REQUEST = LINE + b"Host: device\r\nAccept: application/json\r\n\r\n"


def with_id(box, device_id):
    path = box.dir / f"credentials-{box.count()}"
    box.passwd("add", path, "admin", PASSWORD, "--group", "2048", "--device-id", device_id)
    return path


def parse(answer):
    head, body = answer.split(b"\r\n\r\n", 1)
    lines = head.decode().split("\r\n")
    fields = dict(line.split(": ", 1) for line in lines[1:])
    assert int(fields["Content-Length"]) == len(body)
    return lines[0], fields, body


def page_of(answer):
    status, fields, body = parse(answer)
    assert status == "HTTP/1.1 200 OK"
    assert fields["Content-Type"] == "application/json"
    assert fields["Cache-Control"] == "no-store" and fields["Connection"] == "close"
    return json.loads(body)


def say(client, data):
    client.stdin.write(data)
    client.stdin.flush()


def heard(client, count):
    """Exactly count bytes, however they come."""
    data = b""
    while len(data) < count:
        piece = os.read(client.stdout.fileno(), count - len(data))
        assert piece, data
        data += piece
    return data


def taken(client):
    """Whether it has read what was said to it."""
    return fcntl.ioctl(client.stdin, termios.FIONREAD, bytes(4)) == bytes(4)


def is_silent(client, seconds=0.3):
    return not select.select([client.stdout], [], [], seconds)[0]


# ---- The page ----------------------------------------------------------------------------------

@BOTH
def test_the_page(box, http):
    upstream = box.upstream(talk_http(b"the device's own"))
    serve = box.serve(upstream, "--http", http, credentials=with_id(box, "plate-0007"))
    done = box.connect(serve, REQUEST)
    assert done.returncode == 0, done.stderr
    assert page_of(done.stdout) == {"keyplate": 1, "versions": ["1.2", "1.3"], "port": serve.port,
                                    "device_id": "plate-0007"}
    if http == "off":
        until(lambda: upstream.seen)
    assert b"".join(upstream.seen) == b"", "at most a connection without a byte, ended in order"
    line = serve.logged("closed:")[0]
    assert 'user="admin"' in line and f"bytes_in={len(REQUEST)} " in line
    assert f"bytes_out={len(done.stdout)} " in line


@BOTH
def test_the_log_tells_of_it(box, http):
    serve = box.serve(box.upstream(talk_http()), "--http", http)
    box.connect(serve, REQUEST)
    line = serve.logged("/.well-known/keyplate was answered")[0]
    assert 'user="admin"' in line and " info " in line


@BOTH
def test_it_ends_the_connection_by_itself(box, http):
    serve = box.serve(box.upstream(talk_http()), "--http", http)
    client = box.connecting(serve)
    say(client, REQUEST + LINE)
    assert page_of(client.stdout.read())["keyplate"] == 1
    assert client.wait(15) == 0, "close_notify came"


@BOTH
def test_curl_reads_it(box, http):
    serve = box.serve(box.upstream(talk_http()), "--http", http, credentials=with_id(box, "x"))
    done = curl(f"https://{serve.at}/.well-known/keyplate")
    assert done.returncode == 0 and json.loads(done.stdout)["device_id"] == "x"
    assert curl(f"https://{serve.at}/.well-known/keyplate", "--http1.0",
                "--no-alpn").stdout == done.stdout
    assert curl(f"https://{serve.at}/.well-known/keyplate", password="wrong").returncode == 35


@BOTH
@pytest.mark.parametrize("device_id", ['say "hi" \\ and / go', "Gerät № 7 🔑", "x" * 255, "\\" * 255])
def test_any_device_id(box, device_id, http):
    serve = box.serve(box.upstream(talk_http()), "--http", http,
                      credentials=with_id(box, device_id))
    assert page_of(box.connect(serve, REQUEST).stdout)["device_id"] == device_id


@BOTH
@pytest.mark.parametrize("tls, versions", [("1.2", ["1.2"]), ("any", ["1.2", "1.3"])])
def test_the_versions_that_are_taken(box, tls, versions, http):
    serve = box.serve(box.upstream(talk_http()), "--http", http, "--tls", tls)
    assert page_of(box.connect(serve, REQUEST).stdout)["versions"] == versions


@BOTH
def test_the_port_that_the_client_came_to(box, http):
    serve = box.serve(box.upstream(talk_http()), "--http", http, listen=("127.0.0.1:0", "[::1]:0"))
    for at in serve.addresses:
        assert page_of(box.connect(at, REQUEST).stdout)["port"] == int(at.rsplit(":", 1)[1])


@BOTH
def test_the_id_is_the_one_of_the_current_file(box, http):
    serve = box.serve(box.upstream(talk_http()), "--http", http, credentials=with_id(box, "old"))
    assert page_of(box.connect(serve, REQUEST).stdout)["device_id"] == "old"
    other = with_id(box, "new")
    os.replace(other, serve.credentials)
    serve.logged("is in force")
    until(lambda: page_of(box.connect(serve, REQUEST).stdout)["device_id"] == "new")


@pytest.mark.parametrize("where", ["127.0.0.1", "unix"])
def test_it_needs_no_upstream(box, where):
    """Nobody waits to be told that there is none, except who may be asking for the page."""
    at = f"unix:{box.dir}/none.sock" if where == "unix" else f"127.0.0.1:{free_port()}"
    serve = box.serve_bytes(at)
    for start in (1, 10, len(REQUEST)):
        client = box.connecting(serve)
        say(client, REQUEST[:start])
        time.sleep(0.1)
        if start < len(REQUEST):
            say(client, REQUEST[start:])
        assert page_of(client.stdout.read())["keyplate"] == 1
        assert client.wait(15) == 0
    began, tries = time.monotonic(), 1
    silent = box.connecting(serve)
    assert parse(silent.stdout.read())[0].startswith("HTTP/1.1 502 ")
    waited = time.monotonic() - began  # a second more than it takes to be told
    for data in (b"", b"GET / HTTP/1.1\r\n\r\n", LINE[:9]):
        took = [waited]
        while min(took) > waited - 0.5:
            assert len(took) < 6, f"who asks for something else is told at once: {took}"
            began, tries = time.monotonic(), tries + 1
            assert parse(box.connect(serve, data).stdout)[0].startswith("HTTP/1.1 502 ")
            took.append(time.monotonic() - began)
    until(lambda: serve.log().count("error upstream-down") == tries)


# ---- Among HTTP requests -----------------------------------------------------------------------

PATH = "/.well-known/keyplate"


def read_page(answer):
    """Of an answer to GET: as page_of."""
    assert answer.status == 200 and answer.get("Content-Type") == "application/json"
    assert answer.get("Cache-Control") == "no-store"
    return json.loads(answer.body)


@pytest.fixture
def recorder():
    return Recorder()


@pytest.fixture
def serve(box, recorder):
    return box.serve(box.upstream(recorder), credentials=with_id(box, "plate-0007"))


def is_over(channel, answer):
    """Whether the answer says that it was the last one, and it was."""
    return answer.get("Connection") == "close" and channel.end() == (b"", True)


@pytest.mark.parametrize("before", [0, 1, 3])
def test_after_other_requests(box, serve, recorder, before):
    channel = Channel(box, serve)
    for count in range(before):
        assert channel.ask(request(f"/{count}")).body == b"ok"
    answer = channel.ask(request(PATH))
    assert read_page(answer) == {"keyplate": 1, "versions": ["1.2", "1.3"], "port": serve.port,
                                 "device_id": "plate-0007"}
    assert is_over(channel, answer)
    assert [one.target for one in recorder.requests] == [f"/{count}" for count in range(before)]
    assert len(recorder.connections) == (before > 0), "it is asked for what is its own"
    until(lambda: recorder.open == 0)
    assert recorder.faults == [], "the upstream's connection ends in order"


@pytest.mark.parametrize("before", [0, 1])
def test_head(box, serve, recorder, before):
    get = Channel(box, serve).ask(request(PATH))
    channel = Channel(box, serve)
    for _ in range(before):
        channel.ask(request("/other"))
    answer = channel.ask(request(PATH, method="HEAD"), "HEAD")
    assert answer.raw_head == get.raw_head and is_over(channel, answer)
    assert recorder.bytes.count(b"HTTP/1.1") == before


@BOTH
def test_head_by_curl(box, http):
    """With --http off the request is the upstream's."""
    serve = box.serve(box.upstream(talk_http(b"own")), "--http", http)
    text = curl(f"https://{serve.at}{PATH}", "-I").stdout
    assert (b"application/json" in text) == (http == "on")


def test_behind_one_that_is_being_answered(box, serve, recorder):
    """In its turn, and what comes behind it goes nowhere."""
    recorder.answer = lambda _: lambda sock: (time.sleep(0.5), sock.sendall(OK), sock.recv(1))
    channel = Channel(box, serve)
    channel.send(request("/slow") + request(PATH) + request("/never"))
    assert channel.response().body == b"ok"
    answer = channel.response()
    assert read_page(answer)["device_id"] == "plate-0007" and is_over(channel, answer)
    assert [one.target for one in recorder.requests] == ["/slow"]


@pytest.mark.parametrize("fields, version", [
    ((), "HTTP/1.1"), ((), "HTTP/1.0"), (("Connection: close",), "HTTP/1.1"),
    (("Connection: keep-alive",), "HTTP/1.0"), (("Cookie: a=b", "Accept: */*"), "HTTP/1.1"),
    (("X: " + "a" * 9000,), "HTTP/1.1")])
def test_however_it_is_asked(box, serve, recorder, fields, version):
    channel = Channel(box, serve)
    answer = channel.ask(request(PATH, *fields, version=version))
    assert read_page(answer)["keyplate"] == 1 and is_over(channel, answer)
    assert recorder.connections == []


@pytest.mark.parametrize("framing", ["Content-Length: 9", "Transfer-Encoding: chunked"])
def test_what_it_carries_is_nobody_s(box, serve, recorder, framing):
    body = b"GET / HTT" if "Length" in framing else b"9\r\nGET / HTT\r\n0\r\n\r\n"
    channel = Channel(box, serve)
    answer = channel.ask(request(PATH, framing) + body)
    assert read_page(answer)["keyplate"] == 1 and is_over(channel, answer)
    assert recorder.connections == []


def test_one_byte_at_a_time_of_two(box, serve, recorder):
    channel = Channel(box, serve)
    for byte in request("/first") + request(PATH):
        channel.send(bytes((byte,)))
        time.sleep(0.001)
    assert channel.response().body == b"ok"
    assert read_page(channel.response())["keyplate"] == 1
    assert recorder.came().target == "/first"


@pytest.mark.parametrize("method, target", [
    ("GET", f"{PATH}?x"), ("GET", f"{PATH}?"), ("GET", f"{PATH}/"), ("GET", f"{PATH}s"),
    ("GET", "/.well-known/Keyplate"), ("GET", "/%2ewell-known/keyplate"),
    ("GET", "//.well-known/keyplate"), ("GET", "/x/..//.well-known/keyplate"),
    ("HEAD", f"{PATH}?x"), ("POST", PATH), ("PUT", PATH), ("OPTIONS", PATH), ("DELETE", PATH)])
@pytest.mark.parametrize("before", [0, 1])
def test_another_is_the_upstream_s(box, serve, recorder, method, target, before):
    channel = Channel(box, serve)
    for _ in range(before):
        channel.ask(request("/first"))
    answer = channel.ask(request(target, method=method), method)
    assert answer.status == 200 and b"keyplate" not in answer.body
    asked = recorder.came(before + 1)
    assert (asked.method, asked.target) == (method, target)
    assert channel.ask(request("/on")).body == b"ok", "the connection goes on"


def test_no_upstream_is_needed(box):
    serve = box.serve(f"127.0.0.1:{free_port()}")
    channel = Channel(box, serve)
    assert read_page(channel.ask(request(PATH)))["keyplate"] == 1
    assert serve.log().count("error upstream-down") == 0
    assert Channel(box, serve).ask(request(PATH, method="POST", body=b"x")).status == 502
    assert len(serve.logged("error upstream-down")) == 1


def test_no_identity_is_told_of_it(box):
    recorder = Recorder(proxied=True)
    serve = box.serve(box.upstream(recorder), "--identity", "proxy-v2")
    assert read_page(Channel(box, serve).ask(request(PATH)))["keyplate"] == 1
    channel = Channel(box, serve)
    assert channel.ask(request("/first")).body == b"ok"
    assert read_page(channel.ask(request(PATH)))["keyplate"] == 1
    assert recorder.came().target == "/first" and len(recorder.proxies) == 1


def test_within_a_tunnel_it_is_bytes(box):
    def answer(_):
        def reply(sock):
            sock.sendall(b"HTTP/1.1 101 Go\r\nConnection: upgrade\r\n"
                         b"Upgrade: websocket\r\n\r\n")
            talk_echo(sock)
        return reply

    channel = Channel(box, box.serve(box.upstream(Recorder(answer))))
    assert channel.ask(request("/", *WEBSOCKET)).status == 101
    assert channel.send(REQUEST).exactly(len(REQUEST)) == REQUEST
    assert channel.finish() == (b"", True)


# ---- However it comes, with --http off ---------------------------------------------------------

def test_one_byte_at_a_time(box):
    upstream = box.upstream(talk_http())
    serve = box.serve_bytes(upstream)
    client = box.connecting(serve)
    for at in range(len(REQUEST)):
        say(client, REQUEST[at:at + 1])
        time.sleep(0.002)
    assert page_of(client.stdout.read())["keyplate"] == 1
    assert client.wait(15) == 0
    until(lambda: upstream.seen)
    assert upstream.seen == [b""]


def test_a_request_that_is_not_whole(box):
    upstream = box.upstream(read_all)
    serve = box.serve_bytes(upstream)
    status, _, _ = parse(box.connect(serve, REQUEST[:-2]).stdout)
    assert status.startswith("HTTP/1.1 400 ")
    until(lambda: upstream.seen)
    assert upstream.seen == [b""], "once its line is whole it is ours"


@pytest.mark.parametrize("length, status", [(8192, "200"), (8193, "431"), (100_000, "431")])
def test_a_long_head(box, length, status):
    serve = box.serve_bytes(box.upstream(talk_http()))
    head = LINE + b"X: "
    request = head + b"a" * (length - len(head) - 4) + b"\r\n\r\n"
    assert len(request) == length
    assert parse(box.connect(serve, request).stdout)[0].split()[1] == status


def test_who_is_silent_in_the_middle_is_closed(box):
    serve = box.serve_bytes(box.upstream(talk_echo), "--idle-timeout", "1")
    for start in (LINE[:10], LINE):
        began = time.monotonic()
        client = box.connecting(serve)
        say(client, start)
        assert client.wait(15) == 1
        assert 0.5 < time.monotonic() - began < 12
    assert len(serve.logged("--idle-timeout")) == 2


def test_who_goes_away_in_the_middle(box):
    serve = box.serve_bytes(box.upstream(talk_echo))
    for number, start in enumerate((LINE[:10], LINE), 1):
        client = box.connecting(serve)
        say(client, start)
        until(lambda so_many=number: serve.log().count("proved:") == so_many)
        time.sleep(0.1)
        client.kill()
    until(lambda: serve.log().count("went away without close_notify") == 2)
    assert page_of(box.connect(serve, REQUEST).stdout)["keyplate"] == 1


# ---- What isn't it, with --http off ------------------------------------------------------------

@pytest.mark.parametrize("cut", [1, 4, 5, 24, 25, 33, 34, 35])
def test_what_was_held_comes_at_once_with_what_differs(box, cut):
    client = box.connecting(box.serve_bytes(box.upstream(talk_echo)))
    say(client, LINE[:cut])
    assert is_silent(client), "it may become the request"
    say(client, b"?")
    assert heard(client, cut + 1) == LINE[:cut] + b"?"
    say(client, REQUEST)
    assert heard(client, len(REQUEST)) == REQUEST, "only the first request is looked at"
    client.stdin.close()
    assert client.stdout.read() == b"" and client.wait(15) == 0


@pytest.mark.parametrize("request_line", [
    b"GET /.well-known/keyplate?x HTTP/1.1\r\n", b"GET /.well-known/keyplate/ HTTP/1.1\r\n",
    b"GET /.well-known/keyplates HTTP/1.1\r\n", b"GET /.well-known/keyplate HTTP/1.2\r\n",
    b"GET /.well-known/keyplate HTTP/2.0\r\n", b"GET /.well-known/keyplate HTTP/1.1\n",
    b"GET  /.well-known/keyplate HTTP/1.1\r\n", b"GET /.well-known/Keyplate HTTP/1.1\r\n",
    b"GET /%2ewell-known/keyplate HTTP/1.1\r\n", b"GET http://d/.well-known/keyplate HTTP/1.1\r\n",
    b"HEAD /.well-known/keyplate HTTP/1.1\r\n", b"POST /.well-known/keyplate HTTP/1.1\r\n",
    b"get /.well-known/keyplate HTTP/1.1\r\n", b"\r\nGET /.well-known/keyplate HTTP/1.1\r\n",
    b"GET / HTTP/1.1\r\n"])
def test_other_requests_are_the_upstreams(box, request_line):
    upstream = box.upstream(talk_http(b"the device's own"))
    request = request_line + b"Host: x\r\n\r\n"
    done = box.connect(box.serve_bytes(upstream), request)
    assert done.stdout.endswith(b"\r\n\r\nthe device's own")
    until(lambda: upstream.seen)
    assert upstream.seen == [request]


def test_a_request_in_one_piece_stays_in_one_piece(box):
    """Simple servers read a request with one call."""
    upstream = box.upstream(lambda sock: sock.recv(65536))
    request = b"GET /.well-known/other HTTP/1.1\r\nHost: x\r\n\r\n"
    box.connect(box.serve_bytes(upstream), request)
    until(lambda: upstream.seen)
    assert upstream.seen == [request]


@pytest.mark.parametrize("start", [b"", b"G", b"GET", LINE[:-1]])
def test_an_end_in_the_middle_goes_to_the_upstream(box, start):
    def talk(sock):
        data = read_all(sock)
        sock.sendall(b"got it")
        return data

    upstream = box.upstream(talk)
    done = box.connect(box.serve_bytes(upstream), start)
    assert (done.returncode, done.stdout) == (0, b"got it")
    assert upstream.seen == [start]


def test_the_second_request_is_the_upstreams(box):
    client = box.connecting(box.serve_bytes(box.upstream(talk_echo)))
    for request in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", REQUEST):
        say(client, request)
        assert heard(client, len(request)) == request


def test_an_upstream_that_speaks_first(box):
    def talk(sock):
        sock.sendall(b"220 hello\r\n")
        talk_echo(sock)

    client = box.connecting(box.serve_bytes(box.upstream(talk)))
    assert heard(client, 11) == b"220 hello\r\n"
    say(client, b"G")
    assert heard(client, 1) == b"G", "who spoke first speaks no HTTP: nothing is held any more"
    say(client, REQUEST[1:])
    assert heard(client, len(REQUEST) - 1) == REQUEST[1:]


def test_an_upstream_that_speaks_while_bytes_are_held(box):
    def talk(sock):
        time.sleep(0.5)
        sock.sendall(b"hurry")
        talk_echo(sock)

    client = box.connecting(box.serve_bytes(box.upstream(talk)))
    say(client, LINE[:7])
    assert heard(client, 5) == b"hurry"
    assert heard(client, 7) == LINE[:7]


def test_an_upstream_that_ends_while_bytes_are_held(box):
    went = threading.Event()

    def talk(sock):
        went.wait(20)
        time.sleep(0.5)
        sock.shutdown(socket.SHUT_WR)
        return read_all(sock)

    upstream = box.upstream(talk)
    client = box.connecting(box.serve_bytes(upstream))
    say(client, LINE[:7])
    until(lambda: taken(client))
    went.set()
    assert client.stdout.read() == b"" and client.wait(15) == 0
    until(lambda: upstream.seen)
    assert upstream.seen == [LINE[:7]], "nobody can answer for it any more"


def test_a_large_upload_that_begins_like_it(box):
    data = LINE[:20] + pattern(5_000_000)
    upstream = box.upstream(read_all)
    assert box.connect(box.serve_bytes(upstream), data).returncode == 0
    assert upstream.seen == [data]


# ---- With --identity proxy-v2 ------------------------------------------------------------------

def talk_proxy2(sock):
    head = sock.recv(16, socket.MSG_WAITALL)
    head += sock.recv(struct.unpack(">H", head[14:16])[0], socket.MSG_WAITALL)
    rest = read_all(sock)
    sock.sendall(b"seen")
    return b"admin" in head, rest


def test_the_identity_comes_first(box):
    upstream = box.upstream(talk_proxy2)
    serve = box.serve_bytes(upstream, "--identity", "proxy-v2")
    client = box.connecting(serve)
    say(client, b"GET /.well")
    time.sleep(0.2)
    say(client, b"-begun")
    client.stdin.close()
    assert client.stdout.read() == b"seen"
    assert upstream.seen == [(True, b"GET /.well-begun")]
    assert page_of(box.connect(serve, REQUEST).stdout)["keyplate"] == 1
    until(lambda: len(upstream.seen) == 2)
    assert upstream.seen[1] == (True, b"")
