"""Goal: once its ports are open, serve has no rights left that it could lend to whoever takes it over,
and everything that it is there for goes on."""
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import subprocess

import pytest

from gateways import KEYPLATE, ROOT as TOP, box, curl, read_all, talk_echo, talk_http, until

OTHER = "another-pass-1"
NOBODY = 65534
GROUP = pwd.getpwuid(NOBODY).pw_gid
ROOT = os.geteuid() == 0
LESS = "less confined than it could be"
needs_root = pytest.mark.skipif(not ROOT, reason="only root can become somebody else")


def open_to_all(path):
    """The folders above it let everybody pass: pytest's are its user's alone."""
    for folder in [path, *path.parents]:
        if folder.stat().st_uid == os.geteuid() and folder != pathlib.Path("/"):
            folder.chmod(folder.stat().st_mode | 0o011)


def credentials_of(box, uid, name="state"):
    """Credentials of uid in a folder of uid, which nobody else may enter."""
    folder = box.dir / name
    folder.mkdir(0o700)
    made = box.credentials(name=f"{name}/credentials")
    for path in [folder, *folder.iterdir()]:
        os.chown(path, uid, uid)
    open_to_all(box.dir)
    return made


def status_of(task):
    lines = (task / "status").read_text().splitlines()
    return {key: value.split() for key, value in (line.split(":", 1) for line in lines)}


def tasks_of(serve):
    return [status_of(task) for task in pathlib.Path(f"/proc/{serve.pid}/task").iterdir()]


def has_seccomp(serve):
    return LESS not in serve.log() or "seccomp" not in serve.log().split(LESS)[1].split("\n")[0]


