"""Goal: who takes the device's place while pages are open, or chooses a name, gets no second chance:
no lower version, no unchecked id, no other try, no word in a shell."""
import os
import re
import socket
import subprocess
import termios
import threading
import time

import pytest

from devices import REQUEST, connect, device, devices, page, replace, saved, spoke, write
from gateways import KEYPLATE, PASSWORD, PROOF, Terminal, box, curl, opened, talk_http, until

ALARM = "ANOTHER DEVICE ANSWERS AT"
UNCHECKED = "it was not checked that this is the device"
OTHER = "not-the-password"


def carry(one, other, before):
    try:
        while piece := one.recv(65536):
            before(piece)
            other.sendall(piece)
        other.shutdown(socket.SHUT_WR)
    except OSError:
        pass


class Switch:
    """Between client and devices: connections go to .port, those in plan by their number (from 1 at
    the last reset) elsewhere; port None is cut, and the answers of a held one wait for .hold."""

    def __init__(self, box, serve):
        self.port, self.count, self.plan = serve.port, 0, {}
        self.hold = threading.Event()
        self.at = box.upstream(self.talk).at

    def turn(self, serve, plan=None):
        self.count, self.port, self.plan = 0, serve.port, plan or {}

    def talk(self, sock):
        self.count += 1
        port, held = self.plan.get(self.count, (self.port, False))
        if port is None:
            return
        pieces = []

        def wait(piece):
            pieces.append(piece)
            if held and len(pieces) >= 2:
                self.hold.wait(60)

        with socket.create_connection(("127.0.0.1", port)) as far:
            there = threading.Thread(target=carry, args=(sock, far, lambda _: None), daemon=True)
            there.start()
            carry(far, sock, wait)
            there.join(5)


def impostor(box, *args, user_password=PASSWORD, device_id="X-9"):
    credentials = box.dir / f"impostor{box.count()}"
    box.passwd("add", credentials, "admin", user_password, "--group", "2048", "--device-id",
               device_id)
    return device(box, None, *args, upstream=box.upstream(talk_http(b"impostor")),
                  credentials=credentials)


def open_on_terminal(at, *args):
    terminal = Terminal(["open", at, "--user", "admin", "--no-browser", "--verbose", *args])
    terminal.expect("Password of admin")
    terminal.type(PASSWORD + "\n")
    return terminal, opened(terminal.expect("until Ctrl-C"))


# ---- No lower version -------------------------------------------------------------------------

@pytest.mark.parametrize("saves", [True, False])
def test_tls12_in_mid_session(box, saves):
    """After a proof by TLS 1.3 nothing less is offered, whether or not anything is saved."""
    serve = device(box, "K7F3")
    face = box.open(serve, "--device-id", "K7F3", "--verbose", saves=saves)
    assert curl(face.url, user=None).stdout == b"hello"
    lower = replace(box, serve, "X-9", "--tls", "1.2", upstream=box.upstream(talk_http(b"impostor")))
    for _ in range(3):
        answer = page(face.url)
        assert answer.startswith(b"HTTP/1.1 502 ") and b"spoke TLS 1.3 before" in answer
        assert b"(null)" not in answer
    assert "TLSv1.2" not in face.log()
    assert "proof-failed" not in lower.log() and "the password was proved" not in lower.log()
    back = replace(box, lower, None, credentials=serve.credentials)
    assert curl(face.url, user=None).stdout == b"hello"
    assert "TLSv1.2" not in face.log() and back.log().count("proof-failed") == 0


def test_a_first_contact_stays_for_its_run(box):
    serve = device(box, "K7F3")
    face = box.open(serve, "--verbose", saves=True)
    face.logged("saved this device")
    for _ in range(2):
        assert curl(face.url, user=None).stdout == b"hello"
    assert "TLSv1.3" not in face.log()


# ---- No unchecked id --------------------------------------------------------------------------

def test_a_device_that_comes_while_another_is_asked(box):
    """The answer of the one before doesn't count for the newest."""
    serve = device(box, "K7F3", "--tls", "1.2")
    switch = Switch(box, serve)
    switch.plan = {2: (serve.port, True)}  # 1: the proof; 2: what it is
    face = box.open(switch.at, "--verbose", saves=True)
    other = impostor(box, "--tls", "1.2")
    until(lambda: switch.count == 2)
    switch.turn(other)
    curl(face.url, user=None)
    until(lambda: "the password was proved" in other.log())
    switch.hold.set()
    face.logged(ALARM)
    assert b"This is another device" in page(face.url)


