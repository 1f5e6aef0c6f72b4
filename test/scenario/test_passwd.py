"""keyplate passwd as a person or a script uses it: each action, each wrong way to use it, and the
ways a password comes in. KEYPLATE_BUILD names the build directory (default: build).

Every test has its goal on top. Commands run in a session of their own, so that they have no
terminal unless the test gives them one."""
import fcntl
import os
import pathlib
import pty
import re
import select
import signal
import stat
import subprocess
import sys
import tempfile
import termios
import time

import pytest

from passwd_tool import PROGRAM, passwd  # noqa: F401

LABEL = re.compile(r"^[2-9a-km-np-z]{5}-[2-9a-km-np-z]{5}-[2-9a-km-np-z]{5}$")
ALPHABET = "23456789abcdefghijkmnpqrstuvwxyz"


# ---- The actions -----------------------------------------------------------------------------

def test_01_add_makes_the_file(passwd):
    """Goal: the first add makes a private file with a random device id, which list prints first."""
    passwd.add("admin", "kestrel-4711\n")
    assert stat.S_IMODE(passwd.file.stat().st_mode) == 0o600
    lines = passwd.ok("list").splitlines()
    assert re.fullmatch(r"device id: [2-9a-km-np-z]{16}", lines[0])
    assert lines[1:] == ["admin\tgroup 3072\tgeneration 1\tTLS 1.2, TLS 1.3"]
    assert [p.name for p in passwd.directory.iterdir() if "password" not in p.name] == [
        "credentials"]


@pytest.mark.parametrize("bits", [2048, 3072, 4096, 6144, 8192])
def test_02_groups(passwd, bits):
    """Goal: --group and --device-id are the new file's, and the password fits in every group."""
    passwd.add("admin", "kestrel-4711", "--group", bits, "--device-id", "Rack 7/Ünit")
    assert passwd.ok("list") == \
        f"device id: Rack 7/Ünit\nadmin\tgroup {bits}\tgeneration 1\tTLS 1.2, TLS 1.3\n"
    assert passwd.check("admin", "kestrel-4711") == 0
    assert passwd.check("admin", "kestrel-4712") == 3


def test_03_header_stays(passwd):
    """Goal: an existing file keeps its group and device id; the same ones may be said again."""
    passwd.add("a", "password", "--group", 2048, "--device-id", "one")
    pw = passwd.password("password")
    passwd.fails(2, "leave --group out", "add", "--user", "b", "--password-file", pw, "--group",
                 4096)
    passwd.fails(2, "leave --device-id out", "add", "--user", "b", "--password-file", pw,
                 "--device-id", "two")
    passwd.add("b", "password", "--group", 2048, "--device-id", "one")


def test_04_change_and_generations(passwd):
    """Goal: generations rise with each change, over remove and add as well; old passwords end."""
    passwd.add("a", "first")
    passwd.add("b", "other")
    passwd.ok("change", "--user", "a", "--password-file", passwd.password("the second"))
    assert passwd.check("a", "first") == 3
    assert passwd.check("a", "the second") == 0
    assert passwd.check("b", "other") == 0
    passwd.ok("remove", "--user", "a")
    passwd.add("a", "third")
    assert [u[:3] for u in passwd.users()] == [["b", "group 3072", "generation 2"],
                                               ["a", "group 3072", "generation 4"]]


def test_05_generate(passwd):
    """Goal: --generate prints the password alone on one line of stdout, and it is the user's."""
    made = passwd.ok("add", "--user", "admin", "--generate")
    assert made.endswith("\n") and LABEL.match(made[:-1])
    letters = [ALPHABET.index(c) for c in made[:-1].replace("-", "")]
    total, weight = 0, 1
    for letter in letters:  # the sum of a^i c_i in GF(32) is zero
        product = 0
        for bit in range(5):
            if letter >> bit & 1:
                product ^= weight << bit
        for bit in range(9, 4, -1):
            if product >> bit & 1:
                product ^= 0x25 << (bit - 5)
        total ^= product
        weight <<= 1
        weight = weight ^ 0x25 if weight & 32 else weight
    assert total == 0
    assert passwd.check("admin", made) == 0
    changed = passwd.ok("change", "--user", "admin", "--generate")
    assert LABEL.match(changed[:-1]) and changed != made
    assert passwd.check("admin", made) == 3
    passwd.fails(2, "--generate", "change", "--user", "admin", "--generate", "--password-file",
                 passwd.password("x"))