def refused(*args):
    done = subprocess.run([KEYPLATE, "serve", "--listen", "127.0.0.1:0", "--upstream", "127.0.0.1:1",
                           *map(str, args)], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1, done.stderr
    assert "listening" not in done.stdout
    return done.stderr


def assert_confined(serve, uid, gid):
    tasks = tasks_of(serve)
    assert len(tasks) >= 3  # this one and the workers
    for task in tasks:
        assert task["Uid"] == [str(uid)] * 4 and task["Gid"] == [str(gid)] * 4, task
        for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            assert int(task[name][0], 16) == 0, task
        if ROOT:
            assert int(task["CapBnd"][0], 16) == 0, task
        assert task["NoNewPrivs"] == ["1"]
        assert task["Seccomp"] == (["2"] if has_seccomp(serve) else ["0"])


@needs_root
def test_root_becomes_the_owner_of_the_credentials(box):
    serve = box.serve(box.upstream(talk_http()), "--workers", "2",
                      credentials=credentials_of(box, NOBODY))
    assert_confined(serve, NOBODY, GROUP)
    assert all(task["Groups"] == [str(GROUP)] for task in tasks_of(serve))
    assert curl(f"https://{serve.at}/").stdout == b"hello"
    assert len(serve.logged("this process is the user")) == 1
    assert "without root's capabilities" not in serve.log()

    box.passwd("change", serve.credentials, "admin", OTHER)
    assert os.stat(serve.credentials).st_uid == NOBODY
    serve.logged("is in force: 1 user")
    assert curl(f"https://{serve.at}/", password=OTHER).stdout == b"hello"
    assert curl(f"https://{serve.at}/").returncode == 35


@needs_root
def test_root_becomes_whom_it_is_told_to(box):
    credentials = credentials_of(box, NOBODY)
    by_number = box.serve(box.upstream(talk_http()), "--workers", "2", "--run-as", str(NOBODY),
                          credentials=credentials)
    by_name = box.serve(box.upstream(talk_http()), "--workers", "2", "--run-as",
                        pwd.getpwuid(NOBODY).pw_name, credentials=credentials)
    for serve in (by_number, by_name):
        assert_confined(serve, NOBODY, GROUP)
        assert curl(f"https://{serve.at}/").stdout == b"hello"
    assert "there is no such user" in refused("--credentials", credentials, "--run-as", "no-such-one")


@needs_root
def test_credentials_of_root_leave_a_root_without_capabilities(box):
    serve = box.serve(box.upstream(talk_http()), "--workers", "2")
    assert_confined(serve, 0, 0)
    lines = serve.logged("without root's capabilities")
    assert len(lines) == 1 and "WARNING" in lines[0].upper() and "--run-as" in lines[0]
    assert curl(f"https://{serve.at}/").stdout == b"hello"


@needs_root
def test_credentials_that_could_not_be_read_again_are_refused_at_once(box):
    credentials = credentials_of(box, NOBODY)
    os.chown(credentials.parent, 0, 0)
    why = refused("--credentials", credentials).splitlines()[-1]
    assert f"uid {NOBODY}, {pwd.getpwuid(NOBODY).pw_name} (" in why and "chown" in why, why
    assert "chown" in refused("--credentials", box.credentials(), "--run-as", NOBODY)


def test_another_user_without_root_is_refused(box):
    credentials = box.credentials()
    whom = {}
    if ROOT:
        credentials = credentials_of(box, NOBODY)
        whom = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    done = subprocess.run([KEYPLATE, "serve", "--listen", "127.0.0.1:0", "--upstream", "127.0.0.1:1",
                           "--credentials", credentials, "--run-as", "root"], capture_output=True,
                          text=True, timeout=20, check=False, **whom)
    assert done.returncode == 1 and "only root can become another user" in done.stderr


def test_who_is_not_root_is_confined_too(box):
    whom, credentials = {}, None
    if ROOT:
        credentials = credentials_of(box, NOBODY)
        whom = {"user": NOBODY, "group": GROUP, "extra_groups": []}
    serve = box.serve(box.upstream(talk_http()), "--workers", "2", credentials=credentials, **whom)
    me = (NOBODY, GROUP) if ROOT else (os.geteuid(), os.getegid())
    for task in tasks_of(serve):
        assert task["Uid"] == [str(me[0])] * 4
        for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            assert int(task[name][0], 16) == 0, task
        assert task["NoNewPrivs"] == ["1"]
        assert task["Seccomp"] == (["2"] if has_seccomp(serve) else ["0"])
    assert curl(f"https://{serve.at}/").stdout == b"hello"
    assert "this process is the user" not in serve.log()


@needs_root
def test_a_capability_for_low_ports_is_given_up(box):
    """As a service manager starts it: not root, with the right to bind."""
    credentials = credentials_of(box, NOBODY)
    log = box.dir / "low-port"
    with open(log, "wb") as err:
        process = subprocess.Popen(
            ["setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups",
             "--inh-caps", "+net_bind_service", "--ambient-caps", "+net_bind_service", KEYPLATE, "serve",
             "--listen", "127.0.0.1:0", "--listen", "127.0.0.1:471", "--upstream", "127.0.0.1:1",
             "--credentials", credentials], stdout=subprocess.PIPE, stderr=err)
    try:
        assert process.stdout.readline().startswith(b"listening "), log.read_text()
        status = status_of(pathlib.Path(f"/proc/{process.pid}"))
        for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            assert int(status[name][0], 16) == 0, status
    finally:
        process.terminate()
        process.wait(15)
        process.stdout.close()


def test_state_that_cannot_be_kept_is_a_warning(box):
    serve = box.serve(box.upstream(talk_http()), "--throttle-file", "/proc/none/state")
    lines = serve.logged("counted in memory only, and a restart forgets them")
    assert len(lines) == 1 and "/proc/none" in lines[0]
    assert f"uid {os.geteuid()}, {pwd.getpwuid(os.geteuid()).pw_name} (" in lines[0]
    assert curl(f"https://{serve.at}/").stdout == b"hello"


def test_a_name_is_looked_up_again_on_a_signal(box):
    first, second = box.upstream(talk_http(b"first")), box.upstream(talk_http(b"second"))
    config = box.dir / "keyplate.conf"

    def point_at(upstream):
        config.write_text("upstream = localhost:%s\n" % upstream.at.rsplit(":", 1)[1])
        config.chmod(0o644)

    point_at(first)
    first.skip = 1
    serve = box.serve(None, "--config", config,
                      credentials=credentials_of(box, NOBODY) if ROOT else None)
    assert curl(f"https://{serve.at}/").stdout == b"first"
    point_at(second)
    serve.signal(signal.SIGHUP)
    serve.logged("the configuration was read again")
    until(lambda: curl(f"https://{serve.at}/").stdout == b"second")


def test_unix_sockets_are_reached(box):
    path = box.dir / "upstream"
    upstream = box.upstream(talk_echo, path=path)
    path.chmod(0o777)
    serve = box.serve_bytes(upstream, credentials=credentials_of(box, NOBODY) if ROOT else None)
    assert box.connect(serve, b"there and back").stdout == b"there and back"


def test_guesses_are_written_down(box):
    serve = box.serve(box.upstream(talk_http()),
                      credentials=credentials_of(box, NOBODY) if ROOT else None)
    state = pathlib.Path(f"{serve.credentials}.throttle")
    assert curl(f"https://{serve.at}/", password=OTHER).returncode != 0
    until(state.exists, 5, serve.log())
    assert state.stat().st_uid == (NOBODY if ROOT else os.geteuid())


@needs_root
def test_a_link_to_the_state_is_followed(box):
    """The folder that stays writable is the one where the file is, not where the link is."""
    credentials = credentials_of(box, NOBODY)
    folder = box.dir / "elsewhere"
    folder.mkdir(0o700)
    os.chown(folder, NOBODY, NOBODY)
    state, link = folder / "state", credentials.parent / "link"
    link.symlink_to(state)
    written = []
    for path in (state, link):
        serve = box.serve(box.upstream(talk_http()), "--throttle-file", path, credentials=credentials)
        assert curl(f"https://{serve.at}/", password=OTHER).returncode != 0
        serve.stop()
        assert "can't be written" not in serve.log()
        written.append(state.stat().st_mtime_ns)
    assert written[0] != written[1] and link.is_symlink()


@needs_root
def test_the_socket_of_counters_is_of_who_serves(box):
    """Programs of that user may read them then."""
    credentials = credentials_of(box, NOBODY)
    for path in (box.dir / "counters", credentials.parent / "counters"):
        serve = box.serve(box.upstream(talk_http()), "--metrics", f"unix:{path}",
                          credentials=credentials)
        there = path.lstat()
        assert (there.st_uid, there.st_gid, there.st_mode & 0o7777) == (NOBODY, GROUP, 0o660)
        serve.signal(signal.SIGTERM)
        assert serve.wait() == 0
        assert path.exists() == (path.parent == box.dir)  # it removes it where it may
    kept = box.serve(box.upstream(talk_http()), "--metrics", f"unix:{box.dir}/roots")
    assert (box.dir / "roots").lstat().st_uid == 0
    assert "can't be given" not in serve.log() + kept.log()


def test_counters_are_told(box):
    path = box.dir / "counters"
    serve = box.serve(box.upstream(talk_http()), "--metrics", f"unix:{path}",
                      credentials=credentials_of(box, NOBODY) if ROOT else None)
    for _ in range(2):
        with socket.socket(socket.AF_UNIX) as asking:
            asking.connect(str(path))
            asking.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"keyplate_" in read_all(asking)
    assert curl(f"https://{serve.at}/").stdout == b"hello"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze isn't here")
def test_the_unit_is_what_it_says(box):
    unit = TOP / "packaging/systemd/keyplate.service"
    here = box.dir / unit.name
    here.write_text(unit.read_text().replace("/usr/bin/keyplate", KEYPLATE)
                    .replace("Documentation=", "#"))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", here], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0 and unit.name not in done.stderr, done.stderr
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", here],
                          capture_output=True, text=True, check=False)
    level = re.search(r"exposure level for keyplate.service: ([\d.]+)", done.stdout).group(1)
    assert float(level) <= float(re.search(r"exposure level: ([\d.]+) OK", unit.read_text()).group(1))


def test_it_ends_as_it_should(box):
    """What a process does at its end is allowed too: a sanitizer would complain here."""
    serve = box.serve(box.upstream(talk_http()), "--workers", "3",
                      credentials=credentials_of(box, NOBODY) if ROOT else None)
    assert curl(f"https://{serve.at}/").stdout == b"hello"
    serve.signal(signal.SIGTERM)
    assert serve.wait() == 0, serve.log()
