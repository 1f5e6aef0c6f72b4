"""Goal of this test: gateway and web server never read the same bytes as different messages: what is
not exactly a request is refused before the upstream sees it, and what is odd but right gets there as
the one request that it is."""
import http.client
import io
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from gateways import Box, box, until
from http_peers import (BY_TLS12, OK, Channel, Cut, Reader, Recorder, chunked, events, gateway,
                        request, reset)

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: device\r\n\r\n"


class Site:
    def __init__(self, box, recorder):
        self.box = box
        self.recorder = recorder
        self.serve = gateway(box, recorder)

    def channel(self):
        return Channel(self.box, self.serve, *BY_TLS12)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    box = Box(tmp_path_factory.mktemp("strict"))
    yield Site(box, Recorder())
    box.close()


def head(*lines):
    return b"\r\n".join(lines) + b"\r\n\r\n"


def with_fields(*fields, method=b"POST"):
    return head(method + b" /case HTTP/1.1", b"Host: device", *fields)


def with_line(line):
    return head(line, b"Host: device")


PADDING = 32768 - len(with_fields(b"X-A: ", method=b"GET"))  # to the longest head
LENGTH, CHUNKED = b"Content-Length: 5", b"Transfer-Encoding: chunked"
BAD_HEADS = {
    # Two lengths
    "length beside coding": (400, with_fields(LENGTH, CHUNKED) + b"0\r\n\r\n"),
    "coding beside length": (400, with_fields(CHUNKED, LENGTH) + b"0\r\n\r\n"),
    "zero length beside coding": (400, with_fields(b"content-length: 0", CHUNKED) + b"0\r\n\r\n"),
    "length twice, the same": (400, with_fields(LENGTH, LENGTH) + b"hello"),
    "length twice, different": (400, with_fields(LENGTH, b"Content-Length: 50") + b"hello"),
    "length as a list": (400, with_fields(b"Content-Length: 5, 5") + b"hello"),
    "coding twice": ((400, 501), with_fields(CHUNKED, CHUNKED) + b"0\r\n\r\n"),
    # Lengths that aren't
    "length +5": (400, with_fields(b"Content-Length: +5") + b"hello"),
    "length -5": (400, with_fields(b"Content-Length: -5") + b"hello"),
    "length 0x5": (400, with_fields(b"Content-Length: 0x5") + b"hello"),
    "length 5 5": (400, with_fields(b"Content-Length: 5 5") + b"hello"),
    "length 5;": (400, with_fields(b"Content-Length: 5;") + b"hello"),
    "length 5.0": (400, with_fields(b"Content-Length: 5.0") + b"hello"),
    "no digits of a length": (400, with_fields(b"Content-Length:") + b"hello"),
    "length too big for 64 bits": (400, with_fields(b"Content-Length: 18446744073709551621")
                                   + b"hello"),
    "length of wide digits": (400, with_fields("Content-Length: ５".encode()) + b"hello"),
    # Codings
    "coding gzip": (501, with_fields(b"Transfer-Encoding: gzip")),
    "coding identity": (501, with_fields(b"Transfer-Encoding: identity")),
    "coding xchunked": (501, with_fields(b"Transfer-Encoding: xchunked") + b"0\r\n\r\n"),
    "coding in quotes": ((400, 501), with_fields(b'Transfer-Encoding: "chunked"') + b"0\r\n\r\n"),
    "coding gzip, chunked": (501, with_fields(b"Transfer-Encoding: gzip, chunked") + b"0\r\n\r\n"),
    "coding chunked, gzip": ((400, 501), with_fields(b"Transfer-Encoding: chunked, gzip")
                             + b"0\r\n\r\n"),
    "coding chunked, identity": ((400, 501), with_fields(b"Transfer-Encoding: chunked, identity")
                                 + b"0\r\n\r\n"),
    "coding chunked, chunked": ((400, 501), with_fields(b"Transfer-Encoding: chunked, chunked")
                                + b"0\r\n\r\n"),
    "coding with a vertical tab": (400, with_fields(b"Transfer-Encoding: \x0bchunked")
                                   + b"0\r\n\r\n"),
    "coding with a Kelvin sign": ((400, 501), with_fields(
        "Transfer-Encoding: chun\u212aed".encode()) + b"0\r\n\r\n"),
    "coding in HTTP/1.0": (400, head(b"POST /case HTTP/1.0", b"Host: device", CHUNKED)
                           + b"0\r\n\r\n"),
    # Ends of lines
    "bare LF after the request line": (400, b"GET /case HTTP/1.1\nHost: device\r\n\r\n"),
    "bare LF after a field": (400, b"GET /case HTTP/1.1\r\nHost: device\nX-A: b\r\n\r\n"),
    "bare LF at the end": (400, b"GET /case HTTP/1.1\r\nHost: device\r\n\n"),
    "bare LF everywhere": (400, b"GET /case HTTP/1.1\nHost: device\n\n"),
    "bare LF inside of a value": (400, with_fields(b"X-A: b\nX-B: c", method=b"GET")),
    "bare CR in a value": (400, with_fields(b"X-A: b\rX-B: c", method=b"GET")),
    "bare CR in the request line": (400, with_line(b"GET /case\r HTTP/1.1")),
    "CR CR LF": (400, b"GET /case HTTP/1.1\r\nHost: device\r\r\n\r\n"),
    "bare LF before the request line": (400, b"\n" + with_line(b"GET /case HTTP/1.1")),
    # Folds and colons
    "obs-fold by a space": (400, with_fields(b"X-A: b\r\n c", method=b"GET")),
    "obs-fold by a tab": (400, with_fields(b"X-A: b\r\n\tc", method=b"GET")),
    "obs-fold of the coding": (400, with_fields(b"Transfer-Encoding:\r\n chunked")
                               + b"0\r\n\r\n"),
    "a fold before any field": (400, b"GET /case HTTP/1.1\r\n Host: device\r\nHost: device\r\n"
                                b"\r\n"),
    "a line of a space alone": (400, with_fields(b" ", method=b"GET")),
    "space before the colon": (400, with_fields(b"X-A : b", method=b"GET")),
    "tab before the colon": (400, with_fields(b"X-A\t: b", method=b"GET")),
    "space before the colon of a length": (400, with_fields(b"Content-Length : 5") + b"hello"),
    "space before the colon of a coding": (400, with_fields(b"Transfer-Encoding : chunked")
                                           + b"0\r\n\r\n"),
    "no colon": (400, with_fields(b"X-A", method=b"GET")),
    "no name": (400, with_fields(b": b", method=b"GET")),
    "a space in a name": (400, with_fields(b"X A: b", method=b"GET")),
    "a bracket in a name": (400, with_fields(b"X(A: b", method=b"GET")),
    "a letter beyond ASCII in a name": (400, with_fields("X-Ä: b".encode(), method=b"GET")),
    # Control bytes
    "NUL in a name": (400, with_fields(b"X-\0A: b", method=b"GET")),
    "NUL in a value": (400, with_fields(b"X-A: b\0c", method=b"GET")),
    "NUL in the target": (400, with_line(b"GET /case\0 HTTP/1.1")),
    "a control byte in a value": (400, with_fields(b"X-A: b\x01c", method=b"GET")),
    "a vertical tab in a value": (400, with_fields(b"X-A: b\x0bc", method=b"GET")),
    "DEL in a value": (400, with_fields(b"X-A: b\x7fc", method=b"GET")),
    "a control byte in the target": (400, with_line(b"GET /ca\x02se HTTP/1.1")),
    "a control byte in the method": (400, with_line(b"GE\x01T /case HTTP/1.1")),
    # Hosts
    "no Host": (400, head(b"GET /case HTTP/1.1", b"X-A: b")),
    "two Hosts": (400, with_fields(b"Host: other", method=b"GET")),
    "the same Host twice": (400, with_fields(b"host: device", method=b"GET")),
    "no Host beside an authority": (400, head(b"GET http://device/case HTTP/1.1")),
    "a space in Host": (400, head(b"GET /case HTTP/1.1", b"Host: de vice")),
    "a slash in Host": (400, head(b"GET /case HTTP/1.1", b"Host: device/x")),
    "a list of Hosts": (400, head(b"GET /case HTTP/1.1", b"Host: device, other")),
    "userinfo in Host": (400, head(b"GET /case HTTP/1.1", b"Host: user@device")),
    # Request lines
    "no version": ((400, 505), b"GET /case\r\nHost: device\r\n\r\n"),
    "two spaces": (400, with_line(b"GET  /case HTTP/1.1")),
    "a tab for a space": (400, with_line(b"GET\t/case HTTP/1.1")),
    "a space before the method": (400, with_line(b" GET /case HTTP/1.1")),
    "a space after the version": (400, with_line(b"GET /case HTTP/1.1 ")),
    "a space in the target": (400, with_line(b"GET /case x HTTP/1.1")),
    "http in small letters": (400, with_line(b"GET /case http/1.1")),
    "no slash before the target": (400, with_line(b"GET case HTTP/1.1")),
    "a star for another method": (400, with_line(b"GET * HTTP/1.1")),
    "a target of two lines in one": (400, with_line(b"GET /case HTTP/1.1 GET /x HTTP/1.1")),
    "no target": (400, with_line(b"GET HTTP/1.1")),
    "CONNECT": ((400, 405, 501), head(b"CONNECT device:80 HTTP/1.1", b"Host: device:80")),
    # Versions
    "HTTP/2.0": (505, with_line(b"GET /case HTTP/2.0")),
    "HTTP/3.0": (505, with_line(b"GET /case HTTP/3.0")),
    "the preface of HTTP/2": ((400, 505), b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "HTTP/0.9": ((400, 505), with_line(b"GET /case HTTP/0.9")),
    "HTTP/1.1.1": ((400, 505), with_line(b"GET /case HTTP/1.1.1")),
    "HTTP/11": ((400, 505), with_line(b"GET /case HTTP/11")),
    # Sizes
    "a head of 32769 bytes": (431, with_fields(b"X-A: " + b"a" * (PADDING + 1), method=b"GET")),
    "a name without an end": (431, b"GET /case HTTP/1.1\r\nHost: device\r\n" + b"X" * 40_000),
    "a target without an end": ((414, 431), b"GET /" + b"x" * 40_000),
    "a thousand fields": (431, with_fields(*[b"X-A: b"] * 1000, method=b"GET")),
}
WORDS = {  # what the log names, at least
    "length beside coding": "Transfer-Encoding", "length twice, the same": "Content-Length",
    "bare LF everywhere": "LF", "obs-fold by a space": "begins with a space", "no Host": "Host",
    "two Hosts": "Host", "space before the colon": "colon", "NUL in a value": "control",
}


def refusal(site, status, raw, after=SMUGGLED):
    """Sends raw, and checks that it is refused as one of status, and the connection with it; the
    log's line."""
    before = len(events(site.serve, "bad-request"))
    channel = site.channel()
    channel.send(raw + after)
    answer = channel.response()
    assert answer.status in (status if isinstance(status, tuple) else (status,)), answer
    assert answer.get("Connection") == "close"
    assert 0 < len(answer.body) < 2000 and answer.get("Content-Length") is not None
    assert channel.end() == (b"", True)
    until(lambda: len(events(site.serve, "bad-request")) > before, what=site.serve.log()[-2000:])
    lines = events(site.serve, "bad-request")[before:]
    assert len(lines) == 1 and lines[0]["user"] == "admin"
    return lines[0]


@pytest.mark.parametrize("name", BAD_HEADS)
def test_a_bad_head_goes_nowhere(site, name):
    status, raw = BAD_HEADS[name]
    if name == "a head of 32769 bytes":
        assert len(raw) == 32769
    seen = len(site.recorder.bytes)
    line = refusal(site, status, raw)
    time.sleep(0.02)
    assert site.recorder.bytes[seen:] == b""
    assert len(line["message"]) > 5
    assert WORDS.get(name, "").lower() in str(line).lower(), line


def test_nothing_of_all_that_came_later(site):
    assert b"smuggled" not in site.recorder.bytes and b"/case" not in site.recorder.bytes


BAD_CHUNKS = {
    "no number": b"x\r\nhello\r\n0\r\n\r\n",
    "nothing": b"\r\nhello\r\n0\r\n\r\n",
    "-5": b"-5\r\nhello\r\n0\r\n\r\n",
    "+5": b"+5\r\nhello\r\n0\r\n\r\n",
    "0x5": b"0x5\r\nhello\r\n0\r\n\r\n",
    "a space before it": b" 5\r\nhello\r\n0\r\n\r\n",
    "5 5": b"5 5\r\nhello\r\n0\r\n\r\n",
    "an underscore": b"0_5\r\nhello\r\n0\r\n\r\n",
    "more than 64 bits": b"10000000000000005\r\nhello\r\n0\r\n\r\n",
    "a bare LF after it": b"5\nhello\r\n0\r\n\r\n",
    "a bare CR after it": b"5\rhello\r\n0\r\n\r\n",
    "a bare LF after the bytes": b"5\r\nhello\n0\r\n\r\n",
    "nothing after the bytes": b"5\r\nhello0\r\n\r\n",
    "more bytes than it": b"5\r\nhello!\r\n0\r\n\r\n",
    "a bare LF in an extension": b"5;a\nb\r\nhello\r\n0\r\n\r\n",
    "NUL in an extension": b"5;a\0b\r\nhello\r\n0\r\n\r\n",
    "a bare LF after the last": b"5\r\nhello\r\n0\n\r\n",
    "a bare LF at the end": b"5\r\nhello\r\n0\r\n\n",
    "a fold in trailers": b"5\r\nhello\r\n0\r\nX-A: b\r\n c\r\n\r\n",
    "a space before a trailer's colon": b"5\r\nhello\r\n0\r\nX-A : b\r\n\r\n",
    "a bare LF in trailers": b"5\r\nhello\r\n0\r\nX-A: b\nX-B: c\r\n\r\n",
}


@pytest.mark.parametrize("name", BAD_CHUNKS)
def test_bad_chunks_make_no_request(site, name):
    """The head may have gone on when they come: its request never ends, and nothing follows it."""
    requests, seen = len(site.recorder.requests), len(site.recorder.bytes)
    refusal(site, 400, with_fields(CHUNKED) + BAD_CHUNKS[name])
    until(lambda: site.recorder.open == 0)
    assert len(site.recorder.requests) == requests
    assert b"smuggled" not in site.recorder.bytes[seen:]


def test_trailers_without_an_end(site):
    requests = len(site.recorder.requests)
    refusal(site, (400, 431), with_fields(CHUNKED) + b"5\r\nhello\r\n0\r\n"
            + b"X-A: b\r\n" * 10_000)
    until(lambda: site.recorder.open == 0)
    assert len(site.recorder.requests) == requests


def test_a_bad_request_behind_a_good_one(site):
    requests = len(site.recorder.requests)
    channel = site.channel()
    channel.send(request("/good") + with_fields(LENGTH, CHUNKED) + SMUGGLED)
    assert channel.response().body == b"ok"
    assert channel.response().status == 400
    assert channel.end() == (b"", True)
    assert [one.target for one in site.recorder.requests[requests:]] == ["/good"]


def test_a_request_that_is_cut(site):
    requests = len(site.recorder.requests)
    for raw in (b"GET /cut HTTP/1.1\r\nHost: de", with_fields(b"Content-Length: 50") + b"hello",
                with_fields(CHUNKED) + b"5\r\nhel"):
        channel = site.channel()
        channel.send(raw)
        until(lambda: raw.startswith(b"GET") or site.recorder.open)
        channel.finish()
        until(lambda: site.recorder.open == 0)
    assert len(site.recorder.requests) == requests


# ---- Odd, but right -----------------------------------------------------------------------------

LONG = b"/" + b"x" * 8000
SIGNS = b"/a//b/../%00%2f;x?y=[1]|{2}&z='~!*"
ODD = {
    # name: (bytes, method, target, body)
    "an empty line before it": (b"\r\n" + request("/case"), "GET", "/case", b""),
    "names in any case": (b"GET /case HTTP/1.1\r\nhOsT:device\r\ncOnTeNt-LeNgTh:5\r\n\r\nhello",
                          "GET", "/case", b"hello"),
    "space around values": (head(b"POST /case HTTP/1.1", b"Host: \t device \t", b"X-A:\tb\t",
                                 b"Content-Length:\t 5  ") + b"hello", "POST", "/case", b"hello"),
    "an empty value": (request("/case", "X-Empty:", "X-Blank:   "), "GET", "/case", b""),
    "an empty Host": (head(b"GET /case HTTP/1.1", b"Host:"), "GET", "/case", b""),
    "a host of IPv6": (request("/case", host="[::1]:443"), "GET", "/case", b""),
    "a length of leading zeros": (with_fields(b"Content-Length: 0005") + b"hello", "POST", "/case",
                                  b"hello"),
    "length 0": (with_fields(b"Content-Length: 0"), "POST", "/case", b""),
    "POST without a length": (with_fields(), "POST", "/case", b""),
    "GET with a body": (with_fields(LENGTH, method=b"GET") + b"hello", "GET", "/case", b"hello"),
    "DELETE with chunks": (with_fields(CHUNKED, method=b"DELETE") + chunked(b"he", b"llo"),
                           "DELETE", "/case", b"hello"),
    "a body that looks like a request": (request("/case", method="POST", body=SMUGGLED), "POST",
                                         "/case", SMUGGLED),
    "chunks that look like a request": (with_fields(CHUNKED) + chunked(SMUGGLED), "POST", "/case",
                                        SMUGGLED),
    "CHUNKED": (with_fields(b"Transfer-Encoding:\tCHUNKED ") + chunked(b"hello"), "POST", "/case",
                b"hello"),
    "big and small letters, zeros in chunk sizes": (
        with_fields(CHUNKED) + b"000A\r\n0123456789\r\n0a\r\n0123456789\r\n000\r\n\r\n", "POST",
        "/case", b"0123456789" * 2),
    "chunk extensions": (with_fields(CHUNKED) + b'5;a=b;c="d e"\r\nhello\r\n0;end\r\n\r\n', "POST",
                         "/case", b"hello"),
    "trailers": (with_fields(CHUNKED) + chunked(b"hello", trailers=b"X-Sum: abc\r\n"), "POST",
                 "/case", b"hello"),
    "no chunks but the last": (with_fields(CHUNKED) + b"0\r\n\r\n", "POST", "/case", b""),
    "an absolute target": (head(b"GET http://device/case?x=1 HTTP/1.1", b"Host: device"), "GET",
                           "/case?x=1", b""),
    "an absolute target of nothing more": (head(b"GET http://device HTTP/1.1", b"Host: device"),
                                           "GET", "/", b""),
    "OPTIONS of all": (head(b"OPTIONS * HTTP/1.1", b"Host: device"), "OPTIONS", "*", b""),
    "a long target": (head(b"GET " + LONG + b" HTTP/1.1", b"Host: device"), "GET", LONG.decode(),
                      b""),
    "odd signs in a target": (with_line(b"GET " + SIGNS + b" HTTP/1.1"), "GET", SIGNS.decode(), b""),
    "PROPFIND": (with_fields(method=b"PROPFIND"), "PROPFIND", "/case", b""),
    "PATCH": (with_fields(LENGTH, method=b"PATCH") + b"hello", "PATCH", "/case", b"hello"),
    "letters beyond ASCII in a value": (request("/case", "X-A: ä€".encode(), b"X-B: \xe4\xff"),
                                        "GET", "/case", b""),
    "250 fields": (request("/case", *[f"X-{number}: {number}" for number in range(249)]), "GET",
                   "/case", b""),
    "a head of 32768 bytes": (with_fields(b"X-A: " + b"a" * PADDING, method=b"GET"), "GET",
                              "/case", b""),
    "HTTP/1.0": (head(b"GET /case HTTP/1.0"), "GET", "/case", b""),
    "HTTP/1.0 with a length": (head(b"POST /case HTTP/1.0", LENGTH) + b"hello", "POST", "/case",
                               b"hello"),
    "an upgrade to h2c": (request("/case", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c",
                                  "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"), "GET", "/case", b""),
    "hop-by-hop fields": (request("/case", "Connection: X-Hop, keep-alive", "X-Hop: 1",
                                  "Keep-Alive: timeout=5", "Proxy-Connection: keep-alive",
                                  "TE: trailers", "Trailer: X-Sum", "Proxy-Authorization: x"),
                          "GET", "/case", b""),
    "Connection names what matters": (with_fields(b"Connection: Host, Content-Length", LENGTH)
                                      + b"hello", "POST", "/case", b"hello"),
}
HOP_BY_HOP = {"keep-alive", "proxy-connection", "te", "trailer", "upgrade", "http2-settings",
              "x-hop", "proxy-authorization"}


http.client._MAXHEADERS = 1000  # it would take no more than 100 fields


class ByPython(BaseHTTPRequestHandler):
    """How the standard library reads bytes: another reader than http_peers."""

    def __init__(self, data):
        self.rfile, self.wfile = io.BytesIO(data), io.BytesIO()
        self.client_address, self.raw_requestline = ("", 0), self.rfile.readline(65537)
        assert self.parse_request(), self.wfile.getvalue()
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            self.body = b""
            while size := int(self.rfile.readline(), 16):
                self.body += self.rfile.read(size)
                self.rfile.readline()
            while self.rfile.readline() not in (b"\r\n", b""):
                pass
        else:
            self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.rest = self.rfile.read()


@pytest.mark.parametrize("how", ["at once", "in pieces"])
@pytest.mark.parametrize("name", ODD)
def test_odd_requests_arrive_as_one(site, name, how):
    raw, method, target, body = ODD[name]
    if name == "a head of 32768 bytes":
        assert len(raw) == 32768
    before = len(site.recorder.connections)
    channel = site.channel()
    if how == "at once":
        channel.send(raw)
    else:
        for at in range(0, len(raw), max(7, len(raw) // 50)):
            channel.send(raw[at:at + max(7, len(raw) // 50)])
            time.sleep(0.0005)
    answer = channel.response(method)
    assert (answer.status, answer.body) == (200, b"ok"), answer
    channel.finish()
    until(lambda: site.recorder.open == 0)
    seen = [bytes(one) for one in site.recorder.connections[before:] if one]
    assert len(seen) == 1
    pieces = [seen[0]]
    mine = Reader(lambda: pieces.pop() if pieces else b"")
    by_me, by_python = mine.request(), ByPython(seen[0])
    assert mine.held == b"" and by_python.rest == b""
    for one in ((by_me.method, by_me.target, by_me.body),
                (by_python.command, by_python.path, by_python.body)):
        assert one == (method, target, body)
    assert not by_me.names() & HOP_BY_HOP
    assert by_me.get("Via") in ("1.1 keyplate", "1.0 keyplate")
    assert by_me.start.endswith(" HTTP/1.1")
    has_body = by_me.get("Transfer-Encoding") or by_me.get("Content-Length") not in (None, "0")
    assert by_me.all("Connection") == (["close"] if has_body else [])
    if b"1.0" not in raw.split(b"\r\n")[0]:
        assert by_me.get("Host") is not None


def test_fields_arrive_as_they_were(site):
    """Other fields stay, in order, with their values' bytes; so do repeated ones."""
    fields = ["Accept: a", "Cookie: a=b; c=d", "X-Two: 1", "Authorization: Basic eDp5", "X-Two: 2",
              'If-None-Match: "x"', "X-Comma: a, b", "Origin: https://device", "X-Auth-Token: a",
              "X-Requested-With: XMLHttpRequest", "X-CSRF-Token: b", "Sec-Fetch-Mode: cors"]
    requests = len(site.recorder.requests)
    site.channel().ask(request("/fields", *fields, "X-Bytes: ä".encode("latin-1"), "X-Empty:"))
    seen = site.recorder.came(requests + 1)
    kept = [f"{name}: {value.decode('latin-1')}" for name, value in seen.fields
            if name in {one.split(":")[0] for one in fields}]
    assert kept == fields
    assert dict(seen.fields)["X-Bytes"] == b"\xe4" and dict(seen.fields)["X-Empty"] == b""


# ---- Servers that don't read bodies --------------------------------------------------------------

class NoBodies(BaseHTTPRequestHandler):
    """Answers without reading the body, and would go on."""
    protocol_version = "HTTP/1.1"
    timeout = 30

    def parse_request(self):
        self.server.lines.append(self.raw_requestline)
        return super().parse_request()

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.path)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(self.path.encode())

    do_HEAD = do_POST = do_PUT = do_DELETE = do_GET

    def log_message(self, *_):
        pass


@pytest.fixture
def no_bodies():
    server = ThreadingHTTPServer(("127.0.0.1", 0), NoBodies)
    server.daemon_threads, server.lines = True, []
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


FORGED = (b"GET /SMUGGLED HTTP/1.1\r\nHost: device\r\nX-Remote-User: root\r\n"
          b"Content-Length: 0\r\n\r\n")


@pytest.mark.parametrize("wait", [0, 0.1])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "HEAD"])
def test_a_body_that_is_not_read_is_no_request(box, no_bodies, method, wait):
    """Nor of the next client's, and the client's connection goes on."""
    serve = gateway(box, "127.0.0.1:%d" % no_bodies.server_address[1], "--identity", "headers")
    channel = Channel(box, serve, *BY_TLS12)
    for target in ("/", "/again"):
        channel.send(request(target, method=method, body=FORGED))
        answer = channel.response(method)
        assert answer.status == 200 and answer.get("Connection") is None
        assert answer.body == (b"" if method == "HEAD" else target.encode())
        time.sleep(wait)
    assert channel.ask(request("/next")).body == b"/next"
    time.sleep(0.1)
    first = method.encode()
    assert no_bodies.lines == [first + b" / HTTP/1.1\r\n", first + b" /again HTTP/1.1\r\n",
                               b"GET /next HTTP/1.1\r\n"]


def test_a_pipelined_request_is_not_taken_for_a_body(box, no_bodies):
    serve = gateway(box, "127.0.0.1:%d" % no_bodies.server_address[1])
    channel = Channel(box, serve, *BY_TLS12)
    channel.send(request("/", body=FORGED) + with_fields(CHUNKED) + chunked(FORGED)
                 + request("/next"))
    assert [channel.response().body for _ in range(3)] == [b"/", b"/case", b"/next"]
    time.sleep(0.1)
    assert no_bodies.lines == [b"GET / HTTP/1.1\r\n", b"POST /case HTTP/1.1\r\n",
                               b"GET /next HTTP/1.1\r\n"]


# ---- Answers ------------------------------------------------------------------------------------

BAD_ANSWERS = {
    "nothing": b"",
    "no HTTP": b"hello\r\n\r\n",
    "another protocol": b"SSH-2.0-OpenSSH_9.2p1\r\n\r\n",
    "TLS": b"\x15\x03\x01\x00\x02\x02\x46",
    "ICY": b"ICY 200 OK\r\n\r\nmusic",
    "HTTP/2.0": b"HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/0.9": b"<html>page</html>",
    "a status of letters": b"HTTP/1.1 abc OK\r\nContent-Length: 2\r\n\r\nok",
    "a status of two digits": b"HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nok",
    "a status of four digits": b"HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nok",
    "a status below 100": b"HTTP/1.1 099 OK\r\nContent-Length: 2\r\n\r\nok",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Len",
    "no empty line": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n",
    "length beside coding": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
                            b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "different lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!",
    "a length of letters": b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\nok",
    "a length below 0": b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok",
    "another coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nok",
    "chunked is not the last": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n"
                               b"2\r\nok\r\n0\r\n\r\n",
    "NUL in a value": b"HTTP/1.1 200 OK\r\nX-A: b\0c\r\nContent-Length: 2\r\n\r\nok",
    "a control byte in a value": b"HTTP/1.1 200 OK\r\nX-A: b\x02c\r\nContent-Length: 2\r\n\r\nok",
    "a bare CR in a value": b"HTTP/1.1 200 OK\r\nX-A: b\rX-B: c\r\nContent-Length: 2\r\n\r\nok",
    "space before the colon": b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok",
    "no colon": b"HTTP/1.1 200 OK\r\nnonsense\r\nContent-Length: 2\r\n\r\nok",
    "a fold": b"HTTP/1.1 200 OK\r\nX-A: b\r\n c\r\nContent-Length: 2\r\n\r\nok",
    "101 that nobody asked for": b"HTTP/1.1 101 Go\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
                                 b"\r\nhello",
    "a head of 40 KB": b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 40_000
                       + b"\r\nContent-Length: 2\r\n\r\nok",
}


@pytest.fixture(scope="module")
def answering(tmp_path_factory):
    """The upstream answers with site.says, and then does site.then with its socket."""
    box = Box(tmp_path_factory.mktemp("answering"))

    def answer(_):
        def reply(sock):
            sock.sendall(site.says)
            site.then(sock)
        return reply

    site = Site(box, Recorder(answer))
    site.then = lambda sock: None
    yield site
    box.close()


@pytest.mark.parametrize("name", BAD_ANSWERS)
def test_a_malformed_answer_is_a_502(answering, name):
    answering.says, answering.then = BAD_ANSWERS[name], lambda sock: None
    requests = len(answering.recorder.requests)
    channel = answering.channel()
    answer = channel.ask(request("/case", method="POST", body=b"once"))
    assert answer.status == 502 and 0 < len(answer.body) < 2000
    assert len(BAD_ANSWERS[name]) < 8 or BAD_ANSWERS[name][-8:] not in answer.body
    channel.close()
    assert len(answering.recorder.requests) == requests + 1, "once, not twice"


OK_HEAD = b"HTTP/1.1 200 OK\r\n"
CUT = {
    "half a body": OK_HEAD + b"Content-Length: 50\r\n\r\nhello",
    "no body": OK_HEAD + b"Content-Length: 5\r\n\r\n",
    "chunks without an end": OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    "half a chunk": OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\n50\r\nhello",
    "half the last chunk": OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
    "a bad chunk size": OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nxyz\r\n",
    "a chunk that is too long": OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello!\r\n"
                                b"0\r\n\r\n",
}


@pytest.mark.parametrize("then", ["closes", "resets"])
@pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/1.0"])
@pytest.mark.parametrize("name", CUT)
def test_a_cut_answer_does_not_look_whole(answering, name, version, then):
    answering.says = CUT[name]
    answering.then = (lambda sock: None) if then == "closes" else \
        (lambda sock: (time.sleep(0.05), reset(sock)))
    channel = answering.channel()
    channel.send(request("/case", version=version, method="POST", body=b"once"))
    head = channel.head()
    if head is None:
        return  # cut before anything was sent: that doesn't look whole either
    assert head.status in (200, 502)
    if head.status == 502:
        return
    if head.get("Transfer-Encoding") or head.get("Content-Length"):
        with pytest.raises(Cut):
            channel.framed(head)
    rest, in_order = channel.end()
    assert not in_order and not rest.endswith(b"0\r\n\r\n")


@pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/1.0"])
def test_a_body_until_the_end_that_ends_by_reset(answering, version):
    answering.says = OK_HEAD + b"\r\nhello"
    heard = threading.Event()
    answering.then = lambda sock: (heard.wait(20), reset(sock))
    channel = answering.channel()
    channel.send(request("/case", version=version))
    assert channel.head().status == 200
    while b"hello" not in channel.held:
        channel.fill()
    heard.set()
    rest, in_order = channel.end()
    assert not in_order and b"hello" in rest and not rest.endswith(b"0\r\n\r\n")


EVIL = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
TOO_MUCH = {
    "behind a length": ("GET", OK + EVIL),
    "behind chunks": ("GET", OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
                      + EVIL),
    "behind 204": ("GET", b"HTTP/1.1 204 No\r\n\r\n" + EVIL),
    "204 with a length": ("GET", b"HTTP/1.1 204 No\r\nContent-Length: 43\r\n\r\n" + EVIL),
    "behind 304": ("GET", b"HTTP/1.1 304 Not\r\nContent-Length: 43\r\n\r\n" + EVIL),
    "behind the head that HEAD gets": ("HEAD", OK_HEAD + b"Content-Length: 43\r\n\r\n" + EVIL),
    "behind the chunks that HEAD gets": ("HEAD", OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
                                         + b"2b\r\n" + EVIL + b"\r\n0\r\n\r\n"),
}


@pytest.mark.parametrize("wait", [0, 0.1])
@pytest.mark.parametrize("name", TOO_MUCH)
def test_an_answer_that_nobody_asked_for(answering, name, wait):
    """What an upstream says beyond its answer is never the answer to the next request, and the
    connection is not to be trusted with another one."""
    method, answering.says = TOO_MUCH[name]
    answering.then = lambda sock: (sock.recv(65536), sock.sendall(EVIL))
    channel = answering.channel()
    first = channel.ask(request("/first", method=method), method)
    assert first.status in (200, 204, 304) and first.body in (b"", b"ok")
    time.sleep(wait)
    answering.says = OK
    assert channel.ask(request("/second")).body == b"ok"


def test_an_answer_s_own_hop(answering):
    """What an answer says of its own connection, and its framing, ends at the gateway."""
    answering.says = (OK_HEAD + b"Connection: X-Hop, close\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\n"
                      b"Proxy-Connection: close\r\nTrailer: X-Sum\r\nX-Stays: 1\r\nX-Stays: 2\r\n"
                      b"Set-Cookie: a=b\r\nSet-Cookie: c=d\r\nTransfer-Encoding: chunked\r\n\r\n"
                      b"02;a=b\r\nok\r\n000;c\r\nX-Sum: evil\r\n\r\n")
    answering.then = lambda sock: None
    channel = answering.channel()
    for _ in range(3):
        answer = channel.ask(request())
        assert answer.body == b"ok" and answer.trailers == []
        assert not answer.names() & {"x-hop", "keep-alive", "proxy-connection", "trailer"}
        assert answer.all("X-Stays") == ["1", "2"]
        assert answer.all("Set-Cookie") == ["a=b", "c=d"]
        assert (answer.get("Connection") or "keep-alive").lower() == "keep-alive"


@pytest.mark.parametrize("raw", [
    OK, OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\no\r\n1;x\r\nk\r\n0\r\nX-A: b\r\n\r\n",
    b"HTTP/1.1 103 Early\r\nLink: </x>\r\n\r\n" + OK, OK.replace(b"\r\n", b"\n")])
def test_an_answer_byte_by_byte(answering, raw):
    def drip(sock):
        for at in range(1, len(raw)):
            sock.sendall(raw[at:at + 1])
            time.sleep(0.001)

    answering.says, answering.then = raw[:1], drip
    channel = answering.channel()
    answer = channel.ask(request())
    if answer.status == 103:  # may be passed on
        answer = channel.response()
    assert (answer.status, answer.body) == (200, b"ok")
