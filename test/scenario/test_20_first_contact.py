"""Goal: who has only an address gets to TLS 1.3 by what a proved connection said, and nobody gets
between later."""
import signal
import socket
import subprocess
import threading
import time

import pytest

from devices import REQUEST, connect, device, devices, page, replace, saved, spoke, write
from gateways import KEYPLATE, PASSWORD, PROOF, Terminal, box, curl, opened, pattern, talk_echo, until

ALARM = "ANOTHER DEVICE ANSWERS AT"


def guesses(serve):
    """What a server has been told about the password: proofs that failed or went well."""
    return serve.log().count("proof-failed") + serve.log().count("the password was proved")


# ---- Saving -----------------------------------------------------------------------------------

def test_connect_learns_the_id(box):
    serve = device(box, "K7F3")
    done = connect(box, serve)
    assert done.returncode == 0 and done.stdout.endswith(b"hello") and spoke(done) == "1.2"
    assert b'saved this device as 127-0-0-1: 127.0.0.1:' in done.stderr
    assert saved()["127-0-0-1"]["id"] == "K7F3"
    assert saved()["127-0-0-1"]["versions"] == "1.2,1.3"
    assert guesses(serve) == 1, "the id was read without the password"
    done = connect(box, serve, user=None)
    assert spoke(done) == "1.3 ietf" and b"saved" not in done.stderr
    done = connect(box, "127-0-0-1", user=None)
    assert spoke(done) == "1.3 ietf"


def test_open_learns_the_id(box):
    serve = device(box, "K7F3")
    face = box.open(serve, "--verbose", saves=True)
    face.logged("saved this device as 127-0-0-1")
    assert curl(face.url, user=None).stdout == b"hello"
    face.signal(signal.SIGINT)
    assert face.wait() == 0
    again = box.open("127-0-0-1", "--verbose", user=None, saves=True)
    assert curl(again.url, user=None).stdout == b"hello"
    assert "TLSv1.3, SPAKE2+ (ietf)" in again.log() and "TLSv1.2" not in again.log()


def test_a_device_of_tls12_alone(box):
    serve = device(box, "K7F3", "--tls", "1.2")
    for _ in range(2):
        assert spoke(connect(box, serve)) == "1.2"
        assert saved()["127-0-0-1"]["versions"] == "1.2"
    after = replace(box, serve, None, credentials=serve.credentials)
    assert spoke(connect(box, after)) == "1.3 ietf", "it can more now"
    assert saved()["127-0-0-1"]["versions"] == "1.2,1.3"


@pytest.mark.parametrize("args", [(), ("--tls", "any"), ("--tls", "1.2")])
def test_the_connection_is_not_disturbed(box, args):
    """What goes through is the same with and without the reading beside it."""
    serve = device(box, "K7F3", "--http", "off", upstream=box.upstream(talk_echo))
    data = pattern(3_000_000)
    done = box.connect(serve, data, *args, saves=True)
    assert done.returncode == 0 and done.stdout == data
    assert list(saved()) == ["127-0-0-1"]


class Middleman:
    """Between client and device: the first connection passes, play(socket) has the others."""

    def __init__(self, box, serve, play):
        self.serve, self.play, self.first, self.others = serve, play, True, 0
        self.at = box.upstream(self.talk).at

    def talk(self, sock):
        if not self.first:
            self.others += 1
            return self.play(sock)
        self.first = False
        with socket.create_connection(("127.0.0.1", self.serve.port)) as far:
            there = threading.Thread(target=self.carry, args=(sock, far))
            there.start()
            self.carry(far, sock)
            there.join()
        return None

    @staticmethod
    def carry(one, other):
        try:
            while piece := one.recv(65536):
                other.sendall(piece)
            other.shutdown(socket.SHUT_WR)
        except OSError:
            pass


SPOILS = {
    "silence": lambda sock: time.sleep(30),
    "the end": lambda sock: None,
    "noise": lambda sock: sock.sendall(b"SSH-2.0-OpenSSH_9.2p1\r\n"),
    "an alert": lambda sock: (sock.recv(65536), sock.sendall(b"\x15\x03\x03\x00\x02\x02\x28")),
}


