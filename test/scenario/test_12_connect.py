"""Goal: connect works with any kind of standard input and output, and names what it met instead."""
import hashlib
import os
import socket
import ssl
import subprocess
import time

import pytest

from gateways import (KEYPLATE, PASSWORD, PROOF, Terminal, box, free_port, pattern, read_all,
                      talk_digest, talk_echo, talk_http, until)


def test_kinds_of_input(box):
    serve = box.serve_bytes(box.upstream(talk_digest))
    data = pattern(500_000)
    (box.dir / "data").write_bytes(data)
    args = [KEYPLATE, *box.connect_args(serve)]
    with open(box.dir / "data", "rb") as file:
        assert subprocess.check_output(args, stdin=file).decode() == \
            hashlib.sha256(data).hexdigest()
    empty = hashlib.sha256(b"").hexdigest()
    assert subprocess.check_output(args, stdin=subprocess.DEVNULL).decode() == empty
    closed = subprocess.run(["sh", "-c", 'exec "$@" <&-', "sh", *args], capture_output=True,
                            text=True, check=False)
    assert (closed.returncode, closed.stdout) == (0, empty), closed.stderr
    folder = os.open(box.dir, os.O_RDONLY)
    done = subprocess.run(args, stdin=folder, capture_output=True, text=True, check=False)
    os.close(folder)
    assert done.returncode == 1 and "standard input can't be read" in done.stderr


def test_kinds_of_output(box):
    data = pattern(2_000_000)
    serve = box.serve_bytes(box.upstream(lambda sock: sock.sendall(data)))
    args = [KEYPLATE, *box.connect_args(serve)]
    with open(box.dir / "out", "wb") as file:
        subprocess.run(args, stdin=subprocess.DEVNULL, stdout=file, check=True)
    assert (box.dir / "out").read_bytes() == data
    with open("/dev/full", "wb") as full:
        done = subprocess.run(args, stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE,
                              check=False)
    assert done.returncode == 1 and b"standard output takes no more" in done.stderr
    client = box.connecting(serve, stdin=subprocess.DEVNULL)
    client.stdout.close()
    assert client.wait(10) == 1
    assert b"standard output takes no more" in client.stderr.read()
    closed = subprocess.run(["sh", "-c", 'exec "$@" >&-', "sh", *args], capture_output=True,
                            stdin=subprocess.DEVNULL, text=True, check=False)
    assert closed.returncode == 1 and "standard output takes no more" in closed.stderr


def test_verbose(box):
    serve = box.serve_bytes(box.upstream(talk_echo))
    done = box.connect(serve, b"x", "--verbose")
    assert done.stdout == b"x"
    assert "TLSv1.2, SRP-AES-256-CBC-SHA, a group of 2048 bits" in done.stderr.decode()


def certificate(box):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout",
                    box.dir / "key", "-out", box.dir / "cert", "-days", "2", "-subj", "/CN=x"],
                   capture_output=True, check=True)
    return box.dir / "cert", box.dir / "key"


def ordinary_tls(box, low, high):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate(box))
    context.minimum_version, context.maximum_version = low, high

    def talk(sock):
        context.wrap_socket(sock, server_side=True).recv(1)
    return box.upstream(talk).at


@pytest.mark.parametrize("low, high", [
    (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2),
    (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)])
def test_certificate_only_server(box, low, high):
    refused(box.connect(ordinary_tls(box, low, high)), "certificate")


def test_a_server_of_tls13_alone(box):
    """What it is can't be told: it shows no certificate to who offers TLS 1.2."""
    site = ordinary_tls(box, ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_3)
    device = box.serve_bytes(box.upstream(talk_echo), "--tls", "1.3").at
    for at in (site, device):
        refused(box.connect(at), "doesn't take TLS 1.2. If it is a Keyplate device of TLS 1.3 alone"
                                 ", give the id on its label: --device-id ID")
        refused(box.connect(at, b"", "--tls", "1.2"), "leave out --tls 1.2, and give the id")
        refused(box.connect(at, b"", "--tls", "1.2", "--device-id", "x"),
                "TLS 1.3 alone, leave out --tls 1.2\n")


def refused(done, *words):
    text = done.stderr.decode()
    assert done.returncode == 1, text
    assert text.count("\n") == 1 and PROOF not in text
    for word in words:
        assert word in text, text


def test_nothing_there(box):
    refused(box.connect(f"127.0.0.1:{free_port()}"), "nothing listens")
    refused(box.connect("nosuch.invalid"), "no device by the name of nosuch.invalid")


def test_plain_http_server(box):
    def eager(sock):
        sock.recv(100)
        sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        read_all(sock)

    def lines(sock):  # waits for the end of a line
        data = b""
        while not data.endswith(b"\r\n\r\n"):
            piece = sock.recv(100)
            if not piece:
                return
            data += piece
        sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        read_all(sock)

    refused(box.connect(box.upstream(eager).at), "plain HTTP")
    refused(box.connect(box.upstream(lines).at), "plain HTTP")


def test_not_tls_at_all(box):
    def ssh(sock):
        sock.sendall(b"SSH-2.0-OpenSSH_9.2p1\r\n")
        read_all(sock)

    refused(box.connect(box.upstream(ssh).at), "doesn't speak TLS")
    refused(box.connect(box.upstream(lambda sock: sock.recv(10)).at), "hung up")


def test_three_tries_at_a_terminal(box):
    serve = box.serve_bytes(box.upstream(talk_echo))
    terminal = Terminal(box.connect_args(serve, password=None))
    for _ in range(2):
        terminal.expect("Password of admin at 127.0.0.1:")
        terminal.expect(": ")
        terminal.type("wrong-pass\n")
        assert "wrong-pass" not in terminal.expect(PROOF), "no echo"
    terminal.expect("Password of admin")
    terminal.type(PASSWORD + "\n")
    serve.logged("the password was proved")
    terminal.type("hello\n")
    terminal.expect("hello\r\nhello")
    terminal.type("\x04")
    assert terminal.wait() == 0
    assert serve.log().count("proof-failed") == 2


def test_three_wrong_ones_are_enough(box):
    serve = box.serve_bytes(box.upstream(talk_echo))
    terminal = Terminal(["connect", serve.at])
    terminal.expect("User [admin]: ")
    terminal.type("\n")
    for _ in range(3):
        terminal.expect("Password of admin")
        terminal.type("wrong-pass\n")
        terminal.expect(PROOF)
    assert terminal.wait() == 3


def test_ctrl_c(box):
    serve = box.serve_bytes(box.upstream(talk_echo))
    client = box.connecting(serve)
    serve.logged("proved:")
    client.send_signal(2)
    assert client.wait(15) == 1
    assert b"Ctrl-C" in client.stderr.read()
