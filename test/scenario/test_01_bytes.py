"""Goal: bytes go both ways whole, over every kind of listener and upstream, only for who proved it."""
import hashlib

import pytest

from gateways import PASSWORD, PROOF, box, curl, pattern, talk_digest, talk_echo, talk_http


@pytest.mark.parametrize("http", ["on", "off"])
def test_curl_gets_the_page(box, http):
    serve = box.serve(box.upstream(talk_http(b"a page")), "--http", http)
    done = curl(f"https://{serve.at}/x")
    assert (done.returncode, done.stdout) == (0, b"a page")
    line = serve.logged("closed")[0]
    assert 'user="admin"' in line and "proved=true" in line and "suite=SRP-AES-256-CBC-SHA" in line


def test_wrong_password_and_unknown_user_look_alike(box):
    upstream = box.upstream(talk_http())
    serve = box.serve(upstream)
    wrong = box.connect(serve, b"x", password="something else")
    unknown = box.connect(serve, b"x", user="nobody")
    for done in (wrong, unknown):
        assert done.returncode == 3
        assert done.stderr.decode() == f"keyplate connect: {PROOF}\n"
        assert done.stdout == b""
    assert curl(f"https://{serve.at}/", password="no").returncode == 35
    lines = serve.logged("proof-failed")
    assert 'claimed="admin"' in lines[0] and "proved=false" in lines[0]
    assert 'claimed="nobody"' in serve.logged("nobody")[0]
    assert upstream.seen == [], "the upstream must not be reached before the proof"


def test_connect_carries_megabytes_both_ways(box):
    serve = box.serve_bytes(box.upstream(talk_echo))
    data = pattern(20_000_000)
    done = box.connect(serve, data)
    assert done.returncode == 0, done.stderr
    assert hashlib.sha256(done.stdout).digest() == hashlib.sha256(data).digest()


@pytest.mark.parametrize("http", ["on", "off"])
def test_curl_uploads_and_downloads(box, http):
    data = pattern(20_000_000)
    digest = hashlib.sha256(data).hexdigest().encode()
    (box.dir / "up").write_bytes(data)

    def talk(sock):
        head = b""
        while b"\r\n\r\n" not in head:
            head += sock.recv(65536)
        body = head.split(b"\r\n\r\n", 1)[1]
        while len(body) < len(data):
            body += sock.recv(1 << 20)
        assert hashlib.sha256(body).hexdigest().encode() == digest
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(data) + body)
        return "ok"

    upstream = box.upstream(talk)
    serve = box.serve(upstream, "--http", http)
    done = curl(f"https://{serve.at}/", "-H", "Expect:", "-T", box.dir / "up")
    assert hashlib.sha256(done.stdout).hexdigest().encode() == digest
    assert upstream.seen == ["ok"]


def test_unix_upstream_ipv6_and_several_listeners(box):
    upstream = box.upstream(talk_http(b"by unix"), path=box.dir / "up.sock")
    serve = box.serve(upstream, listen=("127.0.0.1:0", "[::1]:0"))
    assert serve.addresses[1].startswith("[::1]:")
    for at in serve.addresses:
        assert curl(f"https://{at}/").stdout == b"by unix"
        assert box.connect(at, b"GET / HTTP/1.1\r\nHost: d\r\n\r\n").stdout.endswith(b"by unix")
    assert "client=[::1]:" in serve.logged("[::1]")[0]


def test_configuration_file(box):
    upstream = box.upstream(talk_http(b"configured"))
    config = box.dir / "keyplate.conf"
    config.write_text("# a comment\n[serve]\nupstream = 127.0.0.1:1\nlisten = 127.0.0.1:0\n"
                      "log = json\nworkers = 2\nquiet = off\n[open]\nwhat = ever\n")
    serve = box.serve(upstream, "--config", config)
    assert curl(f"https://{serve.at}/").stdout == b"configured", "the command line wins"
    assert serve.log().startswith("{")


def test_password_by_descriptor(box):
    serve = box.serve_bytes(box.upstream(talk_digest))
    with open(box.secret(), "rb") as file:
        done = box.connect(serve, b"abc", "--password-fd", str(file.fileno()), password=None,
                           pass_fds=(file.fileno(),))
    assert done.stdout.decode() == hashlib.sha256(b"abc").hexdigest()
