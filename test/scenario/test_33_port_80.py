"""Goal of this test: plain HTTP is explained, noticed or led on, as each --transition says; none of
our pages asks for anything, and only the notice's link or cookie leads to the plain page."""
import json
import os
import re
import socket
import subprocess

import pytest

from gateways import KEYPLATE, box, curl, read_all, until
from http_page import WEBSOCKET, PageServer, frame, read_frame
from http_peers import ID, WAY_ON, Reader, events, request
from transition import (HELLOS, HTML, PRESETS, Site, browser, check_page, connection, over)


# ---- Every preset -------------------------------------------------------------------------------

def test_strict_explains(box):
    site = Site(box, "strict")
    for extra in ((), ("X-Keyplate: 1",), (f"Cookie: {WAY_ON}",)):
        for target in ("/", f"/?{WAY_ON}", "/login?user=a%3Cb"):
            tags = check_page(site.ask(target, HTML, *extra, host="device.example"), links=0)
            assert json.loads(tags.meta["keyplate"]) == {
                "keyplate": 1, "versions": ["1.2", "1.3"], "port": site.port, "device_id": ID}
            answer = site.ask(target, "Accept: */*", *extra, host="device.example:8080")
            assert answer.status == 403
            assert answer.get("Content-Type") == "text/plain; charset=utf-8"
            text = answer.body.decode()
            assert f"keyplate open device.example:{site.port}\n" in text and "<" not in text
            assert "http://" not in text
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        assert site.ask("/", HTML, method=method, body=b"password=x").status == 403
    head = site.ask("/", HTML, method="HEAD")
    assert head.status == 403 and int(head.get("Content-Length")) > 1000 and head.body == b""
    assert site.recorder.bytes == b"" and site.nothing_was_passed
    assert {line["target"] for line in events(site.serve, "explained")} == {"/", "/login"}


@pytest.mark.parametrize("preset", PRESETS)
def test_the_hint(box, preset):
    site = Site(box, preset)
    for fields in ((), ("X-Keyplate: 1",), (f"Cookie: {WAY_ON}",)):
        answer = site.ask("/.well-known/keyplate", *fields)
        assert answer.status == 200 and answer.get("Content-Type") == "application/json"
        assert json.loads(answer.body) == {"keyplate": 1, "versions": ["1.2", "1.3"],
                                           "port": site.port, "device_id": ID}
    assert site.recorder.bytes == b""


def test_the_hint_tells_what_is_taken(box):
    for versions in ("1.2", "1.3"):
        site = Site(box, "sniff", "--tls", versions)
        assert json.loads(site.ask("/.well-known/keyplate").body)["versions"] == [versions]


@pytest.mark.parametrize("preset", PRESETS[1:])
def test_who_can_is_led_on(box, preset):
    """To the password TLS: the same host, path and query."""
    site = Site(box, preset)
    can, port = "X-Keyplate: 1", site.port
    for host, name in (("device", "device"), ("device:80", "device"), ("device:8080", "device"),
                       ("192.168.1.1", "192.168.1.1"), ("[fd00::1]", "[fd00::1]"),
                       ("[fd00::1]:8080", "[fd00::1]"), ("DEVICE.local.", "DEVICE.local."),
                       ("device:", "device")):
        for target in ("/", "/a/b?c=d&e=%2F&f", "//evil.example/x", "/a%0D%0ASet-Cookie:x=y", "/?"):
            answer = site.ask(target, can, host=host)
            assert answer.status == 307 and answer.body == b""
            assert answer.get("Location") == f"https://{name}:{port}{target}"
            assert answer.get("Vary") == "X-Keyplate" and answer.get("Connection") == "close"
    for method in ("POST", "HEAD", "PUT", "DELETE", "PROPFIND"):
        answer = site.ask("/a?b", can, method=method, body=b"x=y" if method == "POST" else b"")
        assert answer.status == 307
        assert answer.get("Location") == f"https://device:{port}/a?b"
    old = site.ask("/a?b", can, host=None, version="HTTP/1.0")
    assert old.get("Location") == f"https://127.0.0.1:{port}/a?b"
    old = site.ask("/a?b", can, host="named", version="HTTP/1.0")
    assert old.get("Location") == f"https://named:{port}/a?b"
    absolute = site.ask("http://inside:81/a?b", can, host="outside")
    assert absolute.get("Location") == f"https://inside:{port}/a?b"
    assert site.ask("*", can, method="OPTIONS").get("Location") == f"https://device:{port}"
    assert site.recorder.bytes == b"" and site.nothing_was_passed
    led = [line["target"] for line in events(site.serve, "led-on")]
    assert led[0] == "/" and {"/a/b", "/a"} < set(led) and not any("?" in one for one in led)