@pytest.mark.parametrize("spoil", SPOILS.values(), ids=SPOILS.keys())
def test_what_can_t_be_read_is_no_error(box, spoil):
    """Nothing is saved then, nobody waits long, and no other guess is spent."""
    serve = device(box, "K7F3")
    middle = Middleman(box, serve, spoil)
    start = time.monotonic()
    done = connect(box, middle)
    assert done.returncode == 0 and done.stdout.endswith(b"hello"), done.stderr
    assert time.monotonic() - start < 15
    assert saved() == {} and middle.others == 1 and guesses(serve) == 1


def test_open_does_not_wait_for_it(box):
    serve = device(box, "K7F3")
    middle = Middleman(box, serve, SPOILS["silence"])
    face = box.open(middle.at, "--verbose", saves=True)
    assert face.url and "took too long" not in face.log()
    face.logged("can't be read: it took too long", 15)
    assert saved() == {} and guesses(serve) == 1
    face.signal(signal.SIGINT)
    assert face.wait() == 0


def test_the_end_of_output_does_not_wait_for_it(box):
    serve = device(box, "K7F3")
    for last in (False, False, True):  # it asks for a second: we may be slower than that
        client = box.connecting(Middleman(box, serve, SPOILS["silence"]), saves=True)
        client.stdin.write(REQUEST)
        client.stdin.close()
        assert client.stdout.read().endswith(b"hello")
        if client.poll() is None:
            break
        assert not last, "the end of output waited for it"
    assert client.wait(15) == 0


def test_a_wrong_password_saves_nothing(box):
    serve = device(box, "K7F3")
    assert connect(box, serve, password="wrong").returncode == 3
    assert saved() == {} and guesses(serve) == 1


def test_known_by_the_id_at_another_address(box):
    """An address is the person's word; TLS 1.3 proves who is there."""
    first = device(box, "K7F3")
    assert connect(box, first, "--device-id", "K7F3").returncode == 0
    second = device(box, None, credentials=first.credentials)
    first.stop()
    done = connect(box, second, "--device-id", "K7F3")
    assert spoke(done) == "1.3 ietf" and b"is at 127.0.0.1:" in done.stderr
    assert saved()["127-0-0-1"]["address"] == second.at and len(saved()) == 1


def test_its_own_word_moves_nothing(box):
    first = device(box, "K7F3")
    assert connect(box, first).returncode == 0
    second = device(box, None, credentials=first.credentials)
    done = connect(box, second)
    assert done.returncode == 0 and spoke(done) == "1.2"
    assert b"says that it is 127-0-0-1, saved at 127.0.0.1:" in done.stderr
    assert saved()["127-0-0-1"]["address"] == first.at and len(saved()) == 1


def test_users_of_tls12_alone(box):
    """While there is one, the device says that TLS 1.2 is what it can: who offers less than that
    wouldn't get in."""
    credentials = box.dir / "credentials"
    box.passwd("add", credentials, "admin", PASSWORD, "--group", "2048", "--device-id", "K7F3")
    box.passwd("add", credentials, "eve", PASSWORD, "--tls", "1.2", "--allow-tls12")
    serve = device(box, None, credentials=credentials)
    for user in ("eve", "admin", "eve"):
        done = connect(box, serve, user=user)
        assert done.returncode == 0 and spoke(done) == "1.2", done.stderr
    box.passwd("change", credentials, "eve", PASSWORD, "--tls", "any")
    after = replace(box, serve, None, credentials=credentials)
    for user in ("eve", "admin"):
        done = connect(box, after, user=user)
        assert done.returncode == 0 and spoke(done) == "1.3 ietf", done.stderr


# ---- Never below, unasked ---------------------------------------------------------------------

