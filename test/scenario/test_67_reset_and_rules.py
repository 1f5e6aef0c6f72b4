"""Goal: a password that is soon guessed isn't set by a person's change; and the reset button brings
back what the label says, whatever became of the credentials, and lets nobody in by what was before.
"""
import hashlib
import os
import pwd
import random
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import threading
import time

import pytest

from faults import preload
from gateways import BUILD, SANITIZED, box, curl, talk_echo, talk_http, until  # noqa: F401
from http_peers import Channel, Recorder, request
from passwd_tool import PROGRAM, passwd  # noqa: F401
from test_06_reload import echo_works
from test_17_serve_protocols import DEVICE, play, talk_pong
from test_36_disk_and_power import fill, litter, no_more_than, small_disk  # noqa: F401
from test_passwd import PINENTRY, on_terminal

from model13.driver import PING, PONG
from support.processes import talk

LABEL = "22222-22222-22222"  # a right one
OTHER = "another-pass-1"
KILLS = 40 if SANITIZED else 200
TLS12, TLS13 = "TLS 1.2", "TLS 1.3"

# ---- The rules ----------------------------------------------------------------------------------

WEAK = [
    ("seven77", "too short: it needs at least 8 characters"),
    ("Password1", "one of the most common ones"),
    ("11111111", "one of the most common ones"),
    ("ADMINISTRATOR", "the user's name"),
    ("sn-2100-0042", "the device's id"),
    ("éÉéÉéÉéÉ", "one character over and over"),
    ("jklmnopqrs", "a run of characters"),
    ("876543210987", "a run of characters"),
]


def at_first(passwd, password="the first one"):
    passwd.add("administrator", password, "--device-id", "SN-2100-0042", "--group", "2048")


@pytest.mark.parametrize("password, words", WEAK, ids=range(len(WEAK)))
def test_change_refuses(passwd, password, words):
    """From a file and from a descriptor: why, once, without the password; nothing is changed."""
    at_first(passwd)
    secret = passwd.password(password)
    passwd.fails(1, words, "change", "--user", "administrator", "--password-file", secret)
    passwd.fails(1, words, "change", "--user", "administrator", "--password-fd", "0",
                 data=password.encode())
    for options in ((), ("--tls", "1.3")):
        done = passwd("change", "--user", "administrator", "--password-file", secret, *options)
        assert b"nothing was changed (--allow-weak takes it all the same)" in done.stderr
        assert password.encode() not in done.stderr
    assert passwd.check("administrator", "the first one") == 0


@pytest.mark.parametrize("password, words", WEAK, ids=range(len(WEAK)))
def test_who_says_so_gets_it(passwd, password, words):
    """change with --allow-weak, and add, take it, and warn once."""
    at_first(passwd)
    secret = passwd.password(password)
    done = passwd("change", "--user", "administrator", "--password-file", secret, "--allow-weak")
    assert done.returncode == 0 and done.stderr.count(b"warning: the password is") == 1
    assert words in done.stderr.decode() and password.encode() not in done.stderr
    assert passwd.check("administrator", password) == 0
    passwd.ok("remove", "--user", "administrator")
    done = passwd("add", "--user", "administrator", "--password-file", secret)
    assert done.returncode == 0 and done.stderr.count(b"warning: the password is") == 1
    assert words in done.stderr.decode() and b"--generate" in done.stderr
    assert passwd.check("administrator", password) == 0


def test_what_is_fine(passwd):
    """No kind of character is asked for; the label's is fine, as printed and as typed; what was
    generated isn't judged; and none of them brings a warning."""
    at_first(passwd)
    for password in ("zebra horse", "kzqvwxbj", "80153942617", LABEL, LABEL.replace("-", "").upper(),
                     "gehört, gesagt"):
        done = passwd("change", "--user", "administrator", "--password-file",
                      passwd.password(password))
        assert done.returncode == 0 and b"warning" not in done.stderr, done.stderr
    done = passwd("change", "--user", "administrator", "--generate")
    assert done.returncode == 0 and b"warning" not in done.stderr