@pytest.mark.parametrize("preset", PRESETS)
def test_hosts_that_no_host_has(box, preset):
    site = Site(box, preset)
    for host in ("evil@device", "device/..", "device?x", "device#x", "de vice", "device:0",
                 "device:99999", "device:80:80", "device:8x", '"><script>', "dev,ice", "dev\\ice",
                 "[::1", "::1", "[]", "dev;ice", "d'", "d\x01", "d\xff", "{d}"):
        for fields in ((), ("X-Keyplate: 1",), (f"Cookie: {WAY_ON}", HTML)):
            (answer,) = site.http(b"GET / HTTP/1.1\r\nHost: " + host.encode("latin-1") + b"\r\n"
                                  + b"".join(one.encode() + b"\r\n" for one in fields) + b"\r\n")
            assert answer.status == 400 and answer.get("Location") is None, (host, answer)
            assert host.encode() not in answer.body
    for data in (b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
                 b"GET http://a@b/ HTTP/1.1\r\nHost: b\r\n\r\n"):
        (answer,) = site.http(data)
        assert answer.status == 400 and answer.get("Location") is None, data
    assert site.recorder.bytes == b"" and site.ask("/.well-known/keyplate").status == 200


# ---- sniff: the notice, and the plain page behind it --------------------------------------------

TARGETS = ("/", "/?", "/a/b?c=d", "/a?b=%3Cscript%3E&c=%26", f"/a?{WAY_ON}&x=1", f"/a?{WAY_ON}0",
           "//evil.example/x?y", "/a'b(c)", f"/a?x{WAY_ON}")


def test_the_notice_and_its_one_way_on(box):
    site = Site(box, "sniff")
    for number, target in enumerate(TARGETS, 1):
        tags = check_page(site.ask(target, HTML), links=1)
        href = tags.links[0]
        assert href.startswith("/") and not href.startswith("//")
        done = browser(f"http://{site.plain}{href}", "-i")
        head, body = done.stdout.split(b"\r\n\r\n", 1)
        assert body == b"ok" and head.startswith(b"HTTP/1.1 200 ")
        cookie = re.search(rb"(?i)\r\nset-cookie: (.*?)\r\n", head + b"\r\n")[1].decode()
        assert cookie == f"{WAY_ON}; Path=/; HttpOnly; SameSite=Lax"
        # What a client does to an apostrophe is its own affair.
        assert site.recorder.came(number).target.replace("%27", "'") == target
        assert b"keyplate-plain" not in site.recorder.requests[-1].raw_head.replace(
            target.encode(), b"")
    text = site.ask("/a?b", "Accept: */*", host="device:8080")
    assert text.get("Content-Type") == "text/plain; charset=utf-8"
    assert f"\n    http://device:8080/a?b&{WAY_ON}\n" in text.body.decode()
    noticed = [line["target"] for line in events(site.serve, "noticed")]
    assert noticed == [target.split("?")[0] for target in (*TARGETS, "/a")]


def test_only_that_cookie_counts(box):
    site = Site(box, "sniff")
    for cookie in (f"{WAY_ON}0", f"x{WAY_ON}", "keyplate-plain=0", "keyplate-plain",
                   f"a={WAY_ON}", WAY_ON.upper(), f"a=b; {WAY_ON}x"):
        check_page(site.ask("/", HTML, f"Cookie: {cookie}"), links=1)
    for method in ("POST", "PUT", "DELETE"):
        tags = check_page(site.ask("/set?password=x", HTML, method=method, body=b"x"), links=1)
        assert tags.links == [f"/?{WAY_ON}"]
    assert site.recorder.bytes == b""
    for number, cookie in enumerate((WAY_ON, f"a=b; {WAY_ON}", f"{WAY_ON}; a=b", f"a=b;{WAY_ON}"), 1):
        answer = site.ask("/", HTML, f"Cookie: {cookie}")
        assert answer.body == b"ok" and answer.get("Set-Cookie") is None
        assert site.recorder.came(number).get("Cookie") == cookie
    assert [line["target"] for line in events(site.serve, "let-through")] == ["/"] * 4
    # Whoever can is led on all the same.
    assert site.ask("/", f"Cookie: {WAY_ON}", "X-Keyplate: 1").status == 307


