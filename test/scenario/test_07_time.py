"""Goal: nobody holds a connection for ever, and stopping lets running work finish."""
import os
import signal
import socket
import subprocess
import time

from gateways import box, curl, read_all, talk_echo, talk_http, until


def test_handshake_timeout(box):
    serve = box.serve(box.upstream(talk_http()), "--handshake-timeout", "1")
    with serve.raw() as silent, serve.raw() as slow:
        slow.sendall(b"\x16\x03\x01")
        began = time.monotonic()
        silent.settimeout(5)
        assert read_all(silent) == b""
        assert 0.7 < time.monotonic() - began < 2.5
        assert read_all(slow) == b""
    assert len(serve.logged("--handshake-timeout")) >= 1
    assert curl(f"https://{serve.at}/").stdout == b"hello"


def test_idle_timeout_counts_from_the_last_byte(box):
    serve = box.serve(box.upstream(talk_echo), "--idle-timeout", "1")
    client = box.connecting(serve)
    for _ in range(4):
        client.stdin.write(b"tick")
        client.stdin.flush()
        assert os.read(client.stdout.fileno(), 4) == b"tick"
        time.sleep(0.6)
    began = time.monotonic()
    assert client.wait(5) == 1
    assert time.monotonic() - began < 2
    serve.logged("--idle-timeout")


def test_term_lets_running_work_finish(box):
    def talk(sock):
        sock.recv(100)
        time.sleep(1.5)
        sock.sendall(b"finished")

    serve = box.serve(box.upstream(talk))
    client = box.connecting(serve)
    client.stdin.write(b"go")
    client.stdin.close()
    serve.logged("proved:")
    time.sleep(0.2)
    serve.signal(signal.SIGTERM)
    serve.logged("stopping")
    with socket.socket() as late:
        late.settimeout(2)
        # The backlog may still take it; nobody answers.
        late.connect_ex(("127.0.0.1", serve.port))
    assert client.stdout.read() == b"finished"
    assert client.wait(5) == 0
    assert serve.wait(5) == 0


def test_second_signal_ends_at_once(box):
    serve = box.serve(box.upstream(talk_echo), "--workers", "2")
    client = box.connecting(serve)
    client.stdin.write(b"x")
    client.stdin.flush()
    assert os.read(client.stdout.fileno(), 1) == b"x"
    serve.signal(signal.SIGINT)
    time.sleep(0.5)
    assert serve.process.poll() is None
    serve.signal(signal.SIGTERM)
    assert serve.wait(3) == 0
    assert client.wait(3) == 1


def test_idle_server_ends_at_once(box):
    serve = box.serve(box.upstream(talk_http()))
    with serve.raw():
        time.sleep(0.2)
        serve.signal(signal.SIGTERM)
        assert serve.wait(3) == 0
