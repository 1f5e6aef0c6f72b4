"""Goal: keyplate provision makes each device once, whatever ends it: labels, sheets, manifests and
credentials agree, nothing is doubled or lost, and no password changes once its device is there."""
import csv
import json
import os
import random
import re
import resource
import shutil
import signal
import stat
import subprocess
import time

import pytest

from faults import LONG, preload
from gateways import KEYPLATE, SANITIZED, Terminal, box, talk_http  # noqa: F401
from test_36_disk_and_power import SmallDisk

LABEL = re.compile(r"\b[2-9a-kmnp-z]{5}-[2-9a-kmnp-z]{5}-[2-9a-kmnp-z]{5}\b")
QUICK = ("--tls", "1.2", "--group", "2048")  # without scrypt
PAPERS = ("labels.pdf", "manifest.csv", "manifest.json")

if "provision" not in subprocess.run([KEYPLATE, "help"], capture_output=True, text=True,
                                     check=False).stdout:
    pytest.skip("built without provision", allow_module_level=True)


def argv(out, count=3, *args, model="Pump"):
    return list(map(str, [KEYPLATE, "provision", "--count", count, "--model", model, "--out", out,
                          *args]))


def provision(out, count=3, *args, status=0, model="Pump", **kwargs):
    done = subprocess.run(argv(out, count, *args, model=model), capture_output=True, text=True,
                          timeout=300, check=False, **kwargs)
    assert done.returncode == status, done
    assert done.stdout == "", done
    return done.stderr


def refused(words, out, *args, status=1, count=3, **kwargs):
    err = provision(out, count, *args, status=status, **kwargs)
    assert words in err, err
    assert err.startswith("keyplate provision: ") and err.count("\n") == 1, err
    return err


def serials(count, prefix="Pump-", first=1):
    return [f"{prefix}{first + i:06}" for i in range(count)]


def mode(path):
    return stat.S_IMODE(os.lstat(path).st_mode)


def on_label(out, serial):
    """The password as the label says it."""
    found = set(LABEL.findall((out / serial / "label.svg").read_text()))
    assert len(found) == 1, found
    return found.pop()


def on_sheets(out):
    done = subprocess.run(["pdftotext", "-layout", out / "labels.pdf", "-"], capture_output=True,
                          text=True, check=True)
    return LABEL.findall(done.stdout)


def check(out, serial, password, user="admin"):
    """What keyplate passwd check says."""
    file = out.parent / "password"
    file.touch(0o600)
    file.write_text(password)
    return subprocess.run([KEYPLATE, "passwd", "check", "--credentials",
                           out / serial / "credentials", "--user", user, "--password-file", file],
                          capture_output=True, check=False).returncode