def test_06_check_statuses(passwd):
    """Goal: check ends with 0 for the right password, 3 for a wrong one and for an unknown name
    with the same sentence, 1 when there is no file."""
    assert passwd.check("admin", "x") == 1
    passwd.add("admin", "x")
    assert passwd.check("admin", "x") == 0
    pw = passwd.password("y")
    sentences = {passwd("check", "--user", name, "--password-file", pw).stderr
                 for name in ("admin", "nobody")}
    assert sentences == {b"keyplate passwd: wrong name or password\n"}
    assert passwd.check("nobody", "x") == 3


def test_07_existing_and_missing_users(passwd):
    """Goal: add never replaces a user; change, remove and export want one that is there."""
    passwd.fails(1, "is not there", "remove", "--user", "admin")
    passwd.fails(1, "is not there", "list")
    passwd.add("admin", "x")
    passwd.fails(1, "already", "add", "--user", "admin", "--password-file", passwd.password("y"))
    assert passwd.check("admin", "x") == 0
    for action in (["change", "--password-file", passwd.password("y")], ["remove"], ["export"]):
        passwd.fails(1, "no user bob", action[0], "--user", "bob", *action[1:])


def test_08_names(passwd):
    """Goal: names are NFC, any of the allowed ones survive the file and are printed unambiguously;
    the others are refused with what is wrong."""
    for name in ("a b", "back\\slash", "quote\"'", "ünïcode", "-", "#x", "x" * 255):
        passwd.ok("add", f"--user={name}", "--password-file", passwd.password("pässword"))
        assert passwd("check", f"--user={name}", "--password-file",
                      passwd.password("pässword")).returncode == 0
    assert [u[0] for u in passwd.users()] == ["a b", "back\\x5cslash", "quote\\x22'", "ünïcode", "-",
                                              "#x", "x" * 255]
    # e and a combining accent are the same name and the same password as the one character.
    passwd.add("cafe\u0301", "cafe\u0301")
    assert passwd.check("caf\u00e9", "caf\u00e9") == 0
    passwd.fails(1, "already", "add", "--user", "caf\u00e9", "--password-file",
                 passwd.password("x"))
    for name, words in ((b"", "is empty"), (b"a:b", "':'"), (b"a\nb", "control"),
                        (b"\xff", "UTF-8"), (b"x" * 256, "too long"), (b"a\xc2\x85", "control"),
                        (b" a", "begins or ends with a space"), (b"a ", "with a space")):
        passwd.fails(2, words, "add", "--password-file", passwd.password("x"),
                     "--user=" + os.fsdecode(name))


def test_09_output_that_cannot_be_written(passwd):
    """Goal: a full disk behind stdout is an error, not silence."""
    passwd.add("admin", "x")
    with open("/dev/full", "wb") as full:
        done = subprocess.run([PROGRAM, "passwd", "list", "--credentials", passwd.file],
                              stdout=full, stderr=subprocess.PIPE, env=passwd.env, check=False)
    assert done.returncode == 1
    assert b"standard output" in done.stderr


@pytest.mark.parametrize("stdout", ["full", "closed"])
@pytest.mark.parametrize("action", ["add", "change"])
def test_10_generated_password_that_cannot_be_shown(passwd, action, stdout):
    """Goal: a password that nobody saw is not in force, and is written nowhere else."""
    if action == "change":
        passwd.add("admin", "kestrel-4711")
    before = passwd.file.read_bytes() if passwd.file.exists() else None
    argv = [PROGRAM, "passwd", action, "--user", "admin", "--generate", "--credentials",
            passwd.file]
    closed = {"preexec_fn": lambda: os.close(1)} if stdout == "closed" else {}
    with open("/dev/full", "wb") as full:
        done = subprocess.run(argv, stdout=full, stderr=subprocess.PIPE, env=passwd.env,
                              check=False, **closed)
    assert done.returncode == 1
    assert b"cannot write to standard output" in done.stderr
    assert b"nothing was changed" in done.stderr
    assert before == (passwd.file.read_bytes() if passwd.file.exists() else None)
    assert not list(passwd.directory.glob(".*"))


