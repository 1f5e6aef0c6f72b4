"""Goal of this test: with each --transition every connection goes where gateway/device/transition.h says:
who offers a password is served here and never passed on, other TLS arrives at the device's own HTTPS
server untouched or is refused, plain HTTP is explained, noticed or led on, and none of these ways
lets anybody say who they are."""
import html.parser
import json
import os
import re
import signal
import socket
import struct
import subprocess
import threading
import time

import pytest

from gateways import KEYPLATE, ROOT, Program, box, curl, free_port, read_all, talk_echo, until
from http_page import WEBSOCKET, PageServer, frame, read_frame
from http_peers import (BY_TLS12, BY_TLS13, ID, OK, WAY_ON, Channel, Cut, Reader, Recorder, event,
                        events, gateway, request, reset)
from test_26_http_identity import FORGED, ours
from upstreams import LOGIN, Busybox, WebServer

from support.webservers import certificate

PRESETS = ("strict", "sniff", "dual", "dual, higher port first", "same-port")
PASSING = PRESETS[2:]
HELLOS = {path.stem: path.read_bytes()
          for path in sorted((ROOT / "test" / "unit" / "data").glob("*.bin"))}
PASSWORD_HELLOS = {name for name in HELLOS if name.endswith("_srp")}
HANDSHAKE_FAILURE = b"\x02\x28"  # fatal, RFC 8446 6.2


class Https(WebServer):
    """nginx as the device's own HTTPS server, by the file that we give as an example."""

    example, runs = "transition/nginx-https.conf", "nginx"
    CONFIG = """
daemon off;
master_process off;
pid {root}/pid;
error_log stderr info;
events {{ worker_connections 256; }}
http {{
    access_log {root}/access;
    client_body_temp_path {root}/body;
    proxy_temp_path {root}/proxy;
    fastcgi_temp_path {root}/fastcgi;
    uwsgi_temp_path {root}/uwsgi;
    scgi_temp_path {root}/scgi;
    include {site};
}}
"""

    def __init__(self, upstream):
        self.upstream = upstream
        super().__init__()

    @staticmethod
    def fill(www):
        (www.parent / "transition").mkdir()

    def arguments(self):
        cert, key = certificate(self.root)
        self.values.update({"@CERTIFICATE@": str(cert), "@KEY@": str(key),
                            "@UPSTREAM@": self.upstream.rsplit(":", 1)[1]})
        config = self.root / "main.conf"
        config.write_text(self.CONFIG.format(root=self.root, site=self.config()))
        return ["-e", "stderr", "-p", self.root, "-c", config]

    def requests(self):
        """The lines of its access log, which it writes when it has answered."""
        return (self.root / "access").read_text().splitlines()

    def came(self, count):
        until(lambda: len(self.requests()) >= count, what=f"{self.requests()}")
        assert len(self.requests()) == count
        return self.requests()


class Listening:
    """A raw server in place of the HTTPS server: keeps what came, answers, and ends."""

    ANSWER = b"\x16\x03\x03\x00\x05other"

    def __init__(self, box):
        self.upstream = box.upstream(self.talk)
        self.at = self.upstream.at

    def talk(self, sock):
        data = read_all(sock)
        sock.sendall(self.ANSWER)
        return data

    @property
    def seen(self):
        return self.upstream.seen


class Site:
    """A serve with that preset, its upstream (a Recorder unless said) and the device's own HTTPS
    server; where its doors are."""

    def __init__(self, box, preset, *args, upstream=None, other=None, listen=None, http_listen=None,
                 **kwargs):
        self.recorder = Recorder(kwargs.pop("answer", OK),
                                 proxied="proxy-v2" in args)
        self.upstream = upstream or box.upstream(self.recorder)
        self.mode = preset.split(",")[0]
        if other is None:
            other = Https(self.upstream.at)
            box.programs.append(other)
        self.other = other
        if listen is None:
            ports = sorted([free_port() for _ in range(2 if self.mode == "dual" else 1)],
                           reverse="higher" in preset)
            listen = [f"127.0.0.1:{port}" for port in ports]
        options = ["--transition", self.mode]
        if self.mode in ("dual", "same-port"):
            options += ["--other-tls", other.at]
        same = http_listen is not None and http_listen in listen
        options += ["--http-listen", http_listen or "127.0.0.1:0"]
        self.serve = gateway(box, self.upstream, *options, *args, listen=listen, **kwargs)
        self.doors = self.serve.addresses
        self.plain = http_listen if same else self.serve.line().split()[1]
        self.port = self.serve.port
        self.passing = {"dual": self.doors[1:], "same-port": self.doors}.get(self.mode, [])

    @property
    def nothing_was_passed(self):
        return not events(self.serve, "passed") and not events(self.serve, "other-tls-down")

    def http(self, data, at=None, seconds=15):
        """The answers to the requests in data, until it closes."""
        with connection(at or self.plain, seconds) as sock:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            return parse_all(read_all(sock), data)

    def ask(self, *args, **kwargs):
        data = request(*args, **kwargs)
        answers = self.http(data)
        assert len(answers) == 1, answers
        return answers[0]


