"""Goal: who sits in the device's place learns one guess at the password for each act of the person."""
import socket
import termios
import threading
import time

import pytest
from gateways import PASSWORD, PROOF, Terminal, box, curl, opened, talk_http, until

OTHER = "not-the-password"


def swap(box, serve, password, *args):
    """Another server takes the port: other ticket keys, maybe other passwords."""
    serve.stop()
    return box.serve(box.upstream(talk_http(b"impostor")), *args, listen=(serve.at,),
                     credentials=box.credentials((("admin", password),)))


def test_an_impostor_gets_one_guess_however_often_the_page_polls(box):
    serve = box.serve(box.upstream(talk_http()))
    terminal = Terminal(["open", serve.at, "--user", "admin", "--no-browser", "--no-save"])
    terminal.expect("Password of admin")
    terminal.type(PASSWORD + "\n")
    url = opened(terminal.expect("until Ctrl-C"))
    impostor = swap(box, serve, OTHER)

    threads = [threading.Thread(target=curl, args=(url,), kwargs={"user": None})
               for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for _ in range(5):
        page = curl(url, "-i", user=None).stdout
        assert b"502" in page and b"someone may be in between" in page
    assert impostor.log().count("proof-failed") == 1

    terminal.expect(PROOF)
    terminal.expect("Password of admin")
    terminal.type("another-guess\n")
    terminal.expect(PROOF)  # typing it is the act: no page has to be loaded to use it
    for _ in range(2):
        page = curl(url, "-i", user=None).stdout
        assert page.startswith(b"HTTP/1.1 502") and b"The password doesn&#39;t fit any more" in page
    assert impostor.log().count("proof-failed") == 2

    terminal.expect("Password of admin")
    terminal.type(OTHER + "\n")
    terminal.expect("load the page again")
    assert curl(url, user=None).stdout == b"impostor"
    terminal.type("\x03")
    assert terminal.wait() == 0


def test_without_a_terminal_it_ends(box):
    serve = box.serve(box.upstream(talk_http()))
    face = box.open(serve)
    impostor = swap(box, serve, OTHER)
    page = curl(face.url, user=None).stdout
    assert b"someone may be in between" in page and b"The password doesn&#39;t fit any more" in page
    assert f"keyplate open {face.name}".encode() in page
    assert face.wait() == 3
    assert PROOF in face.log()
    assert impostor.log().count("proof-failed") == 1


POISONS = {
    "nothing more": b"",
    "application data": b"\x17\x03\x03\x00\x01x",
    "ChangeCipherSpec of two bytes": b"\x14\x03\x03\x00\x02\x01\x01",
    "an alert cut short": b"\x15\x03\x03\x00\x01\x02",
    "another version": b"\x16\x03\x01\x00\x01\x00",
    "a fatal alert": b"\x15\x03\x03\x00\x02\x02\x50",
}


@pytest.mark.parametrize("poison", POISONS.values(), ids=POISONS.keys())
def test_spoiling_the_handshake_is_a_guess_too(box, poison):
    """A middleman may hide that a guess failed: it takes the client's proof and cuts the wire, or puts
    bytes that are refused behind the server's flight, so that proof and refusal go out together."""
    serve = box.serve(box.upstream(talk_http()))
    face = box.open(serve)
    port = serve.port
    real = box.serve(serve.upstream, credentials=serve.credentials)
    serve.stop()
    flights = []

    def spoil(sock):
        with socket.create_connection(("127.0.0.1", real.port)) as far:
            far.sendall(sock.recv(65536))
            sock.sendall(far.recv(65536) + poison)
            data = sock.recv(65536)
            if data[:1] == b"\x16":  # not the alert that says no to a full handshake
                flights.append(data)

    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen()

    def accept():
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            with sock:
                spoil(sock)

    threading.Thread(target=accept, daemon=True).start()
    for _ in range(3):
        curl(face.url, user=None)
        time.sleep(0.1)
    until(lambda: flights)
    assert len(flights) == 1
    assert face.wait() == 1
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def test_ctrl_c_while_asking_leaves_the_echo_on(box):
    serve = box.serve(box.upstream(talk_http()))
    terminal = Terminal(["open", serve.at, "--user", "admin", "--no-browser", "--no-save"])
    terminal.expect("Password of admin")
    terminal.type(PASSWORD + "\n")
    url = opened(terminal.expect("until Ctrl-C"))
    swap(box, serve, OTHER)
    curl(url, user=None)
    terminal.expect("Password of admin")
    until(lambda: not termios.tcgetattr(terminal.fd)[3] & termios.ECHO)
    terminal.expect(": ")
    terminal.type("\x03")
    until(lambda: terminal.read(0.01) or termios.tcgetattr(terminal.fd)[3] & termios.ECHO)
    assert terminal.wait() == 0
    assert terminal.text.replace("^C", "") == "\r\n", "no other prompt"


def test_a_new_password_is_proved_as_soon_as_it_is_typed(box):
    serve = box.serve(box.upstream(talk_http()))
    terminal = Terminal(["open", serve.at, "--user", "admin", "--no-browser", "--no-save"])
    terminal.expect("Password of admin")
    terminal.type(PASSWORD + "\n")
    url = opened(terminal.expect("until Ctrl-C"))
    again = swap(box, serve, OTHER)
    curl(url, user=None)
    terminal.expect("Password of admin")
    again.stop()
    terminal.type(OTHER + "\n")
    terminal.expect("nothing listens")
    terminal.expect("Password of admin")
    last = box.serve(box.upstream(talk_http(b"back")), listen=(serve.at,),
                     credentials=again.credentials)
    assert curl(url, user=None).stdout != b"back"
    assert " proved: " not in last.log() and "proof-failed" not in last.log(), "not without an act"
    terminal.type(OTHER + "\n")
    terminal.expect("load the page again")
    assert curl(url, user=None).stdout == b"back"
    assert "proof-failed" not in last.log()
    terminal.type("\x03")
    assert terminal.wait() == 0
