"""Goal: either side may end its half and go on with the other; what was cut never looks whole."""
import hashlib
import os
import signal
import socket
import subprocess
import threading

from gateways import box, pattern, read_all, talk_digest, talk_http, until, upgraded


def test_client_ends_first(box):
    upstream = box.upstream(talk_digest)
    serve = box.serve_bytes(upstream)
    data = pattern(3_000_000)
    done = box.connect(serve, data)
    assert done.returncode == 0
    assert done.stdout.decode() == hashlib.sha256(data).hexdigest()


def test_client_says_nothing(box):
    upstream = box.upstream(talk_digest)
    done = box.connect(box.serve_bytes(upstream), b"")
    assert done.stdout.decode() == hashlib.sha256(b"").hexdigest()
    assert upstream.seen == [0]


def test_upstream_ends_first(box):
    upstream = box.upstream(lambda sock: sock.sendall(b"that is all"))
    client = box.connecting(box.serve_bytes(upstream))
    assert client.stdout.read() == b"that is all"
    assert client.wait(10) == 0, "though its stdin is open"


def test_browser_ends_first(box):
    """Of a tunnel; and of a connection whose one request it has sent."""
    upstream = box.upstream(upgraded(talk_digest))
    face = box.open(box.serve_bytes(upstream))
    with face.tunnel() as browser:
        browser.sendall(b"question")
        browser.shutdown(socket.SHUT_WR)
        assert read_all(browser).decode() == hashlib.sha256(b"question").hexdigest()
    body = pattern(3_000_000)
    face = box.open(box.serve(box.upstream(talk_http(body))))
    with face.visit() as browser:
        browser.sendall(face.head())
        browser.shutdown(socket.SHUT_WR)
        assert read_all(browser).endswith(b"\r\n\r\n" + body)


def test_a_cut_client_does_not_look_whole_to_the_upstream(box):
    started = threading.Event()

    def talk(sock):
        assert sock.recv(10, socket.MSG_WAITALL) == b"half of it"
        started.set()
        return talk_digest(sock)

    upstream = box.upstream(talk)
    client = box.connecting(box.serve_bytes(upstream))
    client.stdin.write(b"half of it")
    client.stdin.flush()
    assert started.wait(15)
    client.kill()
    until(lambda: upstream.seen)
    assert isinstance(upstream.seen[0], ConnectionResetError), upstream.seen


def test_a_cut_upstream_does_not_look_whole_to_the_client(box):
    def talk(sock):
        sock.sendall(b"half of it")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        heard.wait(20)

    heard = threading.Event()
    serve = box.serve_bytes(box.upstream(talk))
    client = box.connecting(serve)
    assert client.stdout.read(10) == b"half of it"
    heard.set()
    assert client.stdout.read() == b""
    assert client.wait(10) == 1
    assert b"may not be the whole" in client.stderr.read()
    assert "upstream broke" in serve.logged("closed")[0]


def test_a_killed_server_is_a_cut(box):
    started = threading.Event()

    def talk(sock):
        sock.sendall(b"some")
        started.set()
        sock.recv(1)

    serve = box.serve_bytes(box.upstream(talk))
    client = box.connecting(serve)
    assert client.stdout.read(4) == b"some"
    serve.process.kill()
    assert client.wait(10) == 1
    assert b"may not be the whole" in client.stderr.read()
