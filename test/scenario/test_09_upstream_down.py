"""Goal: a web server that is down is said plainly, and all is well when it is back."""
from gateways import Upstream, box, curl, free_port, talk_http


def test_down_and_back(box):
    port = free_port()
    serve = box.serve(f"127.0.0.1:{port}")
    assert "doesn't answer yet" in serve.logged("warning upstream-down")[0]
    done = curl(f"https://{serve.at}/page", "-i")
    head, body = done.stdout.split(b"\r\n\r\n", 1)
    assert done.returncode == 0
    assert head.startswith(b"HTTP/1.1 502 ") and b"Connection: close" in head
    assert f"Content-Length: {len(body)}".encode() in head and b"text/plain" in head
    assert b"--upstream" in body and b"password was right" in body
    assert f"127.0.0.1:{port}" in serve.logged("error upstream-down")[0]
    raw = box.connect(serve, b"GET / HTTP/1.1\r\n\r\n")
    assert raw.returncode == 0 and raw.stdout.startswith(b"HTTP/1.1 502 ")

    upstream = box.upstream(talk_http(b"back"), port=port)
    assert curl(f"https://{serve.at}/").stdout == b"back"


def test_unix_upstream_down(box):
    serve = box.serve(f"unix:{box.dir}/none.sock")
    assert curl(f"https://{serve.at}/", "-i").stdout.startswith(b"HTTP/1.1 502 ")
    assert "none.sock" in serve.logged("error upstream-down")[0]


def test_an_upload_gets_the_502_too(box):
    serve = box.serve(f"127.0.0.1:{free_port()}")
    (box.dir / "up").write_bytes(b"x" * 500_000)
    done = curl(f"https://{serve.at}/", "-i", "-T", box.dir / "up", "-H", "Expect:")
    assert b"HTTP/1.1 502 " in done.stdout


def test_a_server_that_refuses_an_upload_is_heard(box):
    def talk(sock):
        sock.recv(1000)
        sock.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno!")

    serve = box.serve(box.upstream(talk))
    (box.dir / "up").write_bytes(b"x" * 3_000_000)
    done = curl(f"https://{serve.at}/", "-i", "-T", box.dir / "up", "-H", "Expect:")
    assert b"413" in done.stdout