def test_the_plain_page_works(box):
    page = PageServer()
    box.programs.append(page)
    site = Site(box, "sniff", upstream=page)
    jar = ("-b", box.dir / "jar", "-c", box.dir / "jar")
    at = f"http://{site.plain}"
    assert browser(f"{at}/?{WAY_ON}", *jar).stdout == b"the page"
    assert browser(f"{at}/number?n=7", *jar).stdout == b"7777777"
    assert browser(f"{at}/form", *jar, "-d", "name=K%C3%BCche").stdout == '{"name": "K\\u00fcche"}'.encode()
    big = browser(f"{at}/bytes?n=3000000&how=chunked", *jar).stdout
    assert len(big) == 3000000
    assert len(browser(f"{at}/sum", *jar, "--data-binary", "@-", input=big).stdout) == 64
    with connection(site.plain) as sock:
        for _ in range(2):  # one connection, several requests
            sock.sendall(request("/number?n=2", f"Cookie: {WAY_ON}"))
            reader = Reader(lambda: sock.recv(65536))
            assert reader.response().body == b"22"
        sock.sendall(request("/ws", *WEBSOCKET, f"Cookie: {WAY_ON}"))
        reader = Reader(lambda: sock.recv(65536))
        assert reader.response().status == 101
        for data in (b"hello", bytes(70000)):
            sock.sendall(frame(2, data, b"mask"))
            assert read_frame(reader.exactly) == (2, data)
        sock.sendall(frame(8, b"", b"mask"))
        assert read_frame(reader.exactly) == (8, b"")
    assert site.ask("/ws", *WEBSOCKET).status == 403


# ---- What is no HTTP, and what holds its place --------------------------------------------------

@pytest.mark.parametrize("preset", PRESETS)
def test_what_is_no_http_on_port_80(box, preset):
    site = Site(box, preset)
    for data in (*HELLOS.values(), b"\0" * 100, b"SSH-2.0-x\r\n", os.urandom(3000), b"\r\n\r\n",
                 b"GET / HTTP/1.1\r\nHost: d", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"):
        with connection(site.plain) as sock:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            try:
                answer = read_all(sock)
            except ConnectionError:
                answer = b""
        assert answer == b"" or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 505")), (data, answer)
    for door in [site.plain]:
        assert browser(f"https://{door}/").returncode == 35
    assert site.ask("/.well-known/keyplate").status == 200
    assert site.recorder.bytes == b"" and site.nothing_was_passed


def test_plain_clients_of_port_80_are_counted(box):
    """Who holds its connections there doesn't keep out who knows the password."""
    site = Site(box, "sniff", "--max-connections", "8", "--handshake-timeout", "30")
    socks = []
    for _ in range(12):
        socks.append(connection(site.plain))
        socks[-1].sendall(b"GET / HTTP/1.1\r\n")
        until(lambda: not socks[9:] or over(socks[len(socks) - 9]))
    assert curl(f"https://{site.doors[0]}/").stdout == b"ok"
    assert not over(socks[-1])
    for sock in socks:
        sock.close()


# ---- The device's own words ---------------------------------------------------------------------

@pytest.mark.parametrize("preset", ["strict", "sniff"])
def test_the_device_s_own_words(box, preset):
    words = box.dir / "words.html"
    words.write_text("<p>Willkommen bei <b>Küche</b>: das Kennwort steht unter dem Gerät.</p>\n"
                     "<ul><li>one &amp; two</li></ul>", encoding="utf-8")
    site = Site(box, preset, "--notice", words)
    answer = site.ask("/", HTML)
    tags = check_page(answer, links=0 if preset == "strict" else 1)
    page = answer.body.decode()
    assert words.read_text() in page and {"b", "ul", "li"} <= set(tags.tags)
    assert page.count("keyplate open ") == 1 and "never asks for a password" in page
    assert page.index("keyplate open ") > page.index("one &amp; two")
    assert "Küche" not in site.ask("/").body.decode()  # plain text is ours alone


@pytest.mark.parametrize("words, why", [
    ("<p>ok</p><form action=/x>", "<form>"), ("<INPUT name=x>", "<INPUT>"),
    ("<script>x()</script>", "<script>"), ("<!-- hidden", "comment"), ("<style>p{}</style>", "<style>"),
    ("</section><div hidden>", "<section>"), ("<table hidden><tr><td>", "<table>"),
    ("<a href='/'>on</a>", "<a>"), ("<a href=", "<a>"), ("<p style='display:none'>", "style"),
    ("<p onclick='x()'>", "onclick"), ("<img src='/logo.png'>", "data: picture"),
    ("<ul><li>one</ul>", "isn't closed"), ("", "empty"), ("x" * 16385, "16 KiB"),
    (b"\xff\xfe", "UTF-8"), ("a\0b", "NUL"), (None, "No such file")])
def test_words_that_are_refused(box, words, why):
    path = box.dir / "words.html"
    if words is not None:
        path.write_bytes(words if isinstance(words, bytes) else words.encode())
    done = subprocess.run([KEYPLATE, "serve", "--listen", "127.0.0.1:0", "--http-listen",
                           "127.0.0.1:0", "--upstream", "127.0.0.1:1", "--credentials",
                           box.credentials(), "--notice", path], capture_output=True, text=True,
                          timeout=10, check=False)
    assert done.returncode != 0 and why in done.stderr and str(path) in done.stderr, done.stderr
    assert done.stdout == ""