@pytest.mark.parametrize("given", [True, False])
def test_what_is_known_and_not_checked_is_said(box, given):
    serve = device(box, "K7F3", "--tls", "1.2")
    switch = Switch(box, serve)
    args = ("--device-id", "K7F3") if given else ()
    if not given:
        assert box.connect(switch, REQUEST, saves=True).returncode == 0
        assert saved()["127-0-0-1"]["id"] == "K7F3"
    other = impostor(box, "--tls", "1.2")
    switch.turn(other, {2: (None, False)})
    done = box.connect(switch, REQUEST, *args, saves=True)
    text = done.stderr.decode()
    assert done.returncode == 0 and text.count(UNCHECKED) == 1 and '"K7F3"' in text, text
    switch.turn(other, {2: (None, False)})
    face = box.open(switch.at, *args, saves=True)
    assert len(face.logged(UNCHECKED)) == 1


# ---- No other try -----------------------------------------------------------------------------

def test_a_stranger_is_not_let_in_by_typing(box):
    serve = device(box, "K7F3", "--tls", "1.2")
    switch = Switch(box, serve)
    terminal, url = open_on_terminal(switch.at)
    terminal.expect("saved this device")
    other = impostor(box, "--tls", "1.2")
    wrong = impostor(box, "--tls", "1.2", user_password=OTHER)
    # Its ticket is refused, it is proved, what it is is held up; then a proof fails.
    switch.turn(wrong, {1: (other.port, False), 2: (other.port, False), 3: (other.port, True)})
    assert curl(url, user=None).stdout == b"impostor"
    until(lambda: switch.count == 3)
    page(url)
    terminal.expect("Password of admin")
    terminal.expect(": ")
    switch.turn(other)
    switch.hold.set()
    terminal.expect(ALARM)
    until(lambda: terminal.read(0.01) or termios.tcgetattr(terminal.fd)[3] & termios.ECHO)
    terminal.type(PASSWORD + "\n")
    time.sleep(1)
    terminal.read(0)
    assert "load the page again" not in terminal.text
    assert b"This is another device" in page(url) and switch.count == 0
    terminal.type("\x03")
    assert terminal.wait() == 1


def test_three_times_at_most(box):
    serve = box.serve(box.upstream(talk_http()))
    terminal, url = open_on_terminal(serve.at, "--no-save")
    serve.stop()
    wrong = box.serve(serve.upstream, listen=(serve.at,),
                      credentials=box.credentials((("admin", OTHER),)))
    curl(url, user=None)
    for guess in ("one", "two"):
        terminal.expect(PROOF)
        terminal.expect("Password of admin")
        terminal.type(guess + "\n")
    terminal.expect(PROOF)
    assert terminal.wait() == 3 and "Password of admin" not in terminal.text
    assert wrong.log().count("proof-failed") == 3


PINENTRY = """#!/bin/sh
echo OK
while read line; do
    case "$line" in GETPIN*) echo asked >> "%s"; echo "D %s"; echo OK;; *) echo OK;; esac
done
"""


def test_a_dialog_that_answers_by_itself(box):
    programs = box.dir / "programs"
    programs.mkdir()
    asked = box.dir / "asked"
    (programs / "pinentry").write_text(PINENTRY % (asked, PASSWORD))
    (programs / "pinentry").chmod(0o755)
    serve = box.serve(box.upstream(talk_http()))
    env = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "DISPLAY": ":77"}
    with subprocess.Popen([KEYPLATE, "open", serve.at, "--user", "admin", "--no-browser",
                           "--no-save"], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          stdin=subprocess.DEVNULL, start_new_session=True) as program:
        url = opened(program.stdout.readline().decode())
        serve.stop()
        wrong = box.serve(serve.upstream, listen=(serve.at,),
                          credentials=box.credentials((("admin", OTHER),)))
        curl(url, user=None)
        assert program.wait(15) == 3 and PROOF.encode() in program.stderr.read()
    assert wrong.log().count("proof-failed") == 3 and asked.read_text().count("asked") == 3


def test_the_end_of_input_after_a_cut_is_no_proof(box):
    """Status 3 says that the proof failed, and nothing else."""
    serve = box.serve(box.upstream(talk_http()))
    switch = Switch(box, serve)
    terminal, url = open_on_terminal(switch.at, "--no-save")
    real = box.serve(serve.upstream, credentials=serve.credentials)

    def cut(sock):
        with socket.create_connection(("127.0.0.1", real.port)) as far:
            far.sendall(sock.recv(65536))
            sock.sendall(far.recv(65536))
            sock.recv(65536)

    switch.talk = cut
    box.upstreams[-1].talk = cut
    page(url)
    terminal.expect("Password of admin")
    terminal.expect(": ")
    terminal.type("\x04")
    assert terminal.wait() == 1


# ---- Whose files ------------------------------------------------------------------------------

