"""Goal: no page of another web site reaches the device through the browser and the link of `open`."""
import socket
import time

import pytest

from gateways import box, curl, pattern, read_all, talk_echo, talk_http


@pytest.fixture
def face(box):
    box.web = box.upstream(talk_http(b"the device"))
    face = box.open(box.serve_bytes(box.web))
    yield face


def ask(face, head, chunk=None, end=False):
    """Sends a request's head (PORT stands for the port); returns the answer."""
    data = head.replace("PORT", str(face.port)).replace("\n", "\r\n").encode() + b"\r\n\r\n"
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


def passes(answer):
    assert answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"the device"), answer


def refused(box, answer, status):
    assert answer.startswith(b"HTTP/1.1 %d " % status) and b"let through" in answer, answer
    assert b"Connection: close" in answer and b"the device\"" not in answer
    assert not box.web.seen, "nothing of it went to the device"


HERE = "GET / HTTP/1.1\nHost: 127.0.0.1:PORT"


@pytest.mark.parametrize("head", [
    HERE,
    "GET / HTTP/1.1\nhOST:\t127.0.0.1:PORT ",
    "GET / HTTP/1.1\nHost: localhost:PORT",
    "GET / HTTP/1.1\nHost: LOCALHOST:PORT",
    "OPTIONS * HTTP/1.1\nHost: 127.0.0.1:PORT",
    HERE + "\nOrigin: http://127.0.0.1:PORT",
    "POST /x HTTP/1.1\nHost: 127.0.0.1:PORT\nOrigin: http://127.0.0.1:PORT\nSec-Fetch-Site: same-origin",
    "POST /x HTTP/1.1\nHost: localhost:PORT\nOrigin: http://localhost:PORT",
    # what Referrer-Policy: no-referrer makes of the device's own forms
    "POST /x HTTP/1.1\nHost: 127.0.0.1:PORT\nOrigin: null\nSec-Fetch-Site: same-origin",
    # a link on another site that a person follows
    HERE + "\nSec-Fetch-Site: cross-site\nSec-Fetch-Mode: navigate\nSec-Fetch-Dest: document",
    HERE + "\nSec-Fetch-Site: none\nSec-Fetch-Mode: navigate",
])
def test_own_requests_pass(box, face, head):
    passes(ask(face, head))
    assert box.web.seen[-1].splitlines()[0] == head.splitlines()[0].encode()


@pytest.mark.parametrize("head", [
    "GET / HTTP/1.1\nHost: evil.example:PORT",
    "GET / HTTP/1.1\nHost: evil.example",
    "GET / HTTP/1.1\nHost: 127.0.0.1",
    "GET / HTTP/1.1\nHost: 127.0.0.1:1",
    "GET / HTTP/1.1\nHost: 127.0.0.1:PORT.evil.example",
    "GET / HTTP/1.1\nHost:",
    "GET / HTTP/1.1\nAccept: */*",
    "GET / HTTP/1.0",
    "STRANGE / HTTP/1.1\nHost: evil.example",
    "x / HTTP/1.1\nHost: evil.example",
    "GET / HTTP/1.1\nHost: 127.0.0.1:PORT\nHost: evil.example",
    "GET / HTTP/1.1\nHost: evil.example\nHost: 127.0.0.1:PORT",
    "GET / HTTP/1.1\nHost: 127.0.0.1:PORT\n evil.example",
    "GET / HTTP/1.1\nHost: 127.0.0.1:PORT\nno colon",
    "GET http://evil.example/ HTTP/1.1\nHost: 127.0.0.1:PORT",
    "PRI * HTTP/2.0",
])
def test_a_name_of_another_site_that_leads_here(box, face, head):
    """DNS rebinding: the browser takes the device's pages for those of that site."""
    refused(box, ask(face, head), 421)


@pytest.mark.parametrize("head", [
    "POST / HTTP/1.1\nHost: 127.0.0.1:PORT\nOrigin: http://evil.example\nContent-Length: 0",
    "POST / HTTP/1.1\nHost: 127.0.0.1:PORT\norigin:null",
    "POST / HTTP/1.1\nHost: 127.0.0.1:PORT\nOrigin: https://127.0.0.1:PORT",
    "POST / HTTP/1.1\nHost: 127.0.0.1:PORT\nOrigin: http://127.0.0.1:1",
    "POST / HTTP/1.1\nHost: 127.0.0.1:PORT\nOrigin: http://evil.example\nOrigin: http://127.0.0.1:PORT",
    "POST / HTTP/1.1\nHost: 127.0.0.1:PORT\nSec-Fetch-Site: cross-site\nSec-Fetch-Mode: navigate",
    "OPTIONS / HTTP/1.1\nHost: 127.0.0.1:PORT\nOrigin: http://evil.example",
    HERE + "\nUpgrade: websocket\nOrigin: http://evil.example",
    HERE + "\nSec-Fetch-Site: cross-site\nSec-Fetch-Mode: no-cors",
    HERE + "\nSec-Fetch-Site: cross-site\nSec-Fetch-Mode: cors",
    HERE + "\nSec-Fetch-Site: cross-site",
    HERE + "\nSec-Fetch-Site: cross-site\nSec-Fetch-Mode: navigate\nSec-Fetch-Dest: iframe",
])
def test_another_site_makes_the_browser_do_it(box, face, head):
    refused(box, ask(face, head), 403)


def test_a_byte_at_a_time(box, face):
    refused(box, ask(face, "GET / HTTP/1.1\nHost: evil.example", chunk=1), 421)
    refused(box, ask(face, HERE + "\nOrigin: http://evil.example", chunk=1), 403)
    passes(ask(face, HERE, chunk=1))


def test_the_head_has_to_be_seen_whole(box, face):
    def long(length):
        return "GET /%s HTTP/1.1\nHost: 127.0.0.1:PORT" % ("x" * length)

    refused(box, ask(face, long(20000) + "\nOrigin: http://evil.example"), 431)
    refused(box, ask(face, HERE + "\nX: %s" % ("y" * 20000)), 431)
    passes(ask(face, long(15000)))


def test_a_head_that_stops(box, face):
    with face.visit() as browser:
        browser.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n" % face.port)
        browser.shutdown(socket.SHUT_WR)
        refused(box, read_all(browser), 421)


def test_a_refused_upload_is_told(box, face):
    (box.dir / "form").write_bytes(b"x" * 300_000)
    page = curl(face.url, "-i", "-H", "Expect:", "-H", "Origin: http://evil.example", "-T",
                box.dir / "form", user=None).stdout
    refused(box, page, 403)


def test_curl_and_the_link(box, face):
    assert curl(face.url, user=None).stdout == b"the device"
    assert curl(f"http://localhost:{face.port}/", "-4", user=None).stdout == b"the device"
    assert "man keyplate-open" in face.log()


@pytest.mark.parametrize("first", [b"\0", b"hello there\n", b"GET /\r\n", b"<x", b"\x16\x03\x01\0\0",
                                   b"averylongwordthatisnomethod", b"GET / HTTQ/1.1\r\n"])
def test_what_is_no_http_goes_through(box, first):
    face = box.open(box.serve_bytes(box.upstream(talk_echo)))
    with face.visit() as client:
        client.sendall(first)
        assert read_all(client, len(first)) == first
        rest = pattern(100_000)
        client.sendall(rest)
        client.shutdown(socket.SHUT_WR)
        assert read_all(client) == rest


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
    assert face.wait(5) == 0
    for sock in idle[50:]:
        sock.close()