def test_11_generated_password_comes_first(passwd):
    """Goal: while the password can't be printed the old one is in force; and if it is printed and
    then the file can't be renamed, that is said."""
    passwd.add("admin", "kestrel-4711")
    before = passwd.file.read_bytes()
    read, write = os.pipe()
    fcntl.fcntl(write, 1031, 4096)  # F_SETPIPE_SZ
    os.set_blocking(write, False)
    with pytest.raises(BlockingIOError):
        while True:
            os.write(write, b"x")
    os.set_blocking(write, True)
    process = subprocess.Popen([PROGRAM, "passwd", "change", "--user", "admin", "--generate",
                                "--credentials", passwd.file], stdout=write,
                               stderr=subprocess.PIPE, env=passwd.env)
    os.close(write)
    assert b"shown this once" in process.stderr.readline()
    time.sleep(0.2)
    assert process.poll() is None and passwd.file.read_bytes() == before
    passwd.file.unlink()
    passwd.file.mkdir()
    with os.fdopen(read, "rb") as pipe:
        assert LABEL.match(pipe.read().decode().strip()[-17:])
    error = process.stderr.read()
    process.stderr.close()
    assert process.wait(20) == 1
    assert b"the password that was printed is NOT in force" in error
    assert not list(passwd.directory.glob(".*"))


def test_12_closed_descriptors(passwd):
    """Goal: without standard descriptors nothing is read from or printed into the files."""
    def close_all():
        for fd in range(3):
            os.close(fd)
    argv = [PROGRAM, "passwd", "add", "--credentials", passwd.file, "--user"]
    made = subprocess.run([*argv, "a", "--generate"], env=passwd.env, preexec_fn=close_all,
                          check=False)
    assert made.returncode == 1 and not passwd.file.exists()
    read = subprocess.run([*argv, "a", "--password-fd", "0"], env=passwd.env,
                          preexec_fn=close_all, check=False)
    assert read.returncode == 1 and not passwd.file.exists()
    added = subprocess.run([*argv, "a", "--password-file", passwd.password("kestrel-4711")],
                           env=passwd.env, preexec_fn=close_all, check=False)
    assert added.returncode == 0 and passwd.check("a", "kestrel-4711") == 0


def test_13_what_was_done_is_said(passwd):
    """Goal: stderr says in a line what was done, and after a new password the link for the label;
    stdout stays empty."""
    pw = passwd.password("kestrel-4711")
    link = "keyplate passwd: link for the label: keyplate://unit%207/?v=1&user=admin"
    added = passwd("add", "--user", "admin", "--password-file", pw, "--device-id", "unit 7")
    assert added.stdout == b"" and added.stderr.decode().splitlines()[1:] == [
        f"keyplate passwd: admin was added to {passwd.file}", link]
    changed = passwd("change", "--user", "admin", "--password-file", pw)
    assert changed.stdout == b"" and changed.stderr.decode() == \
        f"keyplate passwd: the password of admin was changed in {passwd.file}\n{link}\n"
    removed = passwd("remove", "--user", "admin")
    assert removed.stdout == b"" and removed.stderr.decode() == \
        f"keyplate passwd: admin was removed from {passwd.file}\n"


def salts(passwd):
    rows = [line.split(" ") for line in passwd.file.read_text().splitlines()]
    return {row[1]: row[3].split(":")[1] for row in rows if row[0] == "user"}


def test_14_salts_stay(passwd):
    """Goal: a name's salt is the same after change and after remove and add; each name and each
    file has its own."""
    passwd.add("a", "first password")
    passwd.add("b", "first password")
    first = salts(passwd)
    assert first["a"] != first["b"]
    passwd.ok("change", "--user", "a", "--password-file", passwd.password("second password"))
    assert salts(passwd) == first and passwd.check("a", "second password") == 0
    passwd.ok("remove", "--user", "a")
    passwd.add("a", "third password")
    assert salts(passwd) == first
    passwd.file = passwd.directory / "another"
    passwd.add("a", "first password")
    assert salts(passwd)["a"] != first["a"]


# ---- Passwords -------------------------------------------------------------------------------

