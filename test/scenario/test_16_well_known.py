"""Goal: a proved client learns from serve what TLS 1.3 needs, and no other byte of anyone is touched."""
import json
import os
import select
import socket
import struct
import time

import pytest

from gateways import PASSWORD, box, curl, free_port, pattern, read_all, talk_echo, talk_http, until

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


def is_silent(client, seconds=0.3):
    return not select.select([client.stdout], [], [], seconds)[0]


# ---- The page ---------------------------------------------------------------------------------

def test_the_page(box):
    upstream = box.upstream(talk_http(b"the device's own"))
    serve = box.serve(upstream, credentials=with_id(box, "plate-0007"))
    done = box.connect(serve, REQUEST)
    assert done.returncode == 0, done.stderr
    assert page_of(done.stdout) == {"keyplate": 1, "versions": ["1.2", "1.3"], "port": serve.port,
                                    "device_id": "plate-0007"}
    until(lambda: upstream.seen)
    assert upstream.seen == [b""], "a connection without a byte, ended in order"
    line = serve.logged("/.well-known/keyplate was answered")[0]
    assert 'user="admin"' in line and f"bytes_in={len(REQUEST)} " in line
    assert f"bytes_out={len(done.stdout)} " in line


def test_it_ends_the_connection_by_itself(box):
    serve = box.serve(box.upstream(talk_http()))
    client = box.connecting(serve)
    say(client, REQUEST + LINE)
    assert page_of(client.stdout.read())["keyplate"] == 1
    assert client.wait(5) == 0, "close_notify came"


def test_curl_reads_it(box):
    serve = box.serve(box.upstream(talk_http()), credentials=with_id(box, "x"))
    done = curl(f"https://{serve.at}/.well-known/keyplate")
    assert done.returncode == 0 and json.loads(done.stdout)["device_id"] == "x"
    assert curl(f"https://{serve.at}/.well-known/keyplate", "--http1.0",
                "--no-alpn").stdout == done.stdout
    assert curl(f"https://{serve.at}/.well-known/keyplate", password="wrong").returncode == 35


@pytest.mark.parametrize("device_id", ['say "hi" \\ and / go', "Gerät № 7 🔑", "x" * 255, "\\" * 255])
def test_any_device_id(box, device_id):
    serve = box.serve(box.upstream(talk_http()), credentials=with_id(box, device_id))
    assert page_of(box.connect(serve, REQUEST).stdout)["device_id"] == device_id


@pytest.mark.parametrize("tls, versions", [("1.2", ["1.2"]), ("any", ["1.2", "1.3"])])
def test_the_versions_that_are_taken(box, tls, versions):
    serve = box.serve(box.upstream(talk_http()), "--tls", tls)
    assert page_of(box.connect(serve, REQUEST).stdout)["versions"] == versions


def test_the_port_that_the_client_came_to(box):
    serve = box.serve(box.upstream(talk_http()), listen=("127.0.0.1:0", "[::1]:0"))
    for at in serve.addresses:
        assert page_of(box.connect(at, REQUEST).stdout)["port"] == int(at.rsplit(":", 1)[1])


def test_the_id_is_the_one_of_the_current_file(box):
    serve = box.serve(box.upstream(talk_http()), credentials=with_id(box, "old"))
    assert page_of(box.connect(serve, REQUEST).stdout)["device_id"] == "old"
    other = with_id(box, "new")
    os.replace(other, serve.credentials)
    serve.logged("is in force")
    until(lambda: page_of(box.connect(serve, REQUEST).stdout)["device_id"] == "new")


@pytest.mark.parametrize("where", ["127.0.0.1", "unix"])
def test_it_needs_no_upstream(box, where):
    at = f"unix:{box.dir}/none.sock" if where == "unix" else f"127.0.0.1:{free_port()}"
    serve = box.serve(at)
    for start in (1, 10, len(REQUEST)):
        client = box.connecting(serve)
        say(client, REQUEST[:start])
        time.sleep(0.1)
        if start < len(REQUEST):
            say(client, REQUEST[start:])
        assert page_of(client.stdout.read())["keyplate"] == 1
        assert client.wait(5) == 0
    began = time.monotonic()
    for data in (b"", b"GET / HTTP/1.1\r\n\r\n", LINE[:9]):
        assert parse(box.connect(serve, data).stdout)[0].startswith("HTTP/1.1 502 ")
    assert time.monotonic() - began < 1, "who asks for something else is told at once"
    silent = box.connecting(serve)
    assert parse(silent.stdout.read())[0].startswith("HTTP/1.1 502 ")
    assert len(serve.logged("error upstream-down")) == 4


# ---- However it comes -------------------------------------------------------------------------

def test_one_byte_at_a_time(box):
    upstream = box.upstream(talk_http())
    serve = box.serve(upstream)
    client = box.connecting(serve)
    for at in range(len(REQUEST)):
        say(client, REQUEST[at:at + 1])
        time.sleep(0.002)
    assert page_of(client.stdout.read())["keyplate"] == 1
    assert client.wait(5) == 0
    until(lambda: upstream.seen)
    assert upstream.seen == [b""]


