"""Goal: what isn't TLS with a password is refused, told apart in the log, and told to who can read."""
import pytest

from gateways import box, curl, read_all, talk_http


@pytest.fixture(params=["on", "off"])
def serve(box, request):
    return box.serve(box.upstream(talk_http()), "--http", request.param)


def test_plain_http_is_told_so(serve):
    with serve.raw() as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = read_all(sock)
    head, body = answer.split(b"\r\n\r\n", 1)
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"Connection: close" in head and f"Content-Length: {len(body)}".encode() in head
    assert b"keyplate open" in body
    assert "plain HTTP" in serve.logged("refused")[0]
    assert serve.upstream.seen == []


def test_sslv2_hello(serve):
    with serve.raw() as sock:
        sock.sendall(bytes.fromhex("802e0100020015000000100100800200800300800400800500800600400700c0"
                                   "0000000000000000000000000000000000"))
        answer = read_all(sock)
    assert answer[:1] in (b"", b"\x15")
    assert "SSLv2" in serve.logged("refused")[0]


def test_noise(serve):
    with serve.raw() as sock:
        sock.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
        read_all(sock)
    assert "isn't TLS" in serve.logged("refused")[0]


def test_ordinary_tls_client(serve):
    done = curl(f"https://{serve.at}/", user=None)
    assert done.returncode == 35
    line = serve.logged("refused")[0]
    assert "no password suite" in line and "keyplate open" in line


def test_gone_before_a_word(serve):
    serve.raw().close()
    assert "went away" in serve.logged("handshake-failed")[0]
    assert curl(f"https://{serve.at}/").stdout == b"hello"