def test_a_device_that_steps_down(box):
    serve = device(box, "K7F3")
    assert connect(box, serve).returncode == 0
    lower = replace(box, serve, None, "--tls", "1.2", credentials=serve.credentials)
    for target in (lower, "127-0-0-1", f"keyplate://K7F3@{lower.at}/?v=1"):
        done = connect(box, target)
        text = done.stderr.decode()
        assert done.returncode == 1 and text.count("\n") == 2, text
        assert "spoke TLS 1.3 before and now doesn't" in text and PROOF not in text
        assert "keyplate devices forget 127-0-0-1; to use TLS 1.2 this once: --tls 1.2" in text
        assert 'tried: TLS 1.3, SPAKE2+ (ietf), id "K7F3" (' in text
    done = subprocess.run([KEYPLATE, "open", "127-0-0-1", "--password-file", box.secret(),
                           "--no-browser"], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1 and "spoke TLS 1.3 before" in done.stderr
    assert guesses(lower) == 0
    assert spoke(connect(box, lower, "--tls", "1.2")) == "1.2"
    assert saved()["127-0-0-1"]["versions"] == "1.2,1.3", "it stays known"
    assert connect(box, lower).returncode == 1


def test_a_form_that_is_not_there(box):
    serve = device(box, "K7F3", "--pake", "boringssl", "--tls", "1.3")
    done = connect(box, serve, "--device-id", "K7F3")
    assert done.returncode == 1 and PROOF.encode() not in done.stderr
    done = connect(box, serve, "--device-id", "K7F3", "--pake", "boringssl")
    assert done.returncode == 0 and spoke(done) == "1.3 boringssl"


def test_a_form_that_was_asked_for_is_no_step_down(box):
    """Which form a device speaks is not remembered."""
    serve = device(box, "K7F3", "--pake", "ietf")
    for _ in range(2):
        done = box.connect(serve, b"", "--device-id", "K7F3", "--pake", "boringssl", saves=True)
        assert done.returncode == 1 and done.stderr.decode() == (
            f"keyplate connect: {serve.at} takes no TLS 1.3 in the form of --pake boringssl: leave "
            "--pake out (ietf)\n")
        assert connect(box, serve, "--device-id", "K7F3").returncode == 0


def test_what_else_a_failed_proof_can_mean(box):
    """By TLS 1.3 a device that was reset fails like a wrong password."""
    serve = device(box, "K7F3")
    assert connect(box, serve).returncode == 0
    other = replace(box, serve, "X-9")
    asked = ('127-0-0-1 is saved with the device id "K7F3": if it was reset or replaced it has '
             "another one; then forget it and start again (keyplate devices forget 127-0-0-1)")
    given = 'if they are right, then the device id "K7F3" is not this device\'s'
    for target, more in ((other.at, asked), ("127-0-0-1", asked),
                         (f"keyplate://K7F3@{other.at}/?v=1", given)):
        done = connect(box, target)
        assert done.returncode == 3 and done.stderr.decode().splitlines()[:2] == [
            f"keyplate connect: {PROOF}", f"keyplate connect: {more}"]
        done = subprocess.run([KEYPLATE, "open", target, "--password-file", box.secret(), "--user",
                               "admin"], capture_output=True, text=True, timeout=20, check=False)
        assert done.returncode == 3 and done.stderr.splitlines() == [
            f"keyplate open: {PROOF}", f"keyplate open: {more}"]
    done = box.connect(other, b"", "--tls", "1.2", password="wrong", saves=True)
    assert done.returncode == 3 and done.stderr.decode() == f"keyplate connect: {PROOF}\n"
    done = connect(box, other, "--tls", "1.2", password="wrong")
    assert done.stderr.decode().splitlines()[1:] == ["keyplate connect: tried: TLS 1.2, SRP"]


def test_the_page_of_a_device_that_was_reset(box):
    serve = device(box, "K7F3")
    assert connect(box, serve).returncode == 0
    terminal = Terminal(["open", serve.at, "--no-browser"])
    terminal.expect("Password of admin")
    terminal.type(PASSWORD + "\n")
    url = opened(terminal.expect("until Ctrl-C"))
    replace(box, serve, "X-9")
    answer = page(url)
    assert b"The password doesn&#39;t fit any more" in answer and b"keyplate devices forget 127-0-0-1" in answer
    terminal.expect(PROOF)
    terminal.expect("keyplate devices forget 127-0-0-1")
    terminal.expect("Password of admin")
    terminal.type("\x03")
    assert terminal.wait() == 0


# ---- Another device ---------------------------------------------------------------------------

def test_another_device_is_an_alarm(box):
    serve = device(box, "K7F3")
    assert connect(box, serve).returncode == 0
    before = saved()
    other = replace(box, serve, "X-9", "--http", "off", upstream=box.upstream(talk_echo))
    client = box.connecting(other, "--tls", "1.2", saves=True)
    until(lambda: client.poll() is not None, 8, "it wasn't cut")
    text = client.stderr.read().decode()
    assert client.returncode == 1, text
    assert ALARM in text and '"X-9"' in text and '"K7F3"' in text and text.count("\n") == 4
    assert "warning" not in text and "what was sent until then (0 bytes)" in text
    assert "keyplate devices forget 127-0-0-1" in text and PROOF not in text
    assert saved() == before
    done = connect(box, other)
    assert done.returncode == 3, "by TLS 1.3 it can't even prove the password"
    assert saved() == before
    assert devices("forget", "127-0-0-1").returncode == 0
    assert connect(box, other).returncode == 0
    assert saved()["127-0-0-1"]["id"] == "X-9"


def test_another_device_is_never_opened(box):
    serve = device(box, "K7F3")
    assert connect(box, serve).returncode == 0
    before = saved()
    other = replace(box, serve, "X-9")
    done = subprocess.run([KEYPLATE, "open", other.at, "--tls", "1.2", "--user", "admin",
                           "--password-file", box.secret(), "--no-browser"], capture_output=True,
                          text=True, timeout=20, check=False)
    assert done.returncode == 1 and done.stdout == "", done.stderr
    assert ALARM in done.stderr and saved() == before and done.stderr.count("\n") == 4
    assert "what was sent" not in done.stderr


@pytest.mark.parametrize("saves", [True, False])
def test_the_id_that_was_asked_for(box, saves):
    """Of TLS 1.2 too, where the proof doesn't bind it."""
    serve = device(box, "X-9", "--http", "off", "--tls", "1.2", upstream=box.upstream(talk_echo))
    client = box.connecting(serve, "--device-id", "K7F3", saves=saves)
    until(lambda: client.poll() is not None, 8, "it wasn't cut")
    text = client.stderr.read().decode()
    assert client.returncode == 1 and ALARM in text and "was asked for" in text
    assert text.count("\n") == 3
    assert saved() == {}


def test_another_device_in_mid_session(box):
    """It takes the address while pages are open: the next password handshake shows it."""
    serve = device(box, "K7F3", "--tls", "1.2")
    face = box.open(serve, saves=True)
    face.logged("saved this device")
    assert curl(face.url, user=None).stdout == b"hello"
    before = saved()
    other = replace(box, serve, "X-9", "--tls", "1.2")
    other.upstream.skip = 0
    curl(face.url, user=None)
    face.logged(ALARM)
    face.logged("keyplate devices forget 127-0-0-1")
    until(lambda: other.log().count(" closed: ") == 2, what="the page's, and the one that asked")
    for _ in range(3):
        answer = page(face.url)
        assert answer.startswith(b"HTTP/1.1 502 ") and b"This is another device" in answer
        assert b"keyplate devices forget" in answer
    assert len(other.upstream.seen) == 1, "nothing more gets there"
    assert guesses(other) == 1 and saved() == before
    face.signal(signal.SIGINT)
    assert face.wait() == 1


def test_conflicts_are_found_before_anything_is_sent(box):
    heard = box.upstream(lambda sock: sock.recv(1))
    write(f"boiler {heard.at} K7F3 admin 1.3 1")
    for target in (heard.at, "boiler"):
        for command in ("connect", "open"):
            done = subprocess.run([KEYPLATE, command, target, "--device-id", "X-9", "--user",
                                   "admin", "--password-file", box.secret()],
                                  capture_output=True, text=True, timeout=20, check=False)
            assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr
            assert "nothing was sent" in done.stderr
            assert "keyplate devices forget boiler" in done.stderr
    assert heard.seen == []
