"""Goal: connect and open speak what was asked for and say so, and in TLS 1.3 too one password
handshake serves all connections, one guess each act of the person."""
import subprocess
import sys
import threading
import time

import pytest

from devices import connect, device, page, replace, spoke
from gateways import KEYPLATE, PASSWORD, PROOF, ROOT, Terminal, box, curl, opened, talk_http

sys.path.insert(0, str(ROOT / "test"))

from model13 import spake2plus  # noqa: E402
from model13.driver import Listener, read_to_end  # noqa: E402
from model13.server import ServerConfig  # noqa: E402

ID = ("--device-id", "K7F3")


@pytest.mark.parametrize("server, client, agreed", [
    ((), (), "1.3 ietf"),
    ((), ("--tls", "1.3"), "1.3 ietf"),
    ((), ("--tls", "1.2"), "1.2"),
    ((), ("--pake", "boringssl"), "1.3 boringssl"),
    ((), ("--pake", "boringssl", "--tls", "1.3"), "1.3 boringssl"),
    (("--tls", "1.2"), (), "1.2"),
    (("--tls", "1.3"), (), "1.3 ietf"),
    (("--tls", "1.3", "--pake", "boringssl"), ("--pake", "boringssl"), "1.3 boringssl"),
])
def test_what_is_agreed(box, server, client, agreed):
    serve = device(box, "K7F3", *server)
    done = connect(box, serve, *ID, *client)
    assert done.returncode == 0 and done.stdout.endswith(b"hello"), done.stderr
    assert spoke(done) == agreed


@pytest.mark.parametrize("server, client", [
    (("--tls", "1.2"), ("--tls", "1.3")),
    (("--tls", "1.3"), ("--tls", "1.2")),
    (("--tls", "1.3", "--pake", "boringssl"), ()),
    (("--tls", "1.3", "--pake", "ietf"), ("--pake", "boringssl")),
])
def test_what_is_not(box, server, client):
    """Never silently the other one, and never the message of a failed proof."""
    serve = device(box, "K7F3", *server)
    done = connect(box, serve, *ID, *client)
    text = done.stderr.decode()
    assert done.returncode == 1 and text.count("\n") == 2 and PROOF not in text, text
    assert "tried: TLS 1." in text
    assert "spoke TLS 1.3 before" not in text


def test_the_line_of_verbose(box):
    serve = device(box, "K7F3")
    line = connect(box, serve, *ID).stderr.decode().splitlines()[0]
    assert line == ("keyplate connect: proved: TLSv1.3, SPAKE2+ (ietf), TLS_AES_128_GCM_SHA256, "
                    "X25519, full handshake, user admin")
    line = connect(box, serve, "--tls", "1.2").stderr.decode().splitlines()[0]
    assert line == ("keyplate connect: proved: TLSv1.2, SRP-AES-256-CBC-SHA, a group of 2048 bits, "
                    "full handshake, user admin")
    face = box.open(serve, *ID, "--verbose")
    assert curl(face.url, user=None).stdout == b"hello"
    assert face.logged("resumed")[0] == ("keyplate open: proved: TLSv1.3, TLS_AES_128_GCM_SHA256, "
                                         "X25519, resumed, user admin")


@pytest.mark.parametrize("client, server", [
    ({"password": "wrong"}, {}), ({"user": "nobody"}, {}), ({}, {"id": "another"})])
def test_the_proof_fails(box, client, server):
    serve = device(box, server.get("id", "K7F3"), "--tls", "1.3")
    done = connect(box, serve, *ID, **client)
    assert done.returncode == 3 and PROOF in done.stderr.decode()


def visit_all(url, count=30):
    """What count connections at once get."""
    bodies = []
    threads = [threading.Thread(target=lambda: bodies.append(curl(url, user=None).stdout))
               for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return bodies


def proofs(serve):
    return serve.log().count("the password was proved")


def test_one_password_handshake_for_all(box):
    serve = device(box, "K7F3", "--tls", "1.3")
    face = box.open(serve, *ID)
    assert visit_all(face.url) == [b"hello"] * 30
    assert proofs(serve) == 1
    again = replace(box, serve, None, "--tls", "1.3", credentials=serve.credentials)
    again.upstream.skip = 0
    assert visit_all(face.url) == [b"hello"] * 30, "the new one has other ticket keys"
    assert proofs(again) == 1


def test_without_tickets_one_after_the_other(box):
    """BoringSSL's form has none."""
    serve = device(box, "K7F3", "--tls", "1.3")
    face = box.open(serve, *ID, "--pake", "boringssl")
    assert visit_all(face.url, 8) == [b"hello"] * 8
    assert proofs(serve) == 9


def test_the_ticket_that_never_comes(box):
    """Those who wait are let go one by one, each when the one before had time for its ticket."""
    secret = spake2plus.register(PASSWORD.encode(), b"admin", b"K7F3")
    config = ServerConfig({b"admin": secret.verifier()}, b"K7F3", tickets=0)
    begun = []

    def make(_):
        begun.append(time.monotonic())
        return config, None, None, None

    def answer(server):
        data = b""
        while b"\r\n\r\n" not in data:
            data += server.read()
        server.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
        server.close()
        read_to_end(server)

    with Listener(make, lambda server: answer(server) if len(begun) > 1 else read_to_end(server)) \
            as listener:
        face = box.open(listener.address, *ID, "--tls", "1.3")
        assert visit_all(face.url, 4) == [b"hello"] * 4
    assert len(begun) == 5
    for before, after in zip(begun[1:], begun[2:]):
        assert after - before > 0.29, begun


def test_an_impostor_gets_one_guess(box):
    serve = device(box, "K7F3", "--tls", "1.3")
    terminal = Terminal(["open", serve.at, "--user", "admin", "--no-browser", "--no-save", *ID])
    terminal.expect("Password of admin")
    terminal.type(PASSWORD + "\n")
    url = opened(terminal.expect("until Ctrl-C"))
    other = box.dir / "of-the-impostor"
    box.passwd("add", other, "admin", "another", "--group", "2048", "--device-id", "K7F3")
    impostor = replace(box, serve, None, "--tls", "1.3", credentials=other,
                       upstream=box.upstream(talk_http(b"impostor")))
    visit_all(url, 20)
    for _ in range(3):
        answer = page(url)
        assert b"502" in answer and b"someone may be in between" in answer
    assert impostor.log().count("proof-failed") == 1
    terminal.expect(PROOF)
    terminal.expect("Password of admin")
    terminal.type("another\n")
    terminal.expect("load the page again")
    assert curl(url, user=None).stdout == b"impostor"
    assert impostor.log().count("proof-failed") == 1
    terminal.type("\x03")
    assert terminal.wait() == 0


def test_tls13_without_an_id(box):
    heard = box.upstream(lambda sock: sock.recv(1))
    for command in ("connect", "open"):
        done = subprocess.run([KEYPLATE, command, heard.at, "--tls", "1.3", "--user", "admin",
                               "--password-file", box.secret()], capture_output=True, text=True,
                              timeout=20, check=False)
        assert done.returncode == 2 and "--device-id ID" in done.stderr and "label" in done.stderr
    assert heard.seen == []