def test_20_password_files(passwd):
    """Goal: one newline is dropped and no more; what can't be typed is refused with its reason."""
    passwd.add("admin", "two words \n")
    assert passwd.check("admin", "two words ") == 0
    assert passwd.check("admin", "two words") == 3
    done = passwd("check", "--user", "admin", "--password-file", passwd.password("two words \n"))
    assert done.returncode == 0 and b"ends with a space" in done.stderr
    for content, words in ((b"", "is empty"), (b"\n", "is empty"), (b"a\r\n", "carriage return"),
                           (b"a\n\n", "control"), (b"a\0b", "control"), (b"\xff", "UTF-8"),
                           (b"x" * 1025, "too long"), (b"x" * 5000, "longer than 1024")):
        passwd.fails(1, words, "add", "--user", "b", "--password-file", passwd.password(content))
    # What can't be a file's name may be the password itself.
    for word in ("S3CRET", "S3CRET/x", "S3CRET" * 100):
        passwd.fails(1, "--password-file names", "add", "--user", "b", "--password-file", word)
        done = passwd("add", "--user", "b", "--password-file", word)
        assert b"S3CRET" not in done.stderr
    passwd.fails(1, "directory", "add", "--user", "b", "--password-file", passwd.directory)
    passwd.add("longest", "x" * 1024 + "\n")
    assert passwd.check("longest", "x" * 1024) == 0


def test_21_password_fd(passwd):
    """Goal: --password-fd reads any descriptor to its end; a wrong one is said to be."""
    passwd.ok("add", "--user", "a", "--password-fd", "0", data=b"from stdin\n")
    assert passwd.check("a", "from stdin") == 0
    read, write = os.pipe()
    os.write(write, b"from a pipe")
    os.close(write)
    passwd.ok("add", "--user", "b", "--password-fd", read, pass_fds=[read])
    os.close(read)
    assert passwd.check("b", "from a pipe") == 0
    passwd.fails(1, "Bad file descriptor", "add", "--user", "c", "--password-fd", "99")
    passwd.fails(2, "is a number", "add", "--user", "c", "--password-fd", "one")
    assert b"S3CRET" not in passwd("add", "--user", "c", "--password-fd", "S3CRET").stderr
    passwd.fails(2, "exclude each other", "add", "--user", "c", "--password-fd", "0",
                 "--password-file", passwd.password("x"))


def test_22_warnings(passwd):
    """Goal: an open password file and a mistyped label are warned of, and used all the same."""
    done = passwd("add", "--user", "a", "--password-file", passwd.password("x", 0o644))
    assert done.returncode == 0 and b"warning: others can read" in done.stderr
    label = passwd.ok("add", "--user", "b", "--generate").strip()
    wrong = label[:-1] + ("2" if label[-1] != "2" else "3")
    done = passwd("check", "--user", "b", "--password-file", passwd.password(wrong))
    assert done.returncode == 3 and b"typing error" in done.stderr
    done = passwd("check", "--user", "b", "--password-file", passwd.password(label))
    assert done.returncode == 0 and done.stderr == b""


def test_23_no_way_to_ask(passwd):
    """Goal: without a terminal, a file or pinentry there is one plain sentence."""
    passwd.fails(1, "no terminal", "add", "--user", "a")
    passwd.fails(2, "--user NAME is missing", "add", "--password-file", passwd.password("x"))


class Terminal:
    """The command with a terminal of its own; the test keeps both ends, to see the echo flag."""

    def __init__(self, passwd, argv):
        self.screen, self.seen = b"", 0
        self.master, self.slave = pty.openpty()
        self.process = subprocess.Popen(
            [PROGRAM, "passwd", *argv, "--credentials", passwd.file], env=passwd.env,
            stdin=self.slave, stdout=self.slave, stderr=self.slave, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)
        os.close(self.slave)

    def echo(self):
        return bool(termios.tcgetattr(self.slave)[3] & termios.ECHO)

    def read(self):
        while select.select([self.master], [], [], 0.05)[0]:
            self.screen += os.read(self.master, 4096)

    def wait_for(self, words):
        deadline = time.monotonic() + 20
        while words.encode() not in self.screen[self.seen:]:
            assert time.monotonic() < deadline and self.process.poll() is None, self.screen
            self.read()
        self.seen = self.screen.index(words.encode(), self.seen) + len(words.encode())

    def end(self):
        status = self.process.wait(30)
        self.read()
        return status, self.screen.decode()


def on_terminal(passwd, argv, dialogue):
    """dialogue: (what the command prints, what is typed then). Its exit status and the screen."""
    with Terminal(passwd, argv) as terminal:
        for words, typed in dialogue:
            terminal.wait_for(words)
            assert terminal.echo() == words.startswith("User"), terminal.screen
            os.write(terminal.master, typed.encode())
        status, screen = terminal.end()
        assert terminal.echo()
        return status, screen