def test_long_ones_are_whole_or_refused(passwd):
    """Each of 1024 bytes counts; of more none is taken."""
    at_first(passwd)
    longest = ("correct horse battery staple, " * 40)[:1024]
    passwd.ok("change", "--user", "administrator", "--password-file", passwd.password(longest))
    assert passwd.check("administrator", longest) == 0
    assert passwd.check("administrator", longest[:-1]) == 3
    assert passwd.check("administrator", longest[:-1] + "#") == 3
    for much, words in ((1025, "is too long"), (2000, "longer than 1024 bytes"),
                        (100000, "longer than 1024 bytes")):
        passwd.fails(1, words, "change", "--user", "administrator", "--password-file",
                     passwd.password("kestrel " * (much // 8) + "x" * (much % 8)))
    # In NFC it is longer than as it was typed.
    passwd.fails(1, "too long", "change", "--user", "administrator", "--password-file",
                 passwd.password("\u0344" * 512))


def asked(password):
    return [("New password of administrator: ", password + "\n"),
            ("The same again: ", password + "\n")]


def test_asked_again(passwd):
    """At a terminal: why, and once more, three times in all."""
    at_first(passwd)
    status, screen = on_terminal(passwd, ["change", "--user", "administrator"],
                                 [*asked("short"), *asked("password"), *asked("zebra horse")])
    assert status == 0, screen
    assert screen.index("too short") < screen.index("most common ones")
    assert "zebra" not in screen
    assert passwd.check("administrator", "zebra horse") == 0
    before = passwd.file.read_bytes()
    status, screen = on_terminal(passwd, ["change", "--user", "administrator"],
                                 [*asked("short"), *asked("password"), *asked("87654321")])
    assert status == 1 and "nothing was changed" in screen
    assert screen.count("New password of") == 3
    assert passwd.file.read_bytes() == before
    assert passwd.check("administrator", "zebra horse") == 0


def test_asked_again_by_a_dialog(passwd):
    """Goal: pinentry's dialog says why the last one wasn't taken."""
    at_first(passwd)
    folder = passwd.directory / "bin"
    folder.mkdir()
    (folder / "pinentry").write_text(PINENTRY)
    (folder / "pinentry").chmod(0o755)
    passwd.env |= {"PATH": f"{folder}:{passwd.env['PATH']}", "DISPLAY": ":77",
                   "HOME": str(passwd.directory)}
    (passwd.directory / "answers").write_text("short\n")
    done = passwd("change", "--user", "administrator")
    assert done.returncode == 1 and b"too short" in done.stderr
    log = (passwd.directory / "log").read_text()
    assert log.count("GETPIN") == 3
    assert len(re.findall(r"^SETERROR the password is too short", log, re.M)) == 2
    assert passwd.check("administrator", "the first one") == 0


# ---- What a reset makes -------------------------------------------------------------------------

class Device:
    """A Passwd whose file is a copy of the factory's, which is in another folder."""

    made = None  # the factory's bytes: scrypt takes its time

    def __init__(self, made):
        self.passwd = made
        self.factory = made.directory / "factory" / "credentials"
        self.factory.parent.mkdir()
        made.file = self.factory
        if Device.made is None:
            made.add("admin", LABEL, "--group", "2048", "--device-id", DEVICE)
            made.add("vendor", LABEL, "--tls", "1.3")
            Device.made = self.factory.read_bytes()
        self.factory.touch(0o600)
        self.factory.write_bytes(Device.made)
        made.file = made.directory / "var" / "credentials"
        made.file.parent.mkdir()
        self.file = made.file
        self.copy()

    def copy(self):
        self.file.unlink(missing_ok=True)
        self.file.touch(0o600)
        self.file.write_bytes(self.factory.read_bytes())

    def change(self, user="admin", password=OTHER):
        self.passwd.ok("change", "--user", user, "--password-file",
                       self.passwd.password(password))

    def reset(self, **popen):
        """What it said."""
        done = self.passwd("reset", "--factory", self.factory, **popen)
        assert done.returncode == 0 and done.stdout == b"", done.stderr
        assert litter(self.file.parent) == []
        return done.stderr.decode()

    def generations(self):
        return {user[0]: int(user[2].split()[1]) for user in self.passwd.users()}

    def is_reset(self, above):
        """The file is the factory's, with generations above that one."""
        now = self.file.read_text().splitlines()
        then = self.factory.read_text().splitlines()
        assert now[:5] == then[:5] and len(now) == len(then)
        for one, other in zip(now[6:-1], then[6:-1]):
            one, other = one.split(" "), other.split(" ")
            assert one[:2] + one[3:5] == other[:2] + other[3:5]
        assert min(self.generations().values()) > above, (self.generations(), above)
        assert len(set(self.generations().values())) == len(then) - 7
        assert self.passwd.check("admin", LABEL) == 0
        assert stat.S_IMODE(self.file.stat().st_mode) in (0o600, 0o400)


@pytest.fixture
def device(passwd):
    return Device(passwd)


def test_back_to_the_label(device):
    """The password, the users and the header are the factory's again; each generation is above all
    that there were; and the factory's file is as it was."""
    before = (device.factory.read_bytes(), device.factory.stat())
    device.change()
    device.change("vendor", "not the vendor's")
    device.passwd.add("guest", "somebody's own")
    device.passwd.ok("remove", "--user", "guest")
    highest = 5
    assert max(device.generations().values()) < highest, "the guest's is gone from the list"
    said = device.reset()
    device.is_reset(highest)
    assert device.generations() == {"admin": highest + 1, "vendor": highest + 2}
    assert device.passwd.check("admin", OTHER) == 3
    assert device.passwd.check("vendor", "not the vendor's") == 3
    assert f"device id {DEVICE}, 2 users" in said and said.count("\n") == 1
    after = device.factory.stat()
    assert device.factory.read_bytes() == before[0]
    assert (after.st_mtime_ns, after.st_ctime_ns) == (before[1].st_mtime_ns, before[1].st_ctime_ns)


def test_an_untouched_device(device):
    """Its generations rise all the same, each time; and the next change goes on from there."""
    last = 2
    for _ in range(3):
        device.reset()
        device.is_reset(last)
        last = max(device.generations().values())
    assert last == 8
    device.change()
    assert device.generations()["admin"] == 9


def test_the_factory_was_ahead(device):
    """A copy that is newer than the file: above the higher one."""
    kept = device.file.read_bytes()
    for number in range(4):
        device.change(password=f"crossing-{number}")
    device.factory.write_bytes(device.file.read_bytes())
    device.file.write_bytes(kept)
    device.reset()
    assert min(device.generations().values()) == 7


@pytest.mark.parametrize("what", ["missing", "empty", "noise", "cut off", "no generation",
                                  "no sane generation", "a pipe", "a link to nothing", "too large"])
def test_nothing_to_go_by(device, what):
    """Without the old number there is a jump that nobody can foresee, and it is said why."""
    device.change()
    text = device.file.read_bytes()
    device.file.unlink()
    content = {"empty": b"", "noise": os.urandom(4000), "cut off": text[:60],
               "no generation": re.sub(rb"generation.*", b"generation ?", text),
               "no sane generation": re.sub(rb"generation \d+", b"generation 9223372036854775807",
                                            text), "too large": text * 2000}
    jumps = []
    for _ in range(4):
        if device.file.exists() or device.file.is_symlink():
            device.file.unlink()
        if what == "a pipe":
            os.mkfifo(device.file)
        elif what == "a link to nothing":
            device.file.symlink_to("nowhere")
        elif what != "missing":
            device.file.touch(0o600)
            device.file.write_bytes(content[what])
        said = device.reset()
        device.is_reset(3)
        assert device.file.stat().st_mode == stat.S_IFREG | 0o600
        assert said.count("\n") == 2, said
        assert ("it is made anew" in said or "was damaged" in said), said
        jumps.append(min(device.generations().values()))
    assert len(set(jumps)) == 4 and max(jumps) > 1 << 30, "2^-37 that none of four is above 2^30"
    assert max(jumps) < 1 << 41, "there is room for as many as a device ever has"
    assert device.reset() and min(device.generations().values()) == jumps[-1] + 2


@pytest.mark.parametrize("place", ["first line", "seed", "user", "end"])
def test_damaged_but_for_the_number(device, place):
    """The line of the generation has its check: no jump is needed, and the damage is named."""
    for number in range(5):
        device.change(password=f"crossing-{number}")
    lines = device.file.read_bytes().split(b"\n")
    at = {"first line": 0, "seed": 4, "user": 6, "end": 8}[place]
    lines[at] = lines[at].replace(b" ", b"  ", 1)
    device.file.write_bytes(b"\n".join(lines))
    said = device.reset()
    assert "was damaged, line %d: " % (at + 1) in said
    assert device.generations() == {"admin": 8, "vendor": 9}


def test_a_number_that_only_users_tell(device):
    """Where the line is damaged, the jump goes from the highest of the users' on."""
    for number in range(5):
        device.change(password=f"crossing-{number}")
    text = device.file.read_bytes()
    device.file.write_bytes(re.sub(rb"generation \d", b"generation 3", text))
    device.reset()
    device.is_reset(7)
    assert min(device.generations().values()) > 1 << 20


def test_of_another_device(device):
    """Another id, another group, another salt length: it becomes the factory's, and is said."""
    device.file.unlink()
    device.passwd.add("admin", OTHER, "--group", "3072", "--device-id", "somebody else's")
    for number in range(4):
        device.change(password=f"crossing-{number}")
    said = device.reset()
    device.is_reset(5)
    assert "was of another device: its id was somebody else's" in said


def test_a_link_is_followed(device):
    """The file that it leads to is replaced, the link stays."""
    real = device.file.parent / "real"
    device.file.rename(real)
    device.file.symlink_to("real")
    device.reset()
    assert device.file.is_symlink() and real.is_file()
    device.is_reset(2)
    factory = device.factory
    device.factory = device.passwd.directory / "factory-link"
    device.factory.symlink_to(factory)
    device.reset()
    device.is_reset(4)


@pytest.mark.parametrize("mode, after", [(0o600, 0o600), (0o400, 0o400), (0o644, 0o600),
                                         (0o777, 0o700), (0o040, 0o400), (0o000, 0o400)])
def test_modes(device, mode, after):
    """The file's is kept, without what others could do: with that serve wouldn't take it."""
    device.file.chmod(mode)
    said = device.reset()
    assert stat.S_IMODE(device.file.stat().st_mode) == after
    assert (f"had mode {mode:04o}" in said) == (mode != after)
    assert device.passwd.check("admin", LABEL) == 0


# ---- What it refuses ----------------------------------------------------------------------------

def damaged(device):
    text = device.factory.read_bytes()
    device.factory.write_bytes(text.replace(b"user vendor", b"user vendpr"))


def no_end(device):
    device.factory.write_bytes(device.factory.read_bytes()[:-20])


def others_may(device):
    device.factory.chmod(0o644)


def a_folder(device):
    device.factory.unlink()
    device.factory.mkdir()


def a_pipe(device):
    device.factory.unlink()
    os.mkfifo(device.factory)


def the_file(device):
    device.factory = device.file


def a_link_to_the_file(device):
    device.factory = device.passwd.directory / "again"
    device.factory.symlink_to(device.file)


def its_other_name(device):
    device.factory = device.passwd.directory / "again"
    device.factory.hardlink_to(device.file)


def far_ahead(device):
    """A whole file, of a generation that leaves no room to go on."""
    lines = device.factory.read_bytes().split(b"\n")
    lines[5] = b"generation 9223372036854775807"
    lines[5] += b" " + hashlib.sha256(lines[5]).hexdigest()[:8].encode()
    device.factory.write_bytes(b"\n".join(lines))


BAD = [(lambda device: device.factory.unlink(), "credentials is not there"),
       (lambda device: device.factory.write_bytes(b""), "the file is empty"),
       (lambda device: device.factory.write_bytes(b"admin:secret\n"), "line 1: this is not a"),
       (damaged, "factory/credentials, line 8: the line is damaged"),
       (no_end, "line 8: the line has no end"),
       (others_may, "chmod 600"), (a_folder, "not a regular file"),
       (a_pipe, "not a regular file"), (the_file, "the credentials file itself"),
       (a_link_to_the_file, "the credentials file itself"),
       (its_other_name, "the credentials file itself"),
       (far_ahead, "no file from a factory has a generation of 9223372036854775807")]


SAME = (the_file, a_link_to_the_file, its_other_name)
BAD_IN_STATES = [(*one, state) for one in BAD for state in ("changed", "missing", "damaged")
                 if one[0] not in SAME or state != "missing"]


@pytest.mark.parametrize("spoil, words, state", BAD_IN_STATES, ids=range(len(BAD_IN_STATES)))
def test_a_bad_factory_file(device, spoil, words, state):
    """Named, with its line; nothing is changed, and nothing is made."""
    device.change()
    if state == "damaged":
        device.file.write_bytes(b"noise")
    spoil(device)
    if state == "missing":
        device.file.unlink()
    device.passwd.fails(1, words, "reset", "--factory", device.factory)
    done = device.passwd("reset", "--factory", device.factory)
    assert b"nothing was changed" in done.stderr
    assert device.file.exists() == (state != "missing")
    assert litter(device.file.parent) == []


def test_no_place_for_it(device):
    device.passwd.file = device.passwd.directory / "nowhere" / "credentials"
    device.passwd.fails(1, "mkdir -m 700", "reset", "--factory", device.factory)
    device.passwd.file = device.file.parent
    done = device.passwd("reset", "--factory", device.factory)
    assert done.returncode == 1 and b"nothing was changed" in done.stderr, done.stderr
    assert device.file.exists()


def test_nobody_in_it(device):
    """A factory's file without users is taken, with a warning: it may be meant."""
    device.passwd.file = device.factory
    for user in ("admin", "vendor"):
        device.passwd.ok("remove", "--user", user)
    device.passwd.file = device.file
    said = device.reset()
    assert "warning: it has no users" in said
    assert device.passwd.users() == []
    device.passwd.add("admin", OTHER)
    assert device.generations()["admin"] > 2


@pytest.fixture
def nobody():
    """A folder of nobody's, and how a program runs as nobody."""
    if os.geteuid() != 0:
        pytest.skip("to be somebody else takes root")
    who = pwd.getpwnam("nobody")

    def become():
        os.setgroups([])
        os.setresgid(who.pw_gid, who.pw_gid, who.pw_gid)
        os.setresuid(who.pw_uid, who.pw_uid, who.pw_uid)

    folder = tempfile.mkdtemp(prefix="keyplate-test-")
    os.chown(folder, who.pw_uid, who.pw_gid)
    try:
        subprocess.run([PROGRAM, "--version"], check=True, capture_output=True, preexec_fn=become)
    except (OSError, subprocess.SubprocessError):
        shutil.rmtree(folder)
        pytest.skip(f"nobody can't run {PROGRAM}")
    yield folder, who.pw_uid, become
    shutil.rmtree(folder)


def test_of_other_users(device, nobody):
    """As who isn't root: root's copy that he can't read is refused, and root's file is not his to
    replace; with his own of both it works.  As root: the file stays whose it was."""
    folder, uid, become = nobody
    factory, file = f"{folder}/factory", f"{folder}/credentials"

    def put(path, owner):
        shutil.copyfile(device.factory, path)
        os.chmod(path, 0o600)
        os.chown(path, owner, owner)

    def reset(**popen):
        return device.passwd.run("reset", "--factory", factory, "--credentials", file, **popen)

    put(factory, 0)
    put(file, uid)
    before = open(file, "rb").read()
    done = reset(preexec_fn=become)
    assert done.returncode == 1 and b"Permission denied; nothing was changed" in done.stderr
    put(factory, uid)
    for owner, mode in ((0, 0o600), (0, 0o644)):
        put(file, owner)
        os.chmod(file, mode)
        done = reset(preexec_fn=become)
        assert done.returncode == 1 and b"nothing was changed" in done.stderr, done.stderr
        assert open(file, "rb").read() == before and os.stat(file).st_uid == owner
    put(file, uid)
    assert reset(preexec_fn=become).returncode == 0
    assert open(file, "rb").read() != before and os.stat(file).st_uid == uid
    for there in (True, False):
        if not there:
            os.unlink(file)
        assert reset().returncode == 0
        assert os.stat(file).st_uid == uid, "the file's owner, or else its folder's"
        assert stat.S_IMODE(os.stat(file).st_mode) == 0o600
    assert sorted(os.listdir(folder)) == ["credentials", "factory"]


def test_a_disk_that_is_read_only(device):
    """The factory's copy on one, of mode 0400."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("to mount takes root")
    device.factory.chmod(0o400)
    device.change()
    folder = device.factory.parent
    script = f"mount --bind {folder} {folder} && mount -o remount,ro,bind {folder} && " \
        f'! touch {folder}/x 2>/dev/null && exec "$@"'
    done = subprocess.run(["unshare", "-m", "sh", "-c", script, "-", PROGRAM, "passwd", "reset",
                           "--factory", device.factory, "--credentials", device.file],
                          capture_output=True, check=False)
    if b"mount: " in done.stderr:
        pytest.skip("nothing can be mounted here")
    assert done.returncode == 0, done.stderr
    device.is_reset(3)


# ---- Crashes ------------------------------------------------------------------------------------

@pytest.mark.parametrize("state", ["changed", "damaged", "missing"])
def test_a_power_cut_at_every_call(device, state):
    """Goal: before each call that changes files, and with a write done by half: the old file or the
    factory's, whole; and the next reset works and tidies up."""
    device.change()
    old = {"changed": device.file.read_bytes(), "damaged": b"noise\n", "missing": None}[state]
    env = {**os.environ, **preload("cut", device.passwd.directory)}
    argv = [PROGRAM, "passwd", "reset", "--factory", device.factory, "--credentials", device.file]
    outcomes = []
    for number in range(1, 100):
        device.file.unlink(missing_ok=True)
        if old is not None:
            device.file.touch(0o600)
            device.file.write_bytes(old)
        done = subprocess.run(argv, capture_output=True, env={**env, "CUT_AT": str(number)},
                              check=False)
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, done
        now = device.file.read_bytes() if device.file.exists() else None
        outcomes.append(now == old)
        assert len(litter(device.file.parent)) <= 2
        if now != old:
            device.is_reset(3)
        device.reset()
        device.is_reset(3)
    print(f"{outcomes.count(True)} times the old one, then {outcomes.count(False)} times the new")
    assert outcomes[0] and not outcomes[-1] and outcomes == sorted(outcomes, reverse=True)
    assert len(outcomes) > 4


def test_killed_at_any_moment(device):
    """Goal: the same, at times of chance, one after the other: no number ever comes twice."""
    argv = [PROGRAM, "passwd", "reset", "--factory", device.factory, "--credentials", device.file]
    dice = random.Random(4711)
    began = time.monotonic()
    device.reset()
    usual = time.monotonic() - began
    killed = changed = 0
    last = max(device.generations().values())
    for _ in range(KILLS):
        before = device.file.read_bytes()
        process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(usual * dice.triangular(0, 1.2, 0.9))
        process.kill()
        killed += process.wait() == -signal.SIGKILL
        usual *= 1.01 if process.returncode else 0.97
        assert len(litter(device.file.parent)) <= 2
        if device.file.read_bytes() != before:
            changed += 1
            now = device.generations()
            assert min(now.values()) > last
            last = max(now.values())
    print(f"{KILLS} runs: {killed} killed, {changed} done")
    assert killed > KILLS // 8 and changed > 0
    device.reset()
    device.is_reset(last)


def test_a_full_disk(device, small_disk):
    """Goal: without room for the new file the old one stays, and it is said why."""
    folder = small_disk.outside
    device.change()
    shutil.copy(device.file, folder / "credentials")
    (folder / "credentials").chmod(0o600)
    before = (folder / "credentials").read_bytes()
    argv = ("reset", "--factory", device.factory, "--credentials", folder / "credentials")
    fill(folder, "ballast")
    done = device.passwd.run(*argv)
    assert done.returncode == 1 and b"No space left on device" in done.stderr, done.stderr
    assert b"nothing was changed" in done.stderr
    assert (folder / "credentials").read_bytes() == before
    (folder / "ballast").unlink()
    assert device.passwd.run(*argv).returncode == 0
    assert (folder / "credentials").read_bytes() != before and litter(folder) == []


@pytest.mark.parametrize("room", [0, 700])
def test_a_file_that_may_not_grow(device, room):
    device.change()
    before = device.file.read_bytes()
    done = device.passwd("reset", "--factory", device.factory, preexec_fn=no_more_than(room))
    assert done.returncode == 1 and b"File too large" in done.stderr
    assert b"nothing was changed" in done.stderr
    assert device.file.read_bytes() == before and litter(device.file.parent) == []


def test_all_at_once(device):
    """Goal: resets and changes at the same time go one after the other: every reset gives numbers
    that nobody had."""
    secret = device.passwd.password(OTHER)
    resets, changes = 6, 6
    argv = [PROGRAM, "passwd"]
    processes = [subprocess.Popen([*argv, "reset", "--factory", device.factory, "--credentials",
                                   device.file], stderr=subprocess.PIPE) for _ in range(resets)]
    processes += [subprocess.Popen([*argv, "change", "--user", "admin", "--password-file", secret,
                                    "--tls", "1.2", "--allow-tls12", "--credentials", device.file],
                                   stderr=subprocess.PIPE) for _ in range(changes)]
    for process in processes:
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
    assert max(device.generations().values()) <= 2 + 2 * resets + changes
    device.reset()
    assert device.generations() == {"admin": 2 + 2 * resets + changes + 1,
                                    "vendor": 2 + 2 * resets + changes + 2}
    assert litter(device.file.parent) == []


# ---- A running serve ----------------------------------------------------------------------------

class Sessions12:
    """A ticket of TLS 1.2, kept by a client of libssl, which waits for the server's end."""

    @staticmethod
    def upstream(sock):
        sock.recv(100)
        sock.sendall(PONG)

    def __init__(self, folder):
        self.file = folder / "session"

    def visit(self, serve, *options):
        done = talk([BUILD / "test" / "interop" / "libssl_client", "--connect", serve.at, "--user",
                     "admin", "--password", LABEL, *options], PING, timeout=20)
        assert done.out == PONG, done

    def begin(self, serve):
        self.visit(serve, "--session-out", self.file)

    def again(self, serve):
        self.visit(serve, "--session-in", self.file)


class Sessions13:
    """A ticket of TLS 1.3, kept by the model's client."""

    upstream = staticmethod(talk_pong)

    def __init__(self, _):
        self.ticket = None

    def begin(self, serve):
        outcome = play(serve, password=LABEL.encode())
        assert outcome.word == "succeeds", outcome
        self.ticket = outcome.peer.tickets[-1]

    def again(self, serve):
        assert play(serve, password=LABEL.encode(), ticket=self.ticket).word == "succeeds"


SESSIONS = {TLS12: Sessions12, TLS13: Sessions13}


def count(serve):
    """Proofs by password, and by ticket."""
    return [serve.log().count(words) for words in ("the password was proved",
                                                   "a ticket was proved")]


@pytest.fixture(scope="module")
def libssl():
    done = subprocess.run(["ninja", "-C", BUILD, "interop-peers"], capture_output=True, text=True,
                          timeout=180, check=False)
    assert done.returncode == 0, done.stdout


def spoil(device, state):
    """What became of the credentials before the button is pressed."""
    if state == "changed":
        device.change()
    elif state == "damaged":
        device.file.write_bytes(device.file.read_bytes().replace(b"generation", b"gineration"))
    elif state == "missing":
        device.file.unlink()


@pytest.mark.parametrize("state", ["untouched", "changed", "damaged", "missing", "twice"])
@pytest.mark.parametrize("version", [TLS12, TLS13])
def test_no_ticket_of_before(box, device, libssl, version, state):
    """Goal: a ticket that was given for the label's password is worth nothing after a reset to that
    same password, by whichever way: its client has to prove the password; and a new one works."""
    sessions = SESSIONS[version](device.passwd.directory)
    serve = box.serve_bytes(box.upstream(sessions.upstream), "--verbose", credentials=device.file)
    sessions.begin(serve)
    sessions.again(serve)
    until(lambda: count(serve) == [1, 1], what=serve.log())
    spoil(device, state)
    if state == "changed":
        serve.logged("is in force")
    for _ in range(2 if state == "twice" else 1):
        loads = serve.log().count("is in force")
        device.reset()
        until(lambda: serve.log().count("is in force") > loads, what=serve.log())
    sessions.again(serve)
    until(lambda: count(serve) == [2, 1], what=serve.log())
    sessions.begin(serve)
    sessions.again(serve)
    until(lambda: count(serve) == [3, 2], what=serve.log())


def test_open_connections_end(box, device):
    """Goal: who was in is out within the second, by the label's password or another; the label's
    brings in whoever has it."""
    serve = box.serve_bytes(box.upstream(talk_echo), credentials=device.file)
    for password in (LABEL, OTHER, LABEL):
        if password == OTHER:
            device.change()
            until(lambda: box.connect(serve, b"x", password=OTHER).stdout == b"x")
        inside = box.connecting(serve, password=password)
        assert echo_works(inside)
        began = time.monotonic()
        device.reset()
        assert inside.wait(15) == 1
        assert time.monotonic() - began < 6
        assert b"may not be the whole" in inside.stderr.read()
        assert box.connect(serve, b"x", password=LABEL).stdout == b"x"
    assert box.connect(serve, password=OTHER).returncode == 3


def test_an_answer_in_progress_is_finished(box, device):
    """Goal: the page behind the reset button gets through, and the connection ends with it."""
    go = threading.Event()

    def answer(_):
        def reply(sock):
            go.wait(20)
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone")
            return sock.recv(1)
        return reply

    recorder = Recorder(answer)
    serve = box.serve(box.upstream(recorder), credentials=device.file)
    channel = Channel(box, serve, password=LABEL)
    channel.send(request("/reset"))
    recorder.came(1)
    device.reset()
    serve.logged("is in force")
    go.set()
    late = channel.response()
    assert (late.status, late.body, late.get("Connection")) == (200, b"done", "close")
    assert channel.end() == (b"", True)


def test_a_page_that_was_open(box, device):
    """Goal: `keyplate open` that has the label's password shows no ticket that is taken: it proves
    the password anew; one with the changed password is out."""
    serve = box.serve(box.upstream(talk_http()), "--verbose", credentials=device.file)
    face = box.open(serve, password=LABEL)
    assert curl(face.url, user=None).stdout == b"hello"
    serve.logged("a ticket was proved")
    proved, tickets = count(serve)
    device.reset()
    serve.logged("is in force")
    assert curl(face.url, user=None).stdout == b"hello"
    assert count(serve)[0] == proved + 1
    assert count(serve)[1] <= tickets + 1, "only what the new proof gave"
    device.change()
    until(lambda: serve.log().count("is in force") == 2)
    other = box.open(serve, password=OTHER)
    assert curl(other.url, user=None).stdout == b"hello"
    device.reset()
    until(lambda: serve.log().count("is in force") == 3)
    assert b"502" in curl(other.url, "-i", user=None).stdout
    assert other.wait() == 3
