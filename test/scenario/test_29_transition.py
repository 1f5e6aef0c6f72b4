"""Goal of this test: with each --transition every connection goes where
gateway/device/transition.h says: who offers a password is served here and never passed on, other TLS
arrives at the device's own HTTPS server, and none of these ways lets anybody say who they are."""
import json
import os
import re
import signal
import socket
import struct
import subprocess

import pytest

from gateways import KEYPLATE, ROOT, Program, box, curl, free_port, until
from http_peers import (BY_TLS12, BY_TLS13, WAY_ON, Channel, Reader, Recorder, event, events,
                        request)
from test_26_http_identity import FORGED, ours
from transition import (HTML, PASSING, PRESETS, Https, Site, browser, check_page, connection)
from upstreams import LOGIN, Busybox


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


def four_at_once(face):
    """By connections of their own, which face opens by what it has: tickets."""
    going = [subprocess.Popen(["curl", "-s", "--max-time", "20", "-b", face.cookie, face.url],
                              stdout=subprocess.PIPE)
             for _ in range(4)]
    return [one.communicate()[0] for one in going]


@pytest.mark.parametrize("way", [BY_TLS12, BY_TLS13], ids=["TLS 1.2", "TLS 1.3"])
@pytest.mark.parametrize("preset", ["dual", "same-port"])
def test_a_ticket_is_never_passed(box, preset, way):
    """Nor are those of a serve that has ended: the next one can't open them, but knows them."""
    site = Site(box, preset)
    door = site.passing[0]
    face = box.open(door, *way)
    assert four_at_once(face) == [b"ok"] * 4
    assert '"resumed":true' in site.serve.log()
    assert site.nothing_was_passed and site.other.requests() == []
    site.serve.signal(signal.SIGTERM)
    site.serve.signal(signal.SIGTERM)
    site.serve.wait()
    again = Site(box, preset, upstream=site.upstream, other=site.other, listen=site.doors,
                 credentials=site.serve.credentials)
    before = len(site.recorder.requests)
    assert four_at_once(face) == [b"ok"] * 4
    assert len(site.recorder.requests) == before + 4
    assert '"resumed":false' in again.serve.log()
    assert again.nothing_was_passed and site.other.requests() == []
    assert browser(f"https://{door}/").stdout == b"ok"
    site.other.came(1)


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


# ---- Doors and options --------------------------------------------------------------------------

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