def test_24_terminal(passwd):
    """Goal: a new password is asked for twice without echo; the name with an offer."""
    status, screen = on_terminal(passwd, ["add"], [("User [admin]: ", "\n"),
                                                   ("New password of admin: ", "hunter two\n"),
                                                   ("The same again: ", "hunter two\n")])
    assert status == 0, screen
    assert "hunter" not in screen
    assert passwd.check("admin", "hunter two") == 0
    status, screen = on_terminal(passwd, ["check", "--user", "admin"],
                                 [("Password of admin: ", "hunter three\n")])
    assert status == 3, screen
    status, screen = on_terminal(passwd, ["change", "--user", "admin"],
                                 [("New password of admin: ", "one\n"),
                                  ("The same again: ", "two\n")])
    assert status == 1 and "differ" in screen
    status, screen = on_terminal(passwd, ["check", "--user", "admin"],
                                 [("Password of admin: ", "\x04")])
    assert status == 1 and "no password was given" in screen
    status, screen = on_terminal(passwd, ["check", "--user", "admin"],
                                 [("Password of admin: ", "\n")])
    assert status == 1 and "is empty" in screen


def test_25_terminal_label_typo(passwd):
    """Goal: at a terminal a mistyped label can be typed again, or used as it is."""
    label = passwd.ok("add", "--user", "admin", "--generate").strip()
    wrong = label[1] + label[0] + label[2:] if label[0] != label[1] else \
        ("2" if label[0] != "2" else "3") + label[1:]
    status, screen = on_terminal(passwd, ["check", "--user", "admin"],
                                 [("Password of admin: ", wrong + "\n"),
                                  ("use it as it is: ", label + "\n")])
    assert status == 0, screen
    status, screen = on_terminal(passwd, ["check", "--user", "admin"],
                                 [("Password of admin: ", wrong + "\n"),
                                  ("use it as it is: ", "\n")])
    assert status == 3, screen
    assert label not in screen and wrong not in screen


def test_25b_labels_as_typed(passwd):
    """Goal: a label's password typed in capitals or without its hyphens is the label's, at the
    terminal and in a file, for new passwords too; that is said, without the password."""
    label = passwd.ok("add", "--user", "admin", "--generate").strip()
    said = b"taken as a label password, in lower case with its hyphens"
    for typed in (label.upper(), label.replace("-", ""), label.replace("-", "").upper(),
                  label.capitalize()):
        status, screen = on_terminal(passwd, ["check", "--user", "admin"],
                                     [("Password of admin: ", typed + "\n")])
        assert status == 0 and (said.decode() in screen) == (typed != label), screen
        assert typed not in screen and label not in screen
        done = passwd("check", "--user", "admin", "--password-file", passwd.password(typed))
        assert done.returncode == 0 and (said in done.stderr) == (typed != label)
    passwd.ok("remove", "--user", "admin")
    status, screen = on_terminal(passwd, ["add", "--user", "admin"],
                                 [("New password of admin: ", label.upper() + "\n"),
                                  ("The same again: ", label.replace("-", "") + "\n")])
    assert status == 0 and screen.count(said.decode()) == 1, screen
    assert passwd.check("admin", label) == 0


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_26_echo_comes_back(passwd, how):
    """Goal: a signal during the question ends the command as ever, and the echo is on again."""
    passwd.add("admin", "x")
    before = passwd.file.read_bytes()
    with Terminal(passwd, ["change", "--user", "admin"]) as terminal:
        terminal.wait_for("New password of admin: ")
        assert not terminal.echo()
        os.write(terminal.master, b"half a pass")
        terminal.process.send_signal(how)
        status, screen = terminal.end()
        assert terminal.echo()
    assert status == -how, screen
    assert "half" not in screen
    assert passwd.file.read_bytes() == before


def test_27_stopped_and_continued(passwd):
    """Goal: Ctrl-Z gives the echo back while the command is stopped; it asks again afterwards."""
    passwd.add("admin", "x")
    with Terminal(passwd, ["check", "--user", "admin"]) as terminal:
        terminal.wait_for("Password of admin: ")
        # A process of no job-control shell can't be stopped by SIGTSTP: it goes on at once.
        terminal.process.send_signal(signal.SIGTSTP)
        terminal.wait_for("Password of admin: ")
        assert not terminal.echo()
        os.write(terminal.master, b"x\n")
        assert terminal.end()[0] == 0
        assert terminal.echo()