def connection(at, seconds=15):
    host, port = at.rsplit(":", 1)
    sock = socket.create_connection((host.strip("[]"), int(port)), timeout=seconds)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def parse_all(data, requests):
    pieces = iter([data])
    reader = Reader(lambda: next(pieces, b""))
    method, answers = requests.split(b" ")[0].decode(), []
    while reader.held or not answers:
        try:
            answers.append(reader.response(method))
        except Cut:
            assert not data, data
            break
    return answers


def browser(url, *args, **kwargs):
    """What a browser that knows no password in TLS does, by TLS 1.3 if it can."""
    command = ["curl", "-sk", "--max-time", "20", *map(str, args), url]
    return subprocess.run(command, capture_output=True, check=False, **kwargs)


def forged():
    return [arg for field in FORGED for arg in ("-H", field)]


# ---- Who offers a password ----------------------------------------------------------------------

@pytest.mark.parametrize("preset", PRESETS)
def test_a_password_is_served_at_each_door(box, preset):
    site = Site(box, preset, "--identity", "headers")
    count = 0
    for door in site.doors:
        assert curl(f"https://{door}/").stdout == b"ok"
        for way in (BY_TLS12, BY_TLS13, (*BY_TLS13, "--pake", "boringssl")):
            channel = Channel(box, door, *way)
            assert channel.ask(request("/", host=door)).body == b"ok"
            channel.close()
        count += 4
        assert ours(site.recorder.came(count))["X-Remote-User"] == "admin"
    assert site.nothing_was_passed and site.other.requests() == []


@pytest.mark.parametrize("preset", PRESETS)
def test_a_wrong_password_is_not_passed_either(box, preset):
    site = Site(box, preset)
    for door in site.doors:
        assert curl(f"https://{door}/", password="wrong-pass-1").returncode == 35
        assert curl(f"https://{door}/", user="nobody").returncode == 35
        assert box.connect(door, b"x", *BY_TLS13, password="wrong-pass-1").returncode != 0
    assert site.nothing_was_passed and site.other.requests() == [] and site.recorder.requests == []


@pytest.mark.parametrize("preset", PRESETS)
def test_a_browser_gets_the_other_server_or_none(box, preset):
    site = Site(box, preset, "--identity", "headers")
    for door in site.doors:
        done = browser(f"https://{door}/page?x=1")
        if door in site.passing:
            assert done.stdout == b"ok", (done, site.serve.log())
            assert '"GET /page?x=1 HTTP/1.1" 200' in site.other.came(1)[0]
            seen = site.recorder.came()
            assert seen.target == "/page?x=1" and seen.get("Host") == door
            assert "x-remote-user" not in seen.names() and "x-keyplate-proof" not in seen.names()
            line = event(site.serve, "passed")
            assert line["to"] == site.other.at and line["bytes_in"] > 200 < line["bytes_out"]
        else:
            assert done.returncode == 35 and done.stdout == b""
            until(lambda: events(site.serve, "refused"))
    assert len(site.recorder.requests) == len(site.other.came(len(site.passing)))
    assert len(events(site.serve, "refused")) == len(site.doors) - len(site.passing)


def four_at_once(url):
    """By connections of their own, which face opens by what it has: tickets."""
    going = [subprocess.Popen(["curl", "-s", "--max-time", "20", url], stdout=subprocess.PIPE)
             for _ in range(4)]
    return [one.communicate()[0] for one in going]


