"""Goal of this test: a connection's first bytes say where it goes, however they come: other TLS
arrives at the device's own HTTPS server untouched or is refused, a password stays, and what is
neither, comes slowly, or ends in the middle harms nobody."""
import os
import re
import signal
import socket
import struct
import threading
import time

import pytest

from gateways import box, curl, free_port, read_all, talk_echo, until
from http_peers import (BY_TLS13, WAY_ON, Channel, Reader, event, events, request, reset)
from transition import (HELLOS, HTML, PASSING, PASSWORD_HELLOS, PRESETS, Listening, Site, browser,
                        closed_after, connection, over, say)

HANDSHAKE_FAILURE = b"\x02\x28"  # fatal, RFC 8446 6.2


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


# ---- What is none of these ----------------------------------------------------------------------

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


def test_a_slow_first_byte(box):
    """One byte a second wins no more time; on the door of all three, and on the passing one."""
    port = f"127.0.0.1:{free_port()}"
    other = Listening(box)
    site = Site(box, "same-port", "--handshake-timeout", "2", other=other, listen=[port],
                http_listen=port)
    starts = {"nothing": b"", "a hello": HELLOS["chromium"], "a password": HELLOS["curl_srp"],
              "a request": b"GET /slowly/it/comes HTTP/1.1\r\n", "a long word": b"GETGETGET"}
    begun, ended = time.monotonic(), {}
    socks = {name: connection(port) for name in starts}
    for turn in range(12):
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
    assert all(1.5 < seconds < 7 for seconds in ended.values()), ended
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


# ---- Passages to the other server ---------------------------------------------------------------

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
        assert site.serve.wait(8) == 0
        assert closed_after(sock) < 8
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