PINENTRY = f"#!{sys.executable}\n" + """
import os, sys
def say(line):
    print(line, flush=True)
say("OK Pleased to meet you")
answers = open(os.environ["HOME"] + "/answers").read().split("\\n")
log = open(os.environ["HOME"] + "/log", "a")
for line in sys.stdin:
    print(line, end="", file=log, flush=True)
    if line.startswith("OPTION"):
        say("ERR 83886254 Unknown option")
    elif line.startswith("GETPIN"):
        if answers[0] == "cancel":
            say("ERR 83886179 Operation cancelled <Pinentry>")
        else:
            say("S PASSWORD_FROM_CACHE")
            say("D " + answers[0][:4])
            say("D " + answers[0][4:])
            say("OK")
    else:
        say("OK")
"""


def test_28_pinentry(passwd):
    """Goal: without a terminal but with a display the password comes from pinentry."""
    bin_directory = passwd.directory / "bin"
    bin_directory.mkdir()
    (bin_directory / "pinentry").write_text(PINENTRY)
    (bin_directory / "pinentry").chmod(0o755)
    passwd.env |= {"PATH": f"{bin_directory}:{passwd.env['PATH']}", "DISPLAY": ":77",
                   "HOME": str(passwd.directory)}
    answers, log = passwd.directory / "answers", passwd.directory / "log"
    answers.write_text("a%25b%20c\n")
    passwd.ok("add", "--user", "50% of all")
    assert passwd.check("50% of all", "a%b c") == 0
    assert "SETDESC New password of 50%25 of all\n" in log.read_text()
    assert "SETREPEAT" in log.read_text()
    answers.write_text("cancel\n")
    passwd.fails(1, "no password was given", "check", "--user", "50% of all")
    del passwd.env["DISPLAY"]
    passwd.fails(1, "no terminal", "check", "--user", "50% of all")


@pytest.mark.parametrize("password, weak", [
    ("seven77", True), ("eight888", False), ("ünïcöde", True), ("ünïcödes", False),
    ("480151623", True), ("4801516239", False)], ids=range(6))
def test_29_weak_passwords(passwd, password, weak):
    """Goal: add takes a short password, and change does if told to, with one warning that doesn't
    repeat it."""
    pw = passwd.password(password)
    for action, options in (("add", ()), ("change", ("--allow-weak",))):
        done = passwd(action, "--user", "admin", "--password-file", pw, *options)
        assert done.returncode == 0
        warned = b"warning: the password is " in done.stderr and b" short" in done.stderr
        assert warned == weak
        assert done.stderr.count(b"\n") == (action == "add") + 2 + weak
        assert password.encode() not in done.stderr
    assert passwd.check("admin", password) == 0


# ---- Wrong usage -----------------------------------------------------------------------------

@pytest.mark.parametrize("argv, words", [
    ([], "what to do is missing"),
    (["frobnicate"], "no such action: it is add, change,"),
    (["add", "--foo"], "unknown option --foo (see: keyplate help passwd)"),
    (["add", "-u", "x"], "two dashes"),
    (["add", "--user"], "--user needs a value"),
    (["add", "--user", "--generate"], "--user needs a value"),
    (["add", "--user", "a", "--user", "b"], "given twice"),
    (["add", "--generate=yes"], "takes no value"),
    (["add", "--user", "a", "--generate", "--group", "1024"], "2048|3072|4096|6144|8192"),
    (["add", "--user", "a", "--generate", "--group", ""], "2048|3072|4096|6144|8192"),
    (["add", "--user", "a", "--generate", "--device-id", ""], "device id is empty"),
    (["add", "--user", "a", "--generate", "--device-id", "a\tb"], "control"),
    (["add", "S3CRET", "--user", "a"], "one word too many for add"),
    (["add", "--user", "a", "b", "c", "d", "e", "S3CRET"], "one word too many for add"),
    (["S3CRET"], "no such action"),
    (["list", "--user", "a"], "--user has no use with list"),
    (["change", "--group", "2048"], "--group has no use with change"),
    (["remove", "--force"], "--force has no use with remove"),
    (["add", "--user", "a", "--generate", "--tls", "1.1"], "1.2|1.3|any"),
    (["change", "--user", "a", "--generate", "--tls", ""], "1.2|1.3|any"),
    (["import", "a", "--tls", "1.2"], "--tls has no use with import"),
    (["export", "--allow-tls12"], "--allow-tls12 has no use with export"),
    (["check", "--generate"], "--generate has no use with check"),
    (["export", "--format", "pem"], "openssl|gnutls"),
    (["export", "a", "b"], "second file"),
    (["import"], "which file"),
    (["reset"], "--factory FILE is missing"),
    (["reset", "--factory", "a", "b"], "one word too many for reset"),
    (["reset", "--factory", "a", "--user", "b"], "--user has no use with reset"),
    (["add", "--allow-weak"], "--allow-weak has no use with add"),
    (["change", "--factory", "a"], "--factory has no use with change"),
    (["import", "a", "b", "c", "d"], "one word too many"),
])
def test_30_wrong_usage(passwd, argv, words):
    """Goal: wrong usage ends with 2 and one line that says what to do, and makes no file."""
    done = passwd.run(*argv, "--credentials", passwd.file)
    assert done.returncode == 2, done.stderr
    assert words in done.stderr.decode() and done.stderr.count(b"\n") == 1
    assert b"S3CRET" not in done.stderr + done.stdout
    assert not passwd.file.exists()