def is_whole(out, count, *, prefix="Pump-", first=1, with_passwords=False, checked=None):
    """All agree; {serial: password}."""
    want = serials(count, prefix, first)
    assert sorted(os.listdir(out)) == sorted([*want, ".keyplate", *PAPERS])
    assert sorted(os.listdir(out / ".keyplate")) == ["done", "lock", "order"]
    known = {serial: on_label(out, serial) for serial in want}
    assert len(set(known.values())) == count, "a password twice"
    for serial in want:
        assert sorted(os.listdir(out / serial)) == ["credentials", "label.svg"]
        text = (out / serial / "credentials").read_text()
        assert f"device-id {serial} " in text and "\nend 1 " in text
    for serial in checked if checked is not None else want:
        assert check(out, serial, known[serial]) == 0
    with open(out / "manifest.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, strict=True))
    devices = json.loads((out / "manifest.json").read_text())["devices"]
    assert rows == devices
    assert [row["serial"] for row in rows] == want
    for row in rows:
        assert row["device_id"] == row["serial"]
        assert (out / row["file"]).is_file()
        assert row.get("password") == (known[row["serial"]] if with_passwords else None)
    if shutil.which("pdftotext"):
        assert sorted(on_sheets(out)) == sorted(known.values())
    return known


def state(folder):
    """All that is there, to see that nothing changed."""
    return {str(path.relative_to(folder)): (os.lstat(path).st_ino, os.lstat(path).st_mtime_ns,
                                            path.read_bytes() if path.is_file() else None)
            for path in folder.rglob("*")}


# ---- What is made -------------------------------------------------------------------------------

def test_devices_work(box):
    """Goal: serve with what was made lets in who has the label, in both versions of TLS, and the
    link of the manifest is one that keyplate takes."""
    out = box.dir / "out"
    provision(out, 2, "--host", "127.0.0.1:8443", "--user", "service")
    with open(out / "manifest.csv", newline="", encoding="utf-8") as file:
        row = list(csv.DictReader(file))[0]
    assert row["link"] == "keyplate://Pump-000001@127.0.0.1:8443/?v=1&user=service"
    password = on_label(out, "Pump-000001")
    assert check(out, "Pump-000001", password, "service") == 0
    assert check(out, "Pump-000002", password, "service") == 3
    assert check(out, "Pump-000001", password, "admin") == 3
    serve = box.serve(box.upstream(talk_http()), credentials=out / row["file"])
    for tls in ("1.2", "1.3"):
        done = box.connect(serve, b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
                           "--tls", tls, "--device-id", "Pump-000001", user="service",
                           password=password)
        assert done.returncode == 0 and done.stdout.startswith(b"HTTP/1.1 200 "), (tls, done)
    done = box.connect(serve, b"", "--tls", "1.3", "--device-id", "Pump-000002", user="service",
                       password=password)
    assert done.returncode == 3, "another device's id is no id of this one"


@pytest.mark.parametrize("tls,group", [("1.2", "2048"), ("1.3", "3072"), ("any", "4096")])
def test_versions_and_groups(tmp_path, tls, group):
    provision(tmp_path / "out", 1, "--tls", tls, "--group", group)
    is_whole(tmp_path / "out", 1)
    text = (tmp_path / "out/Pump-000001/credentials").read_text()
    assert f"\ngroup {group} " in text
    srp, spake2plus = re.search(r"\nuser admin 1 (\S+) (\S+) ", text).groups()
    assert (srp == "-") == (tls == "1.3") and (spake2plus == "-") == (tls == "1.2")


def test_modes(tmp_path):
    """Goal: passwords are for their owner alone whatever the umask; a manifest without any may be
    given away."""
    for with_passwords in (False, True):
        out = tmp_path / f"out{with_passwords}"
        provision(out, 2, *QUICK, *(["--with-passwords"] if with_passwords else []),
                  preexec_fn=lambda: os.umask(0))
        is_whole(out, 2, with_passwords=with_passwords)
        assert mode(out) == mode(out / "Pump-000001") == mode(out / ".keyplate") == 0o700
        for name in ("Pump-000001/credentials", "Pump-000001/label.svg", "labels.pdf",
                     ".keyplate/order", ".keyplate/lock", ".keyplate/done"):
            assert mode(out / name) == 0o600, name
        for name in PAPERS[1:]:
            assert mode(out / name) == (0o600 if with_passwords else 0o644), name
        secret = set(is_whole(out, 2, with_passwords=with_passwords).values())
        told = set(LABEL.findall((out / "manifest.csv").read_text()))
        assert told == (secret if with_passwords else set())
    provision(tmp_path / "masked", 1, *QUICK, preexec_fn=lambda: os.umask(0o777))
    assert mode(tmp_path / "masked/manifest.csv") == 0o644


def test_password_in_the_code(tmp_path):
    """Goal: --qr-password is for the QR code alone, never for the manifest's link."""
    provision(tmp_path / "out", 1, *QUICK, "--qr-password")
    password = is_whole(tmp_path / "out", 1)["Pump-000001"]
    for name in PAPERS[1:]:
        assert password not in (tmp_path / "out" / name).read_text()
        assert "#p=" not in (tmp_path / "out" / name).read_text()


def test_serials(tmp_path):
    provision(tmp_path / "a", 3, *QUICK, "--prefix", "2026.B_x-", "--first", "999999")
    assert sorted(os.listdir(tmp_path / "a"))[1:4] == \
        ["2026.B_x-0999999", "2026.B_x-1000000", "2026.B_x-1000001"]
    provision(tmp_path / "b", 1, *QUICK, "--first", "0", model="W\u00e4rme-Pumpe \u201e7\u201c, \"x\"")
    is_whole(tmp_path / "b", 1, prefix="WrmePumpe7x-", first=0)
    devices = json.loads((tmp_path / "b/manifest.json").read_text())["devices"]
    assert devices[0]["model"] == "W\u00e4rme-Pumpe \u201e7\u201c, \"x\""


def test_jobs_agree(tmp_path):
    """Goal: how many threads make them changes nothing of what is there."""
    names = {}
    for jobs in (1, 2, 7):
        out = tmp_path / f"out{jobs}"
        provision(out, 30, *QUICK, "--jobs", jobs)
        is_whole(out, 30, checked=serials(3))
        names[jobs] = sorted(str(path.relative_to(out)) for path in out.rglob("*"))
    assert names[1] == names[2] == names[7]


# ---- What is refused ----------------------------------------------------------------------------

@pytest.mark.parametrize("args,words", [
    (("--count", "0"), "--count"),
    (("--count", "1000001"), "--count"),
    (("--first", "999999999"), "over 999999999"),
    (("--prefix", ""), "prefix of the serials is empty"),
    (("--prefix", "../x"), "prefix of the serials has"),
    (("--prefix", "a/b"), "prefix of the serials has"),
    (("--prefix", ".x"), "begins with a letter or digit"),
    (("--prefix", "-x"), "begins with a letter or digit"),
    (("--prefix", "=x"), "prefix of the serials has"),
    (("--prefix", "x" * 41), "longer than 40"),
    (("--model", ""), "model is empty"),
    (("--model", "=1+1"), "formula"),
    (("--model", "+49"), "formula"),
    (("--model", "-1"), "formula"),
    (("--model", "@SUM(A1)"), "formula"),
    (("--model", "\tx"), "control characters"),
    (("--model", " =1+1"), "formula"),
    (("--model", "\uff1d1+1"), "formula"),
    (("--model", "\u00fc"), "no letter of English"),
    (("--model", "x" * 65), "longer than 64"),
    (("--user", "=x"), "formula"),
    (("--user", "a:b"), "user's name"),
    (("--user", ""), "user's name is empty"),
    (("--user", "22222-22222-22222"), "label's password"),
    (("--group", "1024"), "--group"),
    (("--tls", "1.1"), "--tls"),
    (("--host", "a b"), "--host"),
    (("--host", "a:0"), "--host"),
    (("--host", "a/?x"), "--host"),
    (("--jobs", "0"), "--jobs"),
    (("--out",), "--out"),
    (("a",), "one word too many"),
])
def test_usage(tmp_path, args, words):
    usual = {"--count": "2", "--model": "Pump", "--out": str(tmp_path / "out")}
    usual.pop(args[0], None)
    flat = [word for pair in usual.items() for word in pair]
    done = subprocess.run([KEYPLATE, "provision", *flat, *args], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 2, done
    assert words in done.stderr and done.stderr.count("\n") == 1, done
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("missing", ["--count", "--model", "--out"])
def test_what_is_needed(tmp_path, missing):
    usual = {"--count": "2", "--model": "Pump", "--out": str(tmp_path / "out")}
    del usual[missing]
    done = subprocess.run([KEYPLATE, "provision", *[word for pair in usual.items()
                                                    for word in pair]],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 2 and f"{missing} is missing" in done.stderr, done
    assert not (tmp_path / "out").exists()


def test_a_serial_that_looks_like_a_password(tmp_path):
    """Goal: no client sends such an id, so no device gets one."""
    refused("look like a label's password", tmp_path / "out", "--prefix", "heatpumps", "--first",
            "222222", count=400, status=2)
    assert not (tmp_path / "out").exists()


def test_folders(tmp_path):
    """Goal: passwords go into a folder of one's own that nobody else writes in, and nothing of
    other things is touched."""
    open_to_all = tmp_path / "open"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    refused("others may write", open_to_all)
    full = tmp_path / "full"
    full.mkdir(0o700)
    (full / "notes").write_text("mine")
    refused("has other things in it", full)
    assert os.listdir(full) == ["notes"]
    refused("cannot make the folder", tmp_path / "no" / "such")
    refused("cannot open the folder", full / "notes")
    if os.geteuid() == 0:
        other = tmp_path / "other"
        other.mkdir(0o700)
        os.chown(other, 65534, 65534)
        refused("somebody else's", other)
    empty = tmp_path / "empty"
    empty.mkdir(0o755)
    provision(empty, 1, *QUICK)
    is_whole(empty, 1)


def test_links_in_the_folder(tmp_path):
    """Goal: a link that lies where something is to be made leads nowhere."""
    out, aside = tmp_path / "out", tmp_path / "aside"
    out.mkdir(0o700)
    aside.mkdir()
    (out / ".keyplate").symlink_to(aside)
    refused("cannot open the folder .keyplate", out)
    assert not os.listdir(aside)


def test_another_command(tmp_path):
    out = tmp_path / "out"
    provision(out, 3, *QUICK, "--host", "a")
    before = state(out)
    for args, words in (((4, *QUICK, "--host", "a"), "--count 3"),
                        ((3, *QUICK), "--host a"),
                        ((3, *QUICK, "--host", "a", "--qr-password"), "without --qr-password"),
                        ((3, *QUICK, "--host", "a", "--with-passwords"), "without --with-passwords"),
                        ((3, *QUICK, "--host", "a", "--first", "2"), "--first 1"),
                        ((3, *QUICK, "--host", "a", "--user", "b"), "--user admin"),
                        ((3, *QUICK, "--host", "a", "--prefix", "b"), "--prefix Pump-"),
                        ((3, "--host", "a"), "--group 2048, with --tls 1.2"),):
        err = refused(words, out, *args[1:], count=args[0])
        assert "begun by another command" in err
    refused("--model Pump", out, *QUICK, "--host", "a", "--prefix", "Pump-", model="Other")
    template = tmp_path / "template"
    text = subprocess.run([KEYPLATE, "provision", "--print-template"], capture_output=True,
                          check=True).stdout
    template.write_bytes(text + b"\n# mine\n")
    refused("with another template", out, *QUICK, "--host", "a", "--template", template)
    template.write_bytes(text)
    refused("already; nothing was changed", out, *QUICK, "--host", "a", "--template", template,
            status=0)
    assert state(out) == before
    (out / ".keyplate/order").write_text("keyplate-provision 1\ncount 3\n")
    refused("damaged", out, *QUICK, "--host", "a")


def test_all_is_there(tmp_path):
    out = tmp_path / "out"
    provision(out, 3, *QUICK)
    before = state(out)
    assert "already; nothing was changed" in provision(out, 3, *QUICK)
    assert provision(out, 3, *QUICK, "--quiet", "--jobs", "1") == ""
    assert state(out) == before
    (out / "Pump-000002").rename(tmp_path / "away")
    refused("1 of them aren't in", out, *QUICK)
    assert not (out / "Pump-000002").exists(), "it isn't made a second time"


def test_two_at_once(tmp_path):
    """Goal: of runs in one folder one is at work."""
    out = tmp_path / "out"
    first = subprocess.Popen(argv(out, 30), stderr=subprocess.PIPE)
    end = time.monotonic() + LONG
    while not (out / ".keyplate/journal").exists() and time.monotonic() < end:
        time.sleep(0.01)
    refused("another keyplate provision is at work", out, count=30)
    first.send_signal(signal.SIGTERM)
    assert b"stopped: " in first.communicate(timeout=LONG)[1] and first.returncode == 1
    both = [subprocess.Popen(argv(out, 30, "--quiet"), stderr=subprocess.PIPE, text=True)
            for _ in range(2)]
    ends = sorted((one.wait(LONG * 4), one.stderr.read()) for one in both)
    assert ends[0][0] == 0 and (ends[1][0] == 0 or "is at work" in ends[1][1]), ends
    is_whole(out, 30, checked=serials(2))


# ---- Whatever ends it ---------------------------------------------------------------------------

def placed(out, known):
    """What has its place is whole, and is what it was; {serial: password} with that."""
    for path in sorted(out.glob("Pump-*")):
        assert sorted(os.listdir(path)) == ["credentials", "label.svg"]
        found = (on_label(out, path.name), (path / "credentials").read_bytes())
        assert found[1].endswith(b"\n") and b"\nend 1 " in found[1]
        assert known.setdefault(path.name, found) == found, "it was made twice"
    return known


def test_killed_at_any_moment(tmp_path):
    """Goal: as above, by SIGKILL at moments of chance, with threads."""
    out, known, dice = tmp_path / "out", {}, random.Random(4711)
    count, kills, pause = 400, 0, 0.05
    while kills < 60:
        process = subprocess.Popen(argv(out, count, *QUICK, "--jobs", 3, "--quiet"),
                                   stderr=subprocess.PIPE)
        time.sleep(dice.uniform(0, pause))
        process.kill()
        _, err = process.communicate(timeout=LONG)
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL, err
        kills += 1
        before = len(known)
        placed(out, known)
        pause = pause * 1.15 if len(known) == before else pause * 0.97
    assert kills > 8 and known, (kills, len(known))
    print(f"{kills} kills, {len(known)} devices were there then")
    provision(out, count, *QUICK, "--jobs", 3)
    labels = is_whole(out, count, checked=dice.sample(serials(count), 5))
    for serial, (password, _) in known.items():
        assert labels[serial] == password
    placed(out, known)


@pytest.mark.parametrize("unsynced", [False, True])
def test_cut_at_every_call(tmp_path, unsynced):
    """Goal: as above, at each call that changes files, a write being done by half; and with all lost
    that wasn't synced: a device that is seen is whole after a power cut."""
    env = {**os.environ, **preload("cut", tmp_path)}
    if unsynced:
        env["CUT_UNSYNCED"] = "1"
    args = (*QUICK, "--jobs", "1", "--with-passwords")
    # Between the first device's rename and the second's there is one call.
    outcomes, step = set(), 5 if SANITIZED and not unsynced else 1
    for number in range(1, 2000, step):
        out = tmp_path / f"out{number}"
        done = subprocess.run(argv(out, 2, *args), capture_output=True, text=True, check=False,
                              env={**env, "CUT_AT": str(number)})
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, done
        known = placed(out, {})
        if (out / ".keyplate/done").exists():
            assert all((out / name).stat().st_size > 0 for name in PAPERS)
        outcomes.add((len(known), (out / ".keyplate/done").exists()))
        provision(out, 2, *args)
        labels = is_whole(out, 2, with_passwords=True, checked=())
        assert all(labels[serial] == known[serial][0] for serial in known)
        placed(out, known)
        shutil.rmtree(out)
    print(f"{number} calls, {sorted(outcomes)}")
    between = {(1, False)} if step == 1 else set()
    assert outcomes - {(1, False)} == {(0, False), (2, False), (2, True)}, outcomes
    assert between <= outcomes, outcomes
    assert number > 40


def test_a_torn_journal(tmp_path):
    """Goal: what a power cut leaves at its end, half a line or noise, is cut off, and what it knew is
    kept."""
    for tail in (b"Pump-0000", b"\0" * 512, b"Pump-000002 22222-22222-22223\n", b"\n\n",
                 b"Pump-000001 22222-22222-22222\n"):
        out = tmp_path / f"out{len(os.listdir(tmp_path))}"
        stopped_run(out, 400)
        known = placed(out, {})
        assert "Pump-000001" in known
        with open(out / ".keyplate/journal", "ab") as file:
            file.write(tail)
        provision(out, 400, *QUICK, "--quiet")
        is_whole(out, 400, checked=())
        placed(out, known)
        shutil.rmtree(out)


def stopped_run(out, count, number=signal.SIGINT):
    """One that was ended in the middle."""
    process = subprocess.Popen(argv(out, count, *QUICK, "--jobs", "1"), stderr=subprocess.PIPE,
                               text=True)
    end = time.monotonic() + LONG
    while not list(out.glob("Pump-*")) and time.monotonic() < end:
        time.sleep(0.005)
    process.send_signal(number)
    err = process.communicate(timeout=LONG)[1]
    assert process.returncode == 1, (process.returncode, err)
    made = int(re.search(r"stopped: (\d+) of \d+ devices are made, and the same command goes on",
                         err)[1])
    assert 0 < made < count and made == len(list(out.glob("Pump-*")))
    return made


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_stopped_and_gone_on(tmp_path, number):
    made = stopped_run(tmp_path / "out", 500, number)
    err = provision(tmp_path / "out", 500, *QUICK)
    assert f"{made} of them from before" in err
    is_whole(tmp_path / "out", 500, checked=())


def test_what_others_did_meanwhile(tmp_path):
    """Goal: a device that was made and taken away isn't made twice, and a stranger isn't taken for
    one."""
    out = tmp_path / "out"
    stopped_run(out, 500)
    (out / "Pump-000001").rename(tmp_path / "away")
    refused("Pump-000001 was made and isn't in the folder any more", out, *QUICK, count=500)
    (tmp_path / "away").rename(out / "Pump-000001")
    (out / "Pump-000500").mkdir()
    refused("Pump-000500 is in the folder, but no run has made it", out, *QUICK, count=500)
    (out / "Pump-000500").rmdir()
    provision(out, 500, *QUICK, "--quiet")
    is_whole(out, 500, checked=())


def test_on_a_terminal(tmp_path):
    """Goal: a bar that moves; Ctrl-C says how to go on; nothing with --quiet."""
    terminal = Terminal(argv(tmp_path / "out", 60)[1:])
    terminal.expect("of 60 devices", LONG)
    terminal.expect("[#", LONG)
    terminal.type("\x03")
    terminal.expect("the same command goes on", LONG)
    assert terminal.wait() == 1
    made = len(list((tmp_path / "out").glob("Pump-*")))
    assert 0 < made < 60
    quiet = Terminal(argv(tmp_path / "quiet", 3, *QUICK, "--quiet")[1:])
    assert quiet.wait() == 0 and quiet.text == ""


# ---- Little room --------------------------------------------------------------------------------

@pytest.fixture
def small_disk(tmp_path):
    (tmp_path / "disk").mkdir()
    disk = SmallDisk(tmp_path / "disk")
    if disk.made:
        yield disk
    disk.close()
    if not disk.made:
        pytest.skip("a small disk needs root, unshare and mount")


def test_a_full_disk(small_disk, tmp_path):
    """Goal: it says so, what was made stays, and with room again the same command goes on.  Files
    and names run out, one after the other."""
    holder = small_disk.outside

    def run(status, *more):
        return provision(small_disk.inside / "out", 8, *QUICK, "--jobs", "1", *more, status=status,
                         preexec_fn=small_disk.enter)

    def grow(options):
        subprocess.run(["mount", "-o", f"remount,{options}", small_disk.inside], check=True,
                       preexec_fn=small_disk.enter)

    known, said = {}, []
    for options in ("size=64k,nr_inodes=9", "size=64k,nr_inodes=100", "size=96k,nr_inodes=100",
                    "size=132k,nr_inodes=100"):
        grow(options)
        err = run(1)
        assert "No space left on device" in err, err
        said.append(err)
        placed(holder / "out", known)
    grow("size=4m,nr_inodes=1000")
    run(0)
    placed(holder / "out", known)
    out = tmp_path / "copy"
    shutil.copytree(holder / "out", out)
    is_whole(out, 8)
    print(len(known), said)


def test_files_that_may_not_grow(tmp_path):
    """Goal: the same words where a limit of the process says so, for sheets as for devices."""
    for room in (0, 700, 9000):
        err = provision(tmp_path / "out", 3, *QUICK, status=1, preexec_fn=lambda size=room: (
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))))
        assert "File too large" in err, err
    assert "3 of 3 devices are made" in err
    provision(tmp_path / "out", 3, *QUICK)
    is_whole(tmp_path / "out", 3)


@pytest.mark.skipif(SANITIZED, reason="a sanitizer takes more memory")
def test_little_memory(tmp_path):
    """Goal: where memory isn't enough for all threads, fewer make them; for none, it says so."""
    def limit(mib):
        return lambda: resource.setrlimit(resource.RLIMIT_AS, (mib << 20, mib << 20))

    enough = 0
    for mib in range(40, 400, 20):  # what the program takes by itself depends on the machine
        done = subprocess.run(argv(tmp_path / f"try{mib}", 1, "--jobs", "1"), capture_output=True,
                              text=True, check=False, preexec_fn=limit(mib))
        if done.returncode == 0:
            enough = mib
            break
        assert done.returncode in (1, 127), done
    assert enough, "no device in 400 MiB"
    err = provision(tmp_path / "out", 6, "--jobs", "16", preexec_fn=limit(enough + 40))
    assert "6 devices are in" in err
    is_whole(tmp_path / "out", 6, checked=serials(1))