@pytest.mark.parametrize("way", [BY_TLS12, BY_TLS13], ids=["TLS 1.2", "TLS 1.3"])
@pytest.mark.parametrize("preset", ["dual", "same-port"])
def test_a_ticket_is_never_passed(box, preset, way):
    """Nor are those of a serve that has ended: the next one can't open them, but knows them."""
    site = Site(box, preset)
    door = site.passing[0]
    face = box.open(door, *way)
    assert four_at_once(face.url) == [b"ok"] * 4
    assert '"resumed":true' in site.serve.log()
    assert site.nothing_was_passed and site.other.requests() == []
    site.serve.signal(signal.SIGTERM)
    site.serve.signal(signal.SIGTERM)
    site.serve.wait()
    again = Site(box, preset, upstream=site.upstream, other=site.other, listen=site.doors,
                 credentials=site.serve.credentials)
    before = len(site.recorder.requests)
    assert four_at_once(face.url) == [b"ok"] * 4
    assert len(site.recorder.requests) == before + 4
    assert '"resumed":false' in again.serve.log()
    assert again.nothing_was_passed and site.other.requests() == []
    assert browser(f"https://{door}/").stdout == b"ok"
    site.other.came(1)


# ---- ClientHellos of others, as they were captured ----------------------------------------------

def in_two_records(hello, at):
    body = hello[5:]
    return b"".join(hello[:3] + struct.pack(">H", len(part)) + part
                    for part in (body[:at], body[at:]))


def forms(hello):
    """The bytes, and whether they are sent one by one."""
    yield hello, False
    yield hello, True
    for at in (1, 4, 100, len(hello) - 6):
        yield in_two_records(hello, at), at == 4


def say(at, data, one_by_one, ends=True):
    """What comes for it, to its end."""
    with connection(at) as sock:
        if one_by_one:
            for byte in data:
                sock.sendall(bytes([byte]))
        else:
            sock.sendall(data)
        if ends:
            sock.shutdown(socket.SHUT_WR)
        return read_all(sock, None if ends else 6)


@pytest.mark.parametrize("preset", PASSING)
def test_hellos_arrive_untouched(box, preset):
    other = Listening(box)
    site = Site(box, preset, other=other)
    sent = []
    for name in HELLOS.keys() - PASSWORD_HELLOS:
        for data, one_by_one in forms(HELLOS[name]):
            for behind in (b"", b"\x17\x03\x03\x00\x05early"):
                assert say(site.passing[0], data + behind, one_by_one) == other.ANSWER, name
                sent.append(data + behind)
    assert other.seen == sent and len(sent) == 12 * (len(HELLOS) - 2)
    line = until(lambda: len(events(site.serve, "passed")) == len(sent)
                 and events(site.serve, "passed")[-1])
    assert line["bytes_in"] == len(sent[-1]) and line["bytes_out"] == len(other.ANSWER)


@pytest.mark.parametrize("preset", PASSING)
def test_hellos_with_a_password_stay(box, preset):
    """Whole, one by one, and cut as anybody may cut them."""
    other = Listening(box)
    site = Site(box, preset, other=other)
    for name in PASSWORD_HELLOS:
        for data, one_by_one in forms(HELLOS[name]):
            answer = say(site.passing[0], data, one_by_one, ends=False)
            assert answer[0] == 22 and answer[5] == 2, (name, answer)  # ServerHello, as to anybody
    assert other.seen == [] and site.nothing_was_passed and len(PASSWORD_HELLOS) == 2


@pytest.mark.parametrize("preset", PASSING)
def test_the_other_server_answers_hellos(box, preset):
    site = Site(box, preset)
    for name in HELLOS.keys() - PASSWORD_HELLOS - {"openssl_every_cipher"}:
        for data, one_by_one in forms(HELLOS[name]):
            answer = say(site.passing[0], data, one_by_one, ends=False)
            assert answer[0] == 22 and answer[5] == 2, (name, answer)