def test_who_can_t_become_the_person_touches_nothing(box):
    """Where another user can't be become, as in a namespace of one user."""
    args = ["unshare", "--user", "--map-root-user"]
    if subprocess.run([*args, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no namespaces of users")
    heard = box.upstream(lambda sock: sock.recv(1))
    env = {**os.environ, "SUDO_UID": "65534"}
    done = subprocess.run([*args, KEYPLATE, *box.connect_args(heard, saves=True)], input=REQUEST,
                          capture_output=True, env=env, check=False)
    assert done.returncode == 1 and b"as the user who typed sudo" in done.stderr, done.stderr
    assert heard.seen == [] and not os.path.exists(os.environ["XDG_STATE_HOME"])
    done = subprocess.run([*args, KEYPLATE, "devices", "forget", "boiler"], capture_output=True,
                          env=env, check=False)
    assert done.returncode == 1 and b"as the user who typed sudo" in done.stderr, done.stderr


# ---- Names ------------------------------------------------------------------------------------

@pytest.mark.parametrize("host", ["h\u009b31m", "h\u202egnp", "h\u00e4user.example", "h;id", "h'x"])
def test_the_letters_of_an_address(box, host):
    for target in (host, f"{host}:443", f"https://{host}/", f"keyplate://ID@{host}/?v=1"):
        done = connect(box, target) if "https" not in target else subprocess.run(
            [KEYPLATE, "open", target, "--user", "admin", "--password-file", box.secret()],
            capture_output=True, check=False)
        assert done.returncode == 2 and b"a character that no address has" in done.stderr
        assert done.stderr.isascii() and done.stderr.count(b"\n") == 1


def test_a_label_is_no_name(box):
    """However it is typed: user names, ids and addresses go over the wire in the clear."""
    label = subprocess.run([KEYPLATE, "passwd", "add", "--credentials", box.dir / "c", "--user", "a",
                            "--generate", "--group", "2048"], capture_output=True, text=True,
                           check=True).stdout.strip()
    heard = box.upstream(lambda sock: sock.recv(1))
    bare = label.replace("-", "")
    typed = (label, label.upper(), bare, bare.upper(), f" {label}", f"{bare}  ", bare.capitalize())
    for word in typed:
        for args in ((heard.at, "--user", word), (heard.at, "--user", "a", "--device-id", word),
                     (word, "--user", "a"), (f"{word.strip()}:443", "--user", "a"),
                     (f"keyplate://ID@{word.strip()}/?v=1", "--user", "a")):
            for command in ("connect", "open"):
                done = subprocess.run([KEYPLATE, command, *args, "--no-save", "--password-file",
                                       box.secret()], capture_output=True, text=True, check=False)
                assert done.returncode == 2 and "looks like the label's password" in done.stderr, \
                    (args, done)
                assert word.strip() not in done.stderr
    assert heard.seen == []


@pytest.mark.parametrize("device_id, args, words", [
    ("K7.F_3-9", (), "--device-id 'K7.F_3-9'"),
    ("$(touch pwned)`id`", (), "the id that keyplate devices list has for 127-0-0-1"),
    ("--verbose", (), "the id that keyplate devices list has for 127-0-0-1"),
    ("K7F3", ("--tls", "1.2"), "keyplate devices forget 127-0-0-1"),
    ("$(id)", ("--tls", "1.2"), "keyplate devices forget 127-0-0-1"),
])
def test_what_is_suggested_for_one_that_moved(box, device_id, args, words):
    """No command holds a word of the device's that a shell would run, and each one works."""
    credentials = box.dir / "credentials"
    box.passwd("add", credentials, "admin", PASSWORD, "--group", "2048", f"--device-id={device_id}")
    first = device(box, None, *args, credentials=credentials)
    assert connect(box, first).returncode == 0
    second = device(box, None, *args, credentials=credentials)
    line = connect(box, second).stderr.decode().splitlines()[-1]
    assert "says that it is 127-0-0-1" in line and words in line, line
    if device_id != "K7.F_3-9":
        assert device_id not in line
    if args:
        assert devices("forget", "127-0-0-1").returncode == 0
        assert connect(box, second).returncode == 0
    else:
        done = connect(box, second, f"--device-id={device_id}")
        assert done.returncode == 0 and spoke(done) == "1.3 ietf", done.stderr
    assert saved()["127-0-0-1"]["address"] == second.at


def test_columns_can_t_be_faked(box):
    write(r"a 192.0.2.7:1 admin\x20\x20K7F3 ad\x20min 1.2 0", r'b 192.0.2.7:2 x"y\x5c a@b.c 1.2 0')
    lines = devices("list").stdout.splitlines()
    assert lines[1].endswith('  "ad min"  "admin  K7F3"')
    assert re.search(r'  a@b\.c +"x\\x22y\\x5c"$', lines[2]), lines[2]