def test_31_help(passwd):
    """Goal: help is within 80 columns, the same both ways, and names every action and option."""
    texts = [subprocess.run([PROGRAM, *argv], capture_output=True, text=True, check=True).stdout
             for argv in (["help", "passwd"], ["passwd", "--help"], ["passwd", "add", "-h"])]
    assert len(set(texts)) == 1
    assert max(map(len, texts[0].splitlines())) <= 80
    for word in ("add", "change", "remove", "list", "check", "import", "export", "--credentials",
                 "--user", "--password-file", "--password-fd", "--generate", "--group",
                 "--device-id", "--format", "--force", "--tls", "--allow-tls12", "--allow-weak", "reset",
                 "--factory"):
        assert word in texts[0]
    done = subprocess.run([PROGRAM, "help", "nothing"], capture_output=True, check=False)
    assert done.returncode == 2 and b"no such command" in done.stderr
    done = subprocess.run([PROGRAM], capture_output=True, check=False)
    assert done.returncode == 2 and b"usage:" in done.stderr
    done = subprocess.run([PROGRAM, "--version"], capture_output=True, check=False)
    assert done.returncode == 0 and re.fullmatch(rb"keyplate \d+\.\d+\.\d+\n", done.stdout)
    done = subprocess.run([PROGRAM, "--help"], capture_output=True, check=False)
    assert done.returncode == 0 and max(map(len, done.stdout.splitlines())) <= 80


# ---- Files that are not as they should be ----------------------------------------------------

def test_40_unsafe_files(passwd):
    """Goal: a file that others can use, or that is no file, is refused with what to do."""
    passwd.add("admin", "x")
    for mode in (0o640, 0o604, 0o620):
        passwd.file.chmod(mode)
        passwd.fails(1, "chmod 600", "list")
        passwd.fails(1, "chmod 600", "remove", "--user", "admin")
    passwd.file.chmod(0o600)
    content = passwd.file.read_bytes()
    passwd.file.unlink()
    passwd.file.mkdir()
    done = passwd("list")
    assert done.returncode == 1 and b"not a regular file" in done.stderr
    passwd.file.rmdir()
    passwd.file.write_bytes(content)
    assert passwd("list").returncode == 1  # 0644 or so, whatever the umask
    missing = passwd.run("add", "--user", "a", "--generate", "--credentials",
                         passwd.directory / "no" / "where")
    assert missing.returncode == 1 and missing.stdout == b"" and b"/no" in missing.stderr


