"""Goal: nobody holds a connection for ever, and stopping lets running work finish."""
import os
import signal
import socket
import threading
import time

import pytest

from gateways import box, curl, read_all, talk_echo, talk_http, until
from http_peers import Channel, Recorder, request

BOTH = pytest.mark.parametrize("http", ["on", "off"])
SOON = 8  # seconds: at once, on a busy machine; who is stopping waits for ten
IDLE = 4  # seconds that a connection may rest, and a pause that is none even on a busy machine
PAUSE = 1.5


def seconds_until(what):
    began = time.monotonic()
    what()
    return time.monotonic() - began


@BOTH
def test_handshake_timeout(box, http):
    serve = box.serve(box.upstream(talk_http()), "--http", http, "--handshake-timeout", "1")
    began = time.monotonic()
    with serve.raw() as silent, serve.raw() as slow:
        slow.sendall(b"\x16\x03\x01")
        assert read_all(silent) == b""
        assert 0.7 < time.monotonic() - began < SOON
        assert read_all(slow) == b""
    assert len(serve.logged("--handshake-timeout")) >= 1
    assert curl(f"https://{serve.at}/").stdout == b"hello"


def test_idle_timeout_counts_from_the_last_byte(box):
    serve = box.serve_bytes(box.upstream(talk_echo), "--idle-timeout", str(IDLE))
    client = box.connecting(serve)
    for _ in range(3):
        client.stdin.write(b"tick")
        client.stdin.flush()
        assert os.read(client.stdout.fileno(), 4) == b"tick"
        time.sleep(PAUSE)
    assert client.wait(15) == 1
    serve.logged("--idle-timeout")


def test_idle_between_requests(box):
    """Nothing is missing then: the end is in order."""
    recorder = Recorder()
    serve = box.serve(box.upstream(recorder), "--idle-timeout", str(IDLE))
    channel, silent = Channel(box, serve), Channel(box, serve)
    serve.logged("proved:")
    for count in range(1, 4):
        assert channel.ask(request(f"/{count}")).body == b"ok"
        time.sleep(PAUSE)
    assert len(recorder.connections) == 1
    assert channel.end() == silent.end() == (b"", True)
    until(lambda: serve.log().count("nothing moved for --idle-timeout") == 2)
    until(lambda: recorder.open == 0)


def test_idle_in_an_answer(box):
    """It is cut, and looks so; what the upstream sends in time keeps it alive."""
    def answer(_):
        def reply(sock):
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
            for _ in range(3):
                sock.sendall(b"more")
                time.sleep(PAUSE)
            return sock.recv(1)
        return reply

    recorder = Recorder(answer)
    serve = box.serve(box.upstream(recorder), "--idle-timeout", str(IDLE))
    channel = Channel(box, serve).send(request())
    assert channel.head().status == 200
    assert channel.end() == (b"more" * 3, False)
    serve.logged("closed")
    until(lambda: recorder.open == 0)


def test_idle_in_an_upload(box):
    """Whose client falls silent is no upstream that doesn't answer."""
    recorder = Recorder()
    serve = box.serve(box.upstream(recorder), "--idle-timeout", str(IDLE), "--upstream-timeout",
                      "30")
    channel = Channel(box, serve)
    channel.send(request("/", "Content-Length: 50", method="POST"))
    for _ in range(3):
        channel.send(b"more")
        time.sleep(PAUSE)
    channel.to_end()
    until(lambda: recorder.open == 0)
    assert recorder.requests == [] and recorder.connections[0].endswith(b"more" * 3)
    assert "upstream-down" not in serve.log()