def test_a_request_that_is_not_whole(box):
    upstream = box.upstream(read_all)
    serve = box.serve(upstream)
    status, _, _ = parse(box.connect(serve, REQUEST[:-2]).stdout)
    assert status.startswith("HTTP/1.1 400 ")
    until(lambda: upstream.seen)
    assert upstream.seen == [b""], "once its line is whole it is ours"


@pytest.mark.parametrize("length, status", [(8192, "200"), (8193, "431"), (100_000, "431")])
def test_a_long_head(box, length, status):
    serve = box.serve(box.upstream(talk_http()))
    head = LINE + b"X: "
    request = head + b"a" * (length - len(head) - 4) + b"\r\n\r\n"
    assert len(request) == length
    assert parse(box.connect(serve, request).stdout)[0].split()[1] == status


def test_who_is_silent_in_the_middle_is_closed(box):
    serve = box.serve(box.upstream(talk_echo), "--idle-timeout", "1")
    for start in (LINE[:10], LINE):
        client = box.connecting(serve)
        say(client, start)
        began = time.monotonic()
        assert client.wait(5) == 1
        assert 0.5 < time.monotonic() - began < 3
    assert len(serve.logged("--idle-timeout")) == 2


def test_who_goes_away_in_the_middle(box):
    serve = box.serve(box.upstream(talk_echo))
    for start in (LINE[:10], LINE):
        client = box.connecting(serve)
        say(client, start)
        serve.logged("proved:")
        time.sleep(0.1)
        client.kill()
    until(lambda: serve.log().count("went away without close_notify") == 2)
    assert page_of(box.connect(serve, REQUEST).stdout)["keyplate"] == 1


# ---- What isn't it ----------------------------------------------------------------------------

@pytest.mark.parametrize("cut", [1, 4, 5, 24, 25, 33, 34, 35])
def test_what_was_held_comes_at_once_with_what_differs(box, cut):
    client = box.connecting(box.serve(box.upstream(talk_echo)))
    say(client, LINE[:cut])
    assert is_silent(client), "it may become the request"
    say(client, b"?")
    assert heard(client, cut + 1) == LINE[:cut] + b"?"
    say(client, REQUEST)
    assert heard(client, len(REQUEST)) == REQUEST, "only the first request is looked at"
    client.stdin.close()
    assert client.stdout.read() == b"" and client.wait(5) == 0


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
    done = box.connect(box.serve(upstream), request)
    assert done.stdout.endswith(b"\r\n\r\nthe device's own")
    until(lambda: upstream.seen)
    assert upstream.seen == [request]


def test_a_request_in_one_piece_stays_in_one_piece(box):
    """Simple servers read a request with one call."""
    upstream = box.upstream(lambda sock: sock.recv(65536))
    request = b"GET /.well-known/other HTTP/1.1\r\nHost: x\r\n\r\n"
    box.connect(box.serve(upstream), request)
    until(lambda: upstream.seen)
    assert upstream.seen == [request]


@pytest.mark.parametrize("start", [b"", b"G", b"GET", LINE[:-1]])
def test_an_end_in_the_middle_goes_to_the_upstream(box, start):
    def talk(sock):
        data = read_all(sock)
        sock.sendall(b"got it")
        return data

    upstream = box.upstream(talk)
    done = box.connect(box.serve(upstream), start)
    assert (done.returncode, done.stdout) == (0, b"got it")
    assert upstream.seen == [start]


def test_the_second_request_is_the_upstreams(box):
    client = box.connecting(box.serve(box.upstream(talk_echo)))
    for request in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", REQUEST):
        say(client, request)
        assert heard(client, len(request)) == request


def test_an_upstream_that_speaks_first(box):
    def talk(sock):
        sock.sendall(b"220 hello\r\n")
        talk_echo(sock)

    client = box.connecting(box.serve(box.upstream(talk)))
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

    client = box.connecting(box.serve(box.upstream(talk)))
    say(client, LINE[:7])
    assert heard(client, 5) == b"hurry"
    assert heard(client, 7) == LINE[:7]


def test_an_upstream_that_ends_while_bytes_are_held(box):
    def talk(sock):
        time.sleep(0.5)
        sock.shutdown(socket.SHUT_WR)
        return read_all(sock)

    upstream = box.upstream(talk)
    client = box.connecting(box.serve(upstream))
    say(client, LINE[:7])
    assert client.stdout.read() == b"" and client.wait(5) == 0
    until(lambda: upstream.seen)
    assert upstream.seen == [LINE[:7]], "nobody can answer for it any more"


def test_a_large_upload_that_begins_like_it(box):
    data = LINE[:20] + pattern(5_000_000)
    upstream = box.upstream(read_all)
    assert box.connect(box.serve(upstream), data).returncode == 0
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
    serve = box.serve(upstream, "--identity", "proxy-v2")
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