@pytest.mark.parametrize("preset", PRESETS[:4])
def test_hellos_are_refused(box, preset):
    """On the first door of all but same-port."""
    other = Listening(box)
    site = Site(box, preset, other=other)
    for name in HELLOS.keys() - PASSWORD_HELLOS:
        for data, one_by_one in forms(HELLOS[name]):
            answer = say(site.doors[0], data, one_by_one, ends=False)
            assert answer[:1] == b"\x15", (name, answer)
            answer = say(site.doors[0], data, one_by_one)
            assert answer[0] == 21 and answer[3:] == b"\0\x02" + HANDSHAKE_FAILURE, (name, answer)
    assert other.seen == [] and site.nothing_was_passed


# ---- Plain HTTP ---------------------------------------------------------------------------------

class Tags(html.parser.HTMLParser):
    """A page's tags, and what could be followed or act."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.links, self.handlers, self.meta = [], [], [], {}
        self.feed(page.decode())

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        for name, value in attrs:
            if name in ("href", "src", "action", "formaction", "srcset"):
                self.links.append(value)
            elif name.startswith("on") or name == "http-equiv":
                self.handlers.append((name, value))
        if tag == "meta":
            self.meta[dict(attrs).get("name")] = dict(attrs).get("content")


ASKING = {"form", "input", "button", "select", "textarea", "script", "iframe", "object", "embed",
          "base", "link", "img"}


def check_page(answer, links):
    assert answer.status == 403
    assert answer.get("Content-Type") == "text/html; charset=utf-8"
    assert answer.get("Cache-Control") == "no-store" and answer.get("Connection") == "close"
    assert "default-src 'none'" in answer.get("Content-Security-Policy")
    assert answer.get("Set-Cookie") is None
    tags = Tags(answer.body)
    assert not ASKING & set(tags.tags) and tags.handlers == []
    assert len(tags.links) == links, tags.links
    return tags


HTML = "Accept: text/html,application/xhtml+xml,*/*;q=0.8"


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
    assert events(site.serve, "explained")[0]["target"] == "/"


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
    assert events(site.serve, "led-on")[0]["target"] == "/"


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
    assert len(events(site.serve, "noticed")) == len(TARGETS) + 1


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


# ---- dual and same-port: each to the TLS that it can --------------------------------------------

@pytest.mark.parametrize("preset", PASSING)
def test_other_browsers_are_led_to_the_other_tls(box, preset):
    site = Site(box, preset, "--identity", "headers")
    other = site.passing[0].rsplit(":", 1)[1]
    for fields in ((), ("X-Keyplate: 0",), ("X-Keyplate: 1x",), (f"Cookie: {WAY_ON}",)):
        answer = site.ask("/a?b", HTML, *fields, host="device")
        assert answer.status == 307 and answer.get("Location") == f"https://device:{other}/a?b"
    follow = ("--location-trusted", "-d", "body=1")  # else curl keeps the password from another port
    assert browser(f"http://{site.plain}/set?x", *follow).stdout == b"ok"
    seen = site.recorder.came()
    assert (seen.start, seen.body) == ("POST /set?x HTTP/1.1", b"body=1") and not set(
        ours(seen)) - {"X-Forwarded-For", "X-Forwarded-Proto"}
    site.other.came(1)
    assert curl(f"http://{site.plain}/set?x", *follow, "-H", "X-Keyplate: 1").stdout == b"ok"
    seen = site.recorder.came(2)
    assert (seen.start, seen.body) == ("POST /set?x HTTP/1.1", b"body=1")
    assert ours(seen)["X-Remote-User"] == "admin" and len(site.other.requests()) == 1


def test_dual_with_one_door(box):
    """Browsers reach the other server by itself."""
    site = Site(box, "dual", listen=[f"127.0.0.1:{free_port()}"])
    assert site.ask("/", host="127.0.0.1").get("Location") == f"https://{site.other.at}/"
    assert browser(f"http://{site.plain}/", "-L").stdout == b"ok"
    assert browser(f"https://{site.doors[0]}/").returncode == 35
    site.other.came(1)
    assert site.nothing_was_passed


# ---- Nobody says who they are -------------------------------------------------------------------

LEFT = {"none": {}, "headers": {"X-Keyplate-Proof": "none"}}
BY_NGINX = {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "https"}  # its own words


@pytest.mark.parametrize("identity", ["none", "headers"])
@pytest.mark.parametrize("preset", PRESETS)
def test_forged_by_every_way(box, preset, identity):
    site = Site(box, preset, "--identity", identity)
    ways = [(f"http://{site.plain}/", "-L"), (f"http://{site.plain}/", "-L", "-b", WAY_ON),
            (f"http://{site.plain}/?{WAY_ON}", "-L"),
            *((f"https://{door}/",) for door in site.doors),
            (f"https://{site.other.at}/",)]  # were it on the network
    for url, *args in ways:
        browser(url, *args, *forged())
    assert b"evil" not in site.recorder.bytes
    plain = [LEFT[identity]] * 2 if site.mode == "sniff" else []
    by_other = {"dual": 4, "same-port": 4}.get(site.mode, 0) + 1
    assert [ours(one) for one in site.recorder.requests] == plain + [BY_NGINX] * by_other
    site.other.came(by_other)
    for door in site.doors:
        assert curl(f"https://{door}/", *forged()).stdout == b"ok"
        told = ours(site.recorder.requests[-1])
        assert told.get("X-Remote-User") == ("admin" if identity == "headers" else None)
    assert b"evil" not in site.recorder.bytes


def test_the_blanking_is_what_keeps_it_out(box):
    """The example without its lines: what this file looks for does arrive then."""
    class Careless(Https):
        def config(self, before=""):
            path = super().config(before)
            path.write_text(re.sub(r"(?m)^ *proxy_set_header X-Remote-User .*$", "",
                                   path.read_text()))
            return path
    recorder = Recorder()
    careless = Careless(box.upstream(recorder).at)
    box.programs.append(careless)
    assert browser(f"https://{careless.at}/", "-H", "X-Remote-User: evil").stdout == b"ok"
    assert recorder.came().get("X-Remote-User") == "evil"


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_proxy_v2_names_nobody_on_the_plain_way(box, family):
    v4 = family == socket.AF_INET
    host = "127.0.0.1" if v4 else "[::1]"
    site = Site(box, "sniff", "--identity", "proxy-v2", http_listen=f"{host}:0")
    with connection(site.plain) as sock:
        ports = sock.getsockname()[1], sock.getpeername()[1]
        sock.sendall(request("/", f"Cookie: {WAY_ON}", *FORGED))
        assert Reader(lambda: sock.recv(65536)).response().body == b"ok"
    (header,) = site.recorder.proxies
    address = socket.inet_pton(family, host.strip("[]"))
    assert header == (b"\r\n\r\n\0\r\nQUIT\n\x21" + (b"\x11\0\x0c" if v4 else b"\x21\0\x24")
                      + address * 2 + struct.pack(">HH", *ports))
    assert ours(site.recorder.came()) == {} and b"evil" not in site.recorder.bytes
    assert curl(f"https://{site.doors[0]}/").stdout == b"ok"
    assert b"admin" in site.recorder.proxies[-1]


@pytest.mark.parametrize("preset", ["sniff", "same-port"])
def test_the_example_page_asks_the_unproved_to_log_in(box, preset):
    server = Busybox()
    box.programs.append(server)
    site = Site(box, preset, "--identity", "headers", upstream=server)
    page = "/cgi-bin/login-if-unproved.cgi"
    unproved = f"http://{site.plain}{page}" if preset == "sniff" else f"https://{site.doors[0]}{page}"
    done = browser(unproved, "-i", "-b", WAY_ON, *forged())
    assert b" 302 " in done.stdout.split(b"\n")[0] and b"Location: /login.html" in done.stdout
    assert browser(unproved, "-L", "-b", WAY_ON, *forged()).stdout == LOGIN
    assert b"Hello, admin." in curl(f"https://{site.doors[0]}{page}", *forged()).stdout


# ---- What is none of these, and what fails ------------------------------------------------------

@pytest.mark.parametrize("preset", PRESETS)
def test_plain_http_on_a_tls_port_is_told(box, preset):
    site = Site(box, preset)
    for door in site.doors:
        for data in (request("/", HTML), request("/", "X-Keyplate: 1", f"Cookie: {WAY_ON}"),
                     request("/", method="POST", body=b"x" * 5000)):
            with connection(door) as sock:
                sock.sendall(data)
                answer = Reader(lambda: sock.recv(65536)).response()
            assert answer.status == 400 and answer.get("Location") is None
            assert re.search(rb"TLS[^.]*\.", answer.body), answer.body
        assert b"<form" not in answer.body
    assert site.recorder.bytes == b"" and site.nothing_was_passed


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


@pytest.mark.parametrize("preset", ["strict", "sniff", "same-port", "dual"])
def test_one_socket_for_all_three(box, preset):
    """The same address for --listen and --http-listen."""
    port = free_port()
    door = f"127.0.0.1:{port}"
    listen = [door, f"127.0.0.1:{free_port()}"] if preset == "dual" else [door]
    site = Site(box, preset, "--identity", "headers", listen=listen, http_listen=door)
    assert curl(f"https://{door}/").stdout == b"ok"
    channel = Channel(box, door, *BY_TLS13)
    assert channel.ask(request()).body == b"ok"
    channel.close()
    assert ours(site.recorder.came(2))["X-Remote-User"] == "admin"
    done = browser(f"https://{door}/")
    assert done.stdout == (b"ok" if preset == "same-port" else b"")
    answer = site.ask("/a?b", HTML, host=door)
    if preset in ("strict", "sniff"):
        check_page(answer, links=0 if preset == "strict" else 1)
    else:
        assert answer.get("Location") == f"https://127.0.0.1:{listen[-1].split(':')[1]}/a?b"
    if preset != "strict":
        answer = site.ask("/a?b", "X-Keyplate: 1", host=door)
        assert answer.get("Location") == f"https://{door}/a?b"
    with connection(door) as sock:
        for byte in request("/.well-known/keyplate"):
            sock.sendall(bytes([byte]))
        assert json.loads(Reader(lambda: sock.recv(65536)).response().body)["port"] == port
    assert site.http(request(f"/{'x' * 3000}", "Cookie: " + "y" * 3000))[0].status in (307, 403)
    out = site.serve.process.stdout
    os.set_blocking(out.fileno(), False)
    assert not out.read()  # it is announced once


def closed_after(sock):
    start = time.monotonic()
    try:
        read_all(sock)
    except ConnectionError:
        pass
    return time.monotonic() - start


def test_a_slow_first_byte(box):
    """One byte a second wins no more time; on the door of all three, and on the passing one."""
    port = f"127.0.0.1:{free_port()}"
    other = Listening(box)
    site = Site(box, "same-port", "--handshake-timeout", "2", other=other, listen=[port],
                http_listen=port)
    starts = {"nothing": b"", "a hello": HELLOS["chromium"], "a password": HELLOS["curl_srp"],
              "a request": b"GET /slowly/it/comes HTTP/1.1\r\n", "a long word": b"GETGETGET"}
    socks = {name: connection(port) for name in starts}
    begun, ended = time.monotonic(), {}
    for turn in range(6):
        for name, sock in socks.items():
            try:
                sock.sendall(starts[name][turn:turn + 1])
            except OSError:
                pass
        end = time.monotonic() + 0.7
        while time.monotonic() < end:
            time.sleep(0.05)
            for name, sock in socks.items():
                sock.setblocking(False)
                try:
                    over = sock.recv(4096) == b""
                except BlockingIOError:
                    over = False
                except ConnectionError:
                    over = True
                sock.setblocking(True)
                if over:
                    ended.setdefault(name, time.monotonic() - begun)
        if len(ended) == len(socks):
            break
    for sock in socks.values():
        sock.close()
    assert ended.keys() == socks.keys()
    assert all(1.5 < seconds < 4 for seconds in ended.values()), ended
    assert other.seen == [] and site.recorder.bytes == b""
    assert len(events(site.serve, "handshake-failed")) >= 4


def test_gone_in_the_middle(box):
    """By FIN and by RST, after any part of a hello: noted, and nothing else."""
    other = Listening(box)
    site = Site(box, "same-port", other=other)
    hello, count = HELLOS["firefox"], 0
    for end in (0, 1, 5, 9, 100, len(hello) - 1):
        for goes in (socket.socket.close, reset):
            sock = connection(site.doors[0])
            sock.sendall(hello[:end])
            goes(sock)
            count += 1
        with connection(site.doors[0]) as sock:
            sock.sendall(hello[:end])
            sock.shutdown(socket.SHUT_WR)
            assert read_all(sock) == b""
        count += 1
    until(lambda: len(events(site.serve, "handshake-failed")) == count, what=site.serve.log())
    assert other.seen == [] and site.nothing_was_passed
    assert {line["bytes_in"] for line in events(site.serve, "handshake-failed")} >= {
        0, 1, 5, 9, 100, len(hello) - 1}
    assert say(site.doors[0], hello, False) == other.ANSWER


@pytest.mark.parametrize("preset", PASSING)
def test_garbage_on_the_passing_door(box, preset):
    other = Listening(box)
    site = Site(box, preset, other=other)
    hello = HELLOS["openssl"]
    cut = (hello[:3] + struct.pack(">H", len(hello) - 25) + b"\x01"
           + (len(hello) - 29).to_bytes(3, "big") + hello[9:-20])  # its extensions say they are longer
    broken = {"no hello": b"\x16\x03\x01\x00\x04\x02\0\0\0", "an alert": b"\x15\x03\x01\0\x02\x01\0",
              "too long": b"\x16\x03\x01\x40\0\x01\x01\0\0" + bytes(16380),
              "empty records": b"\x16\x03\x01\0\0" * 10, "SSLv2": b"\x80\x2e\x01\0\x02\0\x15\0\0\0\x10",
              "noise": b"\xff" * 500, "cut inside": cut,
              "ssh": b"SSH-2.0-x\r\n", "lower case": b"get / HTTP/1.1\r\n\r\n"}
    for name, data in broken.items():
        with connection(site.passing[0]) as sock:
            sock.sendall(data)
            try:
                answer = read_all(sock)
            except ConnectionError:
                answer = b""
        assert answer == b"" or answer[0] == 21, (name, answer)
    assert other.seen == [] and site.nothing_was_passed
    assert say(site.passing[0], hello, False) == other.ANSWER


@pytest.mark.parametrize("preset", PASSING)
def test_the_other_server_is_down(box, preset):
    class Down:
        at = f"127.0.0.1:{free_port()}"
    site = Site(box, preset, other=Down)
    with connection(site.passing[0]) as sock:
        sock.sendall(HELLOS["firefox"])
        assert closed_after(sock) < 3
    line = event(site.serve, "other-tls-down")
    assert line["to"] == Down.at and line["error"] == "ECONNREFUSED" and line["level"] == "error"
    assert browser(f"https://{site.passing[0]}/").returncode == 35
    assert curl(f"https://{site.passing[0]}/").stdout == b"ok"


def test_20_megabytes_both_ways(box):
    other = box.upstream(talk_echo)
    site = Site(box, "same-port", other=other)
    data = HELLOS["chromium"] + os.urandom(1 << 20) * 20
    with connection(site.doors[0], 30) as sock:
        def send():
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
        threading.Thread(target=send, daemon=True).start()
        assert read_all(sock) == data
    line = event(site.serve, "passed")
    assert line["bytes_in"] == line["bytes_out"] == len(data)


def test_a_stop_lets_a_passage_go_on_until_the_second(box):
    other = box.upstream(talk_echo)
    site = Site(box, "same-port", other=other)
    with connection(site.doors[0]) as sock:
        sock.sendall(HELLOS["curl"])
        assert len(read_all(sock, len(HELLOS["curl"]))) == len(HELLOS["curl"])
        site.serve.signal(signal.SIGTERM)
        site.serve.logged("stopping")
        sock.sendall(b"still there")
        assert sock.recv(100) == b"still there"
        assert site.serve.process.poll() is None
        site.serve.signal(signal.SIGTERM)
        assert site.serve.wait(3) == 0
        assert closed_after(sock) < 1
    event(site.serve, "passed")


def test_passages_make_room_for_others(box):
    """They have proved nothing: who knows the password comes in, however many there are."""
    site = Site(box, "same-port", "--max-connections", "8", other=box.upstream(talk_echo))
    hello = HELLOS["curl"]
    proved = Channel(box, site.doors[0], *BY_TLS13)
    assert proved.ask(request()).body == b"ok"
    socks = []
    for _ in range(12):
        sock = connection(site.doors[0])
        sock.sendall(hello)
        assert read_all(sock, len(hello)) == hello
        socks.append(sock)
    assert curl(f"https://{site.doors[0]}/").stdout == b"ok"
    assert proved.ask(request()).body == b"ok"
    gone = [over(sock) for sock in socks]
    assert all(gone[:5]) and not gone[-1], gone
    socks[-1].sendall(b"more")
    assert socks[-1].recv(4) == b"more"
    for sock in socks:
        sock.close()


def over(sock):
    sock.settimeout(0.2)
    try:
        return sock.recv(1) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True
    finally:
        sock.settimeout(15)


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
                     "<ul><li>one &amp; two", encoding="utf-8")
    site = Site(box, preset, "--notice", words)
    answer = site.ask("/", HTML)
    tags = check_page(answer, links=0 if preset == "strict" else 1)
    page = answer.body.decode()
    assert words.read_text() in page and {"b", "ul", "li"} <= set(tags.tags)
    assert page.count("keyplate open ") == 1 and "never asks for a password" in page
    assert page.index("keyplate open ") > page.index("one &amp; two")
    assert "Küche" not in site.ask("/").body.decode()  # plain text is ours alone


@pytest.mark.parametrize("words, why", [
    ("<p>ok</p><form action=/x>", "<form>"), ("<INPUT name=x>", "<input>"),
    ("<script>x()</script>", "<script>"), ("<!-- hidden", "comment"), ("<style>p{}</style>", "<style>"),
    ("<a type = 'PassWord'>", "password"), ("", "empty"), ("x" * 16385, "16 KiB"),
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


@pytest.mark.parametrize("args, why", [
    (("--transition", "sniff"), "--http-listen"),
    (("--transition", "dual"), "--other-tls"),
    (("--transition", "same-port"), "--other-tls"),
    (("--transition", "dual", "--other-tls", "unix:/x"), "second --listen"),
    (("--other-tls", "127.0.0.1:1"), "dual or same-port"),
    (("--transition", "sniff", "--http-listen", "127.0.0.1:0", "--http", "off"), "--http on"),
    (("--notice", "/dev/null"), "--http-listen"),
    (("--transition", "maybe"), "strict")])
def test_what_does_not_go_together(box, args, why):
    done = subprocess.run([KEYPLATE, "serve", "--listen", "127.0.0.1:0", "--upstream", "127.0.0.1:1",
                           "--credentials", box.credentials(), *args], capture_output=True,
                          text=True, timeout=10, check=False)
    assert done.returncode == 2 and why in done.stderr, done.stderr


def commands():
    """Of doc/transition.md: each `keyplate serve` as its arguments."""
    text = (ROOT / "doc" / "transition.md").read_text().replace("\\\n", " ")
    return [line.split()[1:] for line in re.findall(r"^    (keyplate serve .*)$", text, re.M)]


@pytest.mark.parametrize("args", commands(), ids=["sniff", "dual", "same-port", "strict"])
def test_the_document_s_commands(box, args):
    """At ports of ours: they start, and do to a browser what their step is about."""
    recorder = Recorder()
    upstream = box.upstream(recorder)
    other = Https(upstream.at)
    box.programs.append(other)
    ports = {"127.0.0.1:8080": upstream.at, "127.0.0.1:8443": other.at}
    args = [ports.get(arg, arg) for arg in args]
    doors = [at for at, arg in enumerate(args) if arg.startswith("0.0.0.0:")]
    for at in doors:
        args[at] = "127.0.0.1:0"
    upstream.skip += 1
    program = Program(box, [*args, "--credentials", box.credentials()])
    where = [program.line().split()[1] for _ in doors]
    args[1:1] = ["--transition", "strict"] if "--transition" not in args else []
    mode = args[args.index("--transition") + 1]
    assert len(where) == (3 if mode == "dual" else 2)
    for door in where[:-1]:
        assert curl(f"https://{door}/", "-H", "X-Remote-User: evil").stdout == b"ok"
        assert ours(recorder.requests[-1])["X-Remote-User"] == "admin"
    done = browser(f"http://{where[-1]}/", "-L", "-w", "%{http_code}", *forged())
    passes = mode in ("dual", "same-port")
    assert done.stdout.startswith(b"ok") if passes else done.stdout.endswith(b"403"), done
    assert len(other.requests()) <= passes and b"evil" not in recorder.bytes