def test_41_damaged_lines_are_named(passwd):
    """Goal: whichever line is damaged, every action refuses, names the line and changes nothing."""
    passwd.add("admin", "x")
    passwd.add("bob", "y")
    lines = passwd.file.read_bytes().split(b"\n")
    good = passwd.file.read_bytes()
    for number, line in enumerate(lines[:-1], 1):
        damaged = lines.copy()
        damaged[number - 1] = line[:len(line) // 2] + b"?" + line[len(line) // 2 + 1:]
        passwd.file.write_bytes(b"\n".join(damaged))
        passwd.fails(1, f"line {number}: ", "list")
        passwd.fails(1, f"line {number}: ", "add", "--user", "c", "--generate")
        passwd.fails(1, f"line {number}: ", "remove", "--user", "admin")
    passwd.file.write_bytes(good[:-1])
    passwd.fails(1, "cut off", "list")
    passwd.file.write_bytes(b"\n".join(lines[:-2]) + b"\n")
    passwd.fails(1, "cut off", "list")
    passwd.file.write_bytes(b"")
    passwd.fails(1, "empty", "list")
    passwd.file.write_bytes(good.replace(b"credentials 2", b"credentials 3", 1))
    passwd.fails(1, "version 3", "list")


def test_42_owner_and_mode_stay(passwd):
    """Goal: a rewrite keeps the mode and, where we may set it, the owner; links are followed."""
    passwd.add("admin", "x")
    passwd.file.chmod(0o400)
    if os.geteuid() == 0:
        os.chown(passwd.file, 12345, 23456)
    link = passwd.directory / "link"
    link.symlink_to(passwd.file)
    done = passwd.run("add", "--user", "b", "--password-file", passwd.password("y"),
                      "--credentials", link)
    assert done.returncode == 0, done.stderr
    status = passwd.file.stat()
    assert link.is_symlink()
    assert stat.S_IMODE(status.st_mode) == 0o400
    if os.geteuid() == 0:
        assert (status.st_uid, status.st_gid) == (12345, 23456)
    assert len(passwd.users()) == 2


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("mode,given", [(0o700, True), (0o755, True), (0o1777, False)])
def test_42_what_root_makes_for_a_service(passwd, mode, given):
    """Goal: a file that root makes in a service's folder is one that the service can read."""
    folder = passwd.directory / "service"
    folder.mkdir()
    os.chown(folder, 12345, 23456)
    folder.chmod(mode)
    file = folder / "credentials"
    done = passwd.run("add", "--user", "admin", "--password-file", passwd.password("x"),
                      "--credentials", file)
    assert done.returncode == 0, done.stderr
    status = file.stat()
    assert stat.S_IMODE(status.st_mode) == 0o600
    assert (status.st_uid == 12345) == given and (status.st_gid == 23456) == given


@pytest.mark.skipif(os.geteuid() != 0, reason="wants to be another user for a while")
def test_43_somebody_elses_file(passwd):
    """Goal: who isn't root neither uses nor changes a file of another user."""
    def become():
        os.setgid(23456)
        os.setuid(23456)

    with tempfile.TemporaryDirectory() as directory:
        os.chown(directory, 23456, 23456)
        passwd.file = pathlib.Path(directory) / "credentials"
        passwd.add("admin", "x")
        os.chown(passwd.file, 12345, 12345)
        try:
            done = passwd("list", preexec_fn=become)
        except PermissionError:
            pytest.skip("the program can't be run by others")
        assert done.returncode == 1 and b"Permission denied" in done.stderr
        before = passwd.file.read_bytes()
        done = passwd("add", "--user", "b", "--generate", preexec_fn=become)
        assert done.returncode == 1 and done.stdout == b""
        assert passwd.file.read_bytes() == before


def test_44_no_secret_in_the_open(passwd):
    """Goal: neither the file nor any output holds the password, nor the command line another's."""
    done = passwd("add", "--user", "admin", "--password-file", passwd.password("kestrel-4711"))
    assert b"kestrel" not in done.stdout + done.stderr + passwd.file.read_bytes()


def test_45_directory_that_is_missing(passwd):
    """Goal: add says how to make the directory, before it asks for anything."""
    missing = passwd.directory / "missing"
    passwd.file = missing / "credentials"
    for argv in ([], ["--user", "admin"], ["--generate"]):
        done = passwd("add", *argv)
        assert done.returncode == 1 and done.stdout == b""
        assert done.stderr.decode() == \
            f"keyplate passwd: the directory {missing} is not there: mkdir -m 700 {missing}\n"
    with Terminal(passwd, ["add"]) as terminal:
        status, screen = terminal.end()
    assert status == 1 and "User" not in screen and "mkdir" in screen
    missing.mkdir(0o700)
    passwd.add("admin", "kestrel-4711")


def test_46_unrelated_files_stay(passwd):
    """Goal: neither rewriting nor exporting touches a FILE.new, or any file but its own."""
    export = passwd.directory / "export"
    for path in (passwd.file, export):
        path.with_suffix(".new").write_text("precious")
    passwd.add("admin", "kestrel-4711")
    passwd.ok("export", export)
    for path in (passwd.file, export):
        assert path.with_suffix(".new").read_text() == "precious"
    assert not list(passwd.directory.glob(".*"))
    export.unlink()
    export.symlink_to("nowhere")
    done = passwd("export", export)
    assert done.returncode == 1 and b"there already" in done.stderr
    assert export.is_symlink() and not (passwd.directory / "nowhere").exists()
