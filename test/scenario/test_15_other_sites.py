"""Goal: what comes to the face of an `open` isn't taken for a request before it is one, whole and by the
rules; and what is refused is told and goes no further.  (Whose requests pass: test_48.)"""
import socket
import time

import pytest

from gateways import box, curl, read_all, talk_http, until


@pytest.fixture
def face(box):
    box.web = box.upstream(talk_http(b"the device"))
    face = box.open(box.serve_bytes(box.web))
    yield face


def ask(face, head, chunk=None, end=False):
    """Sends a request's head (HOST, GOOD: what the browser that was let in sends); the answer."""
    head = head.replace("HOST", face.host).replace("GOOD", face.cookie)
    data = head.replace("\n", "\r\n").encode() + b"\r\nConnection: close\r\n\r\n"
    with face.visit() as browser:
        if chunk is None:
            browser.sendall(data)
        else:
            browser.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for at in range(0, len(data), chunk):
                browser.sendall(data[at:at + chunk])
                time.sleep(0.0005)
        if end:
            browser.shutdown(socket.SHUT_WR)
        return read_all(browser)


def passes(box, answer, line):
    assert answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"the device"), answer
    until(lambda: box.web.seen)
    assert box.web.seen[-1].splitlines()[0] == line


def refused(box, answer, status):
    assert answer.startswith(b"HTTP/1.1 %d " % status) and b"let through" in answer, answer
    assert b"\r\nConnection: close\r\n" in answer and b"the device\"" not in answer
    assert not box.web.seen, "nothing of it went to the device"


HERE = "GET / HTTP/1.1\nHost: HOST\nCookie: GOOD"


@pytest.mark.parametrize("head", [
    HERE,
    "GET / HTTP/1.1\ncooKIE:\tGOOD \t\nhOST:\tHOST ",
    "OPTIONS * HTTP/1.1\nHost: HOST\nCookie: GOOD",
    "DELETE /x?y=http://evil.test/ HTTP/1.1\nHost: HOST\nCookie: GOOD\nOrigin: http://HOST",
    "PROPFIND / HTTP/1.1\nHost: HOST\nCookie: GOOD",
])
def test_own_requests_pass(box, face, head):
    passes(box, ask(face, head), head.splitlines()[0].encode())


@pytest.mark.parametrize("head, status", [
    ("STRANGE / HTTP/1.1\nHost: HOST\nCookie: GOOD", 501),
    ("get / HTTP/1.1\nHost: HOST\nCookie: GOOD", 501),
    ("GET / HTTP/1.1\nHost: HOST\nCookie: GOOD\n x", 400),
    ("GET / HTTP/1.1\nHost: HOST\nCookie: GOOD\nno colon", 400),
    ("GET / HTTP/1.1\nHost: HOST\nCookie : GOOD", 400),
    ("GET / HTTP/1.1\nHost: HOST\nCookie: GOOD\nX: a\x00b", 400),
    ("GET /\x7f HTTP/1.1\nHost: HOST\nCookie: GOOD", 400),
    ("GET  / HTTP/1.1\nHost: HOST\nCookie: GOOD", 400),
    ("GET x HTTP/1.1\nHost: HOST\nCookie: GOOD", 400),
    ("GET / HTTP/1.1 \nHost: HOST\nCookie: GOOD", 400),
    ("GET / HTTP/2.0\nHost: HOST\nCookie: GOOD", 505),
    ("GET / HTTP/0.9\nHost: HOST\nCookie: GOOD", 505),
    ("GET / HTTQ/1.1\nHost: HOST\nCookie: GOOD", 400),
    ("GET /\nHost: HOST\nCookie: GOOD", 505),
    ("\0", 400), ("hello there", 400), ("<x", 400), ("\x16\x03\x01\0\0", 400),
])
def test_what_is_no_request_is_refused(box, face, head, status):
    refused(box, ask(face, head), status)
    refused(box, ask(face, head, chunk=1), status)


def test_a_byte_at_a_time(box, face):
    refused(box, ask(face, "GET / HTTP/1.1\nHost: evil.example\nCookie: GOOD", chunk=1), 421)
    refused(box, ask(face, HERE + "\nOrigin: http://evil.example", chunk=1), 403)
    passes(box, ask(face, HERE, chunk=1), b"GET / HTTP/1.1")


def test_the_head_has_to_be_seen_whole(box, face):
    def long(length):
        return "GET /%s HTTP/1.1\nHost: HOST\nCookie: GOOD" % ("x" * length)

    refused(box, ask(face, long(40_000) + "\nOrigin: http://evil.example"), 431)
    refused(box, ask(face, HERE + "\nX: %s" % ("y" * 40_000)), 431)
    refused(box, ask(face, HERE + "\nX: y" * 500), 431)
    passes(box, ask(face, long(31_000)), long(31_000).splitlines()[0].encode())


@pytest.mark.parametrize("lines", [1, 2, 3])
def test_a_head_that_stops(box, face, lines):
    """It is none, and nobody answers it."""
    head = face.head().split(b"\r\n")[:lines]
    with face.visit() as browser:
        browser.sendall(b"\r\n".join(head) + b"\r\n")
        browser.shutdown(socket.SHUT_WR)
        try:
            assert read_all(browser) == b""
        except ConnectionResetError:
            pass
    assert not box.web.seen


def test_a_refused_upload_is_told(box, face):
    """Though the browser is still sending it."""
    (box.dir / "form").write_bytes(b"x" * 300_000)
    page = curl(face.url, "-i", "-H", "Expect:", "-H", "Origin: http://evil.example", "-T",
                box.dir / "form", user=None).stdout
    refused(box, page, 403)


def test_who_says_nothing_is_no_connection(box):
    """Browsers open connections in advance: they cost the device nothing."""
    serve = box.serve(box.upstream(talk_http()), "--verbose")
    face = box.open(serve)
    idle = [face.visit() for _ in range(100)]
    assert curl(face.url, user=None).stdout == b"hello"
    assert serve.log().count("a ticket was proved") == 1
    for sock in idle[:50]:
        sock.close()
    face.signal(2)
    assert face.wait() == 0
    for sock in idle[50:]:
        sock.close()