def test_a_head_has_thirty_seconds(box):
    """From its first byte on, however slowly more come; --idle-timeout isn't theirs."""
    recorder = Recorder()
    serve = box.serve(box.upstream(recorder), "--idle-timeout", "4")
    head = b"GET /slow HTTP/1.1\r\nHost: device\r\n\r\n"
    late, never = Channel(box, serve, seconds=20), Channel(box, serve, seconds=20)
    for channel in (late, never):
        assert channel.ask(request()).body == b"ok"
        time.sleep(1)
        began = time.monotonic()
        channel.send(head[:5])
    while time.monotonic() - began < 20:
        never.send(b"x")
        time.sleep(1)
    assert late.ask(head[5:]).body == b"ok"
    answer = never.response()
    assert answer.status == 408 and answer.get("Connection") == "close"
    assert never.end() == (b"", True)
    assert 28 < time.monotonic() - began < 38
    assert "took too long" in serve.logged("warning bad-request")[0]
    assert len(recorder.requests) == 3


def test_term_lets_running_work_finish(box):
    going, go = threading.Event(), threading.Event()

    def talk(sock):
        sock.recv(100)
        going.set()
        go.wait(20)
        sock.sendall(b"finished")

    serve = box.serve_bytes(box.upstream(talk))
    client = box.connecting(serve)
    client.stdin.write(b"go")
    client.stdin.close()
    assert going.wait(15)
    serve.signal(signal.SIGTERM)
    serve.logged("stopping")
    with socket.socket() as late:
        late.settimeout(2)
        # The backlog may still take it; nobody answers.
        late.connect_ex(("127.0.0.1", serve.port))
    go.set()
    assert client.stdout.read() == b"finished"
    assert client.wait(SOON) == 0
    assert serve.wait(SOON) == 0


def test_second_signal_ends_at_once(box):
    serve = box.serve_bytes(box.upstream(talk_echo), "--workers", "2")
    client = box.connecting(serve)
    client.stdin.write(b"x")
    client.stdin.flush()
    assert os.read(client.stdout.fileno(), 1) == b"x"
    serve.signal(signal.SIGINT)
    time.sleep(0.5)
    assert serve.process.poll() is None
    serve.signal(signal.SIGTERM)
    assert serve.wait(SOON) == 0
    assert client.wait(SOON) == 1


def test_term_waits_for_an_answer_and_not_for_who_rests(box):
    go = threading.Event()

    def answer(one):
        def reply(sock):
            go.wait(20)
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate")
            return sock.recv(1)
        return reply if one.target == "/slow" else b"HTTP/1.1 204 No Content\r\n\r\n"

    recorder = Recorder(answer)
    serve = box.serve(box.upstream(recorder), "--workers", "2")
    resting, silent, busy = (Channel(box, serve) for _ in range(3))
    assert resting.ask(request()).status == 204
    until(lambda: serve.log().count("the password was proved") == 3)
    busy.send(request("/slow"))
    recorder.came(2)
    serve.signal(signal.SIGTERM)
    assert seconds_until(lambda: (resting.to_end(), silent.to_end())) < SOON
    assert resting.end() == silent.end() == (b"", True)
    assert serve.process.poll() is None
    go.set()
    late = busy.response()
    assert (late.status, late.body) == (200, b"late") and late.get("Connection") == "close"
    assert busy.end() == (b"", True)
    assert serve.wait(SOON) == 0


@BOTH
def test_term_waits_ten_seconds(box, http):
    def endless(sock):
        sock.recv(1000)
        sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            sock.sendall(b"4\r\nmore\r\n")
            time.sleep(0.1)

    serve = box.serve(box.upstream(endless), "--http", http)
    channel = Channel(box, serve).send(request())
    assert channel.head().status == 200
    began = time.monotonic()
    serve.signal(signal.SIGTERM)
    assert channel.end()[1] is False, "it was cut, and looks so"
    assert 9 < time.monotonic() - began < 14.5
    assert serve.wait(SOON) == 0
    assert "the server is stopping" in serve.logged("closed")[0]


@BOTH
def test_idle_server_ends_at_once(box, http):
    serve = box.serve(box.upstream(talk_http()), "--http", http)
    with serve.raw():
        time.sleep(0.2)
        serve.signal(signal.SIGTERM)
        assert serve.wait(SOON) == 0
