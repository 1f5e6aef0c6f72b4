"""Goal: a slow reader slows the sender down; memory stays where it was."""
import hashlib
import os
import subprocess
import time

from gateways import (SANITIZED, box, pattern, read_all, rss_kib, talk_digest, talk_http, until,
                      upgraded)

MEGABYTES_50 = 50_000_000
GROWTH_KIB = 700_000 if SANITIZED else 4096


def test_slow_client(box):
    data = pattern(MEGABYTES_50)
    serve = box.serve_bytes(box.upstream(lambda sock: sock.sendall(data)))
    before = rss_kib(serve.pid)
    client = box.connecting(serve, stdin=subprocess.DEVNULL)
    digest = hashlib.sha256(os.read(client.stdout.fileno(), 1000))
    time.sleep(1.5)
    assert rss_kib(serve.pid) - before < GROWTH_KIB
    assert rss_kib(client.pid) < 16384 + GROWTH_KIB
    while True:
        piece = client.stdout.read(1 << 20)
        if not piece:
            break
        digest.update(piece)
    assert client.wait(20) == 0, client.stderr.read()
    assert digest.digest() == hashlib.sha256(data).digest()
    assert rss_kib(serve.pid) - before < GROWTH_KIB


def test_slow_upstream(box):
    data = pattern(MEGABYTES_50)

    def talk(sock):
        time.sleep(1.5)
        return talk_digest(sock)

    serve = box.serve_bytes(box.upstream(talk))
    before = rss_kib(serve.pid)
    (box.dir / "data").write_bytes(data)
    with open(box.dir / "data", "rb") as file:
        client = box.connecting(serve, stdin=file)
    time.sleep(1.2)
    assert rss_kib(serve.pid) - before < GROWTH_KIB
    assert rss_kib(client.pid) < 16384 + GROWTH_KIB
    assert client.stdout.read().decode() == hashlib.sha256(data).hexdigest()
    assert client.wait(20) == 0


def test_hundred_megabytes_through_connect(box):
    size = 100_000_000
    serve = box.serve_bytes(box.upstream(talk_digest))
    client = box.connecting(serve)
    digest = hashlib.sha256()
    piece = pattern(1_000_000)
    for _ in range(size // len(piece)):
        client.stdin.write(piece)
        digest.update(piece)
    assert rss_kib(client.pid) < 16384 + GROWTH_KIB
    client.stdin.close()
    assert client.stdout.read().decode() == digest.hexdigest()
    assert client.wait(20) == 0


def test_slow_browser(box):
    data = pattern(MEGABYTES_50)
    serve = box.serve_bytes(box.upstream(talk_http(data)))
    face = box.open(serve)
    before = rss_kib(face.pid)
    with face.visit() as browser:
        browser.sendall(face.head("GET / HTTP/1.1", "Connection: close"))
        time.sleep(1)
        assert rss_kib(face.pid) - before < GROWTH_KIB
        body = read_all(browser).split(b"\r\n\r\n", 1)[1]
        assert hashlib.sha256(body).digest() == hashlib.sha256(data).digest()


def test_both_ways_at_once(box):
    """Both directions full, neither read for a while: no deadlock afterwards."""
    data = pattern(10_000_000)

    def talk(sock):
        import threading
        sender = threading.Thread(target=sock.sendall, args=(data,))
        sender.start()
        time.sleep(0.7)
        got = read_all(sock, len(data))
        sender.join()
        return hashlib.sha256(got).hexdigest()

    upstream = box.upstream(upgraded(talk))
    face = box.open(box.serve_bytes(upstream))
    with face.tunnel() as browser:
        import threading
        sender = threading.Thread(target=browser.sendall, args=(data,))
        sender.start()
        time.sleep(0.7)
        assert read_all(browser, len(data)) == data
        sender.join()
        until(lambda: upstream.seen)
    assert upstream.seen == [hashlib.sha256(data).hexdigest()]
