"""Goal: a web server that is down is said plainly, and all is well when it is back."""
import pytest

from gateways import box, curl, free_port, talk_http

BOTH = pytest.mark.parametrize("http", ["on", "off"])


@BOTH
def test_down_and_back(box, http):
    port = free_port()
    serve = box.serve(f"127.0.0.1:{port}", "--http", http)
    assert "doesn't answer yet" in serve.logged("warning upstream-down")[0]
    done = curl(f"https://{serve.at}/page", "-i")
    head, body = done.stdout.split(b"\r\n\r\n", 1)
    assert done.returncode == 0
    assert head.startswith(b"HTTP/1.1 502 ") and b"Connection: close" in head
    assert f"Content-Length: {len(body)}".encode() in head and b"text/plain" in head
    assert b"--upstream" in body and b"You are connected to the device" in body
    assert f"127.0.0.1:{port}" in serve.logged("error upstream-down")[0]
    raw = box.connect(serve, b"GET / HTTP/1.1\r\nHost: d\r\n\r\n")
    assert raw.returncode == 0 and raw.stdout.startswith(b"HTTP/1.1 502 ")

    upstream = box.upstream(talk_http(b"back"), port=port)
    assert curl(f"https://{serve.at}/").stdout == b"back"


@BOTH
def test_unix_upstream_down(box, http):
    serve = box.serve(f"unix:{box.dir}/none.sock", "--http", http)
    assert curl(f"https://{serve.at}/", "-i").stdout.startswith(b"HTTP/1.1 502 ")
    assert "none.sock" in serve.logged("error upstream-down")[0]


@BOTH
def test_an_upload_gets_the_502_too(box, http):
    serve = box.serve(f"127.0.0.1:{free_port()}", "--http", http)
    (box.dir / "up").write_bytes(b"x" * 500_000)
    done = curl(f"https://{serve.at}/", "-i", "-T", box.dir / "up", "-H", "Expect:")
    assert b"HTTP/1.1 502 " in done.stdout


@BOTH
def test_a_server_that_refuses_an_upload_is_heard(box, http):
    def talk(sock):
        sock.recv(1000)
        sock.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno!")

    serve = box.serve(box.upstream(talk), "--http", http)
    (box.dir / "up").write_bytes(b"x" * 3_000_000)
    done = curl(f"https://{serve.at}/", "-i", "-T", box.dir / "up", "-H", "Expect:")
    assert b"413" in done.stdout
