"""Goal: keyplate browser install tells the browsers that are here, and no other program's file, where
the agent is; status says what is wrong and how to mend it; and stock Chromium and Firefox find what
was written, and let no other extension in."""
import http.server
import json
import os
import pathlib
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading

import pytest

from browsers import modules
from gateways import BUILD, KEYPLATE, ROOT, box

sys.path.insert(0, str(ROOT / "browser"))
import ids  # noqa: E402

IDS = ids.read()
FILE = IDS["host"] + ".json"
ORIGIN = f"chrome-extension://{IDS['chromium_id']}/"
HELLO = {"id": 1, "type": "hello", "protocol": 1, "client": "browser", "lasting": False}
USER = {"chromium": ".config/chromium/NativeMessagingHosts",
        "chrome": ".config/google-chrome/NativeMessagingHosts",
        "edge": ".config/microsoft-edge/NativeMessagingHosts",
        "brave": ".config/BraveSoftware/Brave-Browser/NativeMessagingHosts",
        "vivaldi": ".config/vivaldi/NativeMessagingHosts",
        "firefox": ".mozilla/native-messaging-hosts"}
SYSTEM = ["/etc/chromium/native-messaging-hosts", "/etc/opt/chrome/native-messaging-hosts",
          "/etc/opt/edge/native-messaging-hosts", "/usr/lib/mozilla/native-messaging-hosts"]
# Answers a hello after an event, and says as whom it runs.
STAND_IN = """#!/usr/bin/python3
import json, os, struct, sys
data = sys.stdin.buffer.read(4)
hello = json.loads(sys.stdin.buffer.read(struct.unpack("=I", data)[0]))
answer = json.dumps({"id": hello["id"], "ok": True, "version": f"stand-in {os.getuid()}", "you": hello,
                     "arguments": sys.argv[1:]}).encode()
event = b'{"event":"restarted"}'
sys.stdout.buffer.write(b"".join(struct.pack("=I", len(one)) + one for one in (event, answer)))
sys.stdout.buffer.flush()
sys.stdin.buffer.read()
"""


def program(path, text="#!/bin/sh\n"):
    path.write_text(text)
    path.chmod(0o755)
    return path


class Setup:
    """A person's home, programs on PATH, and a keyplate with an agent beside it."""

    def __init__(self, folder, agent=STAND_IN):
        self.home, self.path, self.bin = folder / "home", folder / "path", folder / "bin"
        for made in (self.home, self.path, self.bin):
            made.mkdir()
        shutil.copy(KEYPLATE, self.bin / "keyplate")
        self.agent = self.bin / "keyplate-agent"
        if agent is not None:
            program(self.agent, agent)
        self.env = {**os.environ, "HOME": str(self.home), "PATH": str(self.path)}
        self.env.pop("XDG_CONFIG_HOME", None)

    def run(self, *args, status=0, before=(), **env):
        done = subprocess.run([*before, self.bin / "keyplate", "browser", *args], timeout=60,
                              capture_output=True, text=True, check=False, env={**self.env, **env})
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    def browser(self, name):
        program(self.path / name)

    def file(self, word):
        return self.home / USER[word] / FILE

    def written(self):
        return {word for word in USER if self.file(word).exists()}

    def state(self, word, status=0, **env):
        told = json.loads(self.run("status", "--json", status=status, **env))
        assert told["ready"] == (status == 0) and told["host"] == IDS["host"]
        return next(one for one in told["browsers"] if one["browser"] == word)


@pytest.fixture
def setup(box):
    return Setup(box.dir)


# ---- What fixes the ids ----------------------------------------------------------------------

def test_the_id_follows_from_the_key(box):
    assert ids.id_of(IDS["chromium_key"]) == IDS["chromium_id"]
    other = box.dir / "ids"
    text = ids.FILE.read_text()
    for was, becomes, why in ((IDS["chromium_id"], "a" * 32, "doesn't follow"),
                              (IDS["host"], "org.Keyplate", "host is malformed"),
                              ("firefox_id", "firefox", "and not")):
        other.write_text(text.replace(was, becomes))
        with pytest.raises(ValueError, match=why):
            ids.read(other)


# ---- install and remove ----------------------------------------------------------------------

def test_only_browsers_that_are_here(setup):
    assert "no browser was found" in setup.run("install", status=1)
    assert setup.written() == set()
    setup.browser("chromium")
    (setup.home / ".config/BraveSoftware/Brave-Browser").mkdir(parents=True)
    (setup.home / ".mozilla/firefox").mkdir(parents=True)
    (setup.home / "snap/vivaldi").mkdir(parents=True)
    (setup.home / ".var/app/com.google.Chrome").mkdir(parents=True)
    told = setup.run("install")
    assert setup.written() == {"chromium", "brave", "firefox"}
    assert f"Chromium: written: {setup.file('chromium')}\n" in told
    assert "Microsoft Edge: left out: it is not here (--all includes it)\n" in told
    for name in ("Vivaldi", "Google Chrome"):
        assert f"{name}: left out: it is a snap or flatpak, which can't start the agent" in told
    assert len(told.splitlines()) == len(USER)
    setup.run("install", "--user", "--all")
    assert setup.written() == set(USER)


def test_what_is_written(setup):
    setup.run("install", "--all", before=["/bin/sh", "-c", 'umask 077; exec "$@"', "-"])
    common = {"name": IDS["host"], "path": str(setup.agent), "type": "stdio",
              "description": "Keyplate: logs in to devices by their password"}
    for word in USER:
        allowed = {"allowed_extensions": [IDS["firefox_id"]]} if word == "firefox" else {
            "allowed_origins": [ORIGIN]}
        assert json.loads(setup.file(word).read_text()) == {**common, **allowed}
        assert stat.S_IMODE(setup.file(word).stat().st_mode) == 0o644
        assert os.listdir(setup.file(word).parent) == [FILE]
    # A browser's folder holds a person's history: nobody else may look into one that we make.
    assert stat.S_IMODE((setup.home / ".config/vivaldi").stat().st_mode) == 0o700


def test_again(setup):
    setup.browser("chromium")
    setup.run("install")
    before = setup.file("chromium").stat()
    assert "Chromium: is right already" in setup.run("install")
    assert setup.file("chromium").stat() == before
    # Another Keyplate's is ours to put right.
    text = setup.file("chromium").read_text()
    setup.file("chromium").write_text(text.replace(str(setup.agent), "/opt/old/keyplate-agent"))
    assert "Chromium: written anew" in setup.run("install")
    assert setup.file("chromium").read_text() == text
    setup.file("chromium").chmod(0o600)
    assert "Chromium: written anew" in setup.run("install")
    assert stat.S_IMODE(setup.file("chromium").stat().st_mode) == 0o644


def test_settings_folder(setup):
    settings = setup.home / "settings"
    setup.run("install", "--all", XDG_CONFIG_HOME=str(settings))
    assert (settings / "chromium/NativeMessagingHosts" / FILE).exists()
    # Firefox looks for its profiles there, but not for manifests.
    assert setup.written() == {"firefox"}
    setup.run("remove", XDG_CONFIG_HOME="not/absolute")
    assert (settings / "chromium/NativeMessagingHosts" / FILE).exists()
    assert "removed" in setup.run("remove", XDG_CONFIG_HOME=str(settings))
    assert not (settings / "chromium/NativeMessagingHosts" / FILE).exists()


@pytest.mark.parametrize("text, why", [
    ("{}", "it is not of org.keyplate.agent"),
    ("", "it is no JSON object"),
    ("[1]", "it is no JSON object"),
    (json.dumps({"name": "org.keyplate.agent", "path": "/usr/bin/other"}), "names no keyplate-agent"),
    (json.dumps({"name": "org.keyplate.agent", "path": 7}), "names no keyplate-agent"),
    (json.dumps({"name": "org.other", "path": "/usr/bin/keyplate-agent"}), "it is not of"),
    (None, "is not a regular file"),
    ("link", "is not there"),
])
def test_files_of_another_make(setup, text, why):
    setup.browser("chromium")
    setup.browser("google-chrome")
    file = setup.file("chromium")
    file.parent.mkdir(parents=True)
    kept = setup.home / "kept"
    if text is None:
        os.mkfifo(file)
    elif text == "link":
        file.symlink_to(kept)
    else:
        file.write_text(text)
    told = setup.run("install", status=1)
    assert f"Chromium: left out: {file} is not Keyplate's: " in told and why in told
    assert setup.written() >= {"chrome"}  # the others are served all the same
    assert setup.run("remove", status=1).count("left there") == 1
    assert os.path.lexists(file) and (text in (None, "link") or file.read_text() == text)
    assert "Chromium: written anew" in setup.run("install", "--force")
    assert json.loads(file.read_text())["path"] == str(setup.agent)
    assert file.is_file() and not file.is_symlink() and not kept.exists()


def test_places_that_cannot_be_written(setup):
    setup.browser("chromium")
    setup.browser("google-chrome")
    (setup.home / ".config").mkdir()
    (setup.home / ".config/chromium").write_text("a file where a folder should be")
    told = setup.run("install", status=1)
    assert "Chromium: cannot " in told and setup.written() == {"chrome"}


def test_which_agent(setup):
    setup.browser("chromium")
    setup.agent.unlink()
    assert "there is no keyplate-agent beside keyplate" in setup.run("install", status=1)
    assert setup.written() == set()
    # By any way to the program it is the same, and the link itself: it goes by its name.
    setup.agent.symlink_to("keyplate")
    way = setup.home / "way"
    way.symlink_to(setup.bin)
    other = Setup.__new__(Setup)
    other.__dict__ = {**setup.__dict__, "bin": way}
    other.run("install")
    assert json.loads(setup.file("chromium").read_text())["path"] == str(setup.agent)
    setup.bin.chmod(0o777)
    assert "can be changed by others" in setup.run("install", status=1)


def test_remove(setup):
    setup.run("install", "--all")
    assert setup.run("remove").count("removed: ") == len(USER)
    assert setup.written() == set()
    assert "nothing was installed" in setup.run("remove")


@pytest.mark.parametrize("args, words", [
    ([], "install, status or remove"), (["burn"], "install, status or remove"),
    (["install", "x"], "one word too many"), (["status", "--system"], "status takes no --system"),
    (["remove", "--force"], "remove takes no --force"), (["install", "--json"], "takes no --json"),
    (["install", "--user", "--system"], "not both")])
def test_usage(setup, args, words):
    assert words in setup.run(*args, status=2)


# ---- For everybody here ----------------------------------------------------------------------

@pytest.fixture
def everybody(setup):
    """A private view of /etc and /usr/lib that takes what is written."""
    if os.geteuid() != 0:
        pytest.skip("only root can write for everybody")
    over = setup.home / "over"
    over.mkdir()
    mount = f"mount -t tmpfs none {over}"
    for name in ("etc", "usr/lib"):
        inside = f"{over}/{name.replace('/', '-')}"
        mount += (f" && mkdir -p {inside}/up {inside}/work && mount -t overlay none /{name} "
                  f"-o lowerdir=/{name},upperdir={inside}/up,workdir={inside}/work")
    enter = ["/usr/bin/unshare", "-m", "/bin/sh", "-c",
             f'PATH=/usr/bin:/usr/sbin; {mount} || exit 99; eval "$DO"']
    if subprocess.run(enter, env={**setup.env, "DO": "true"}, check=False).returncode != 0:
        pytest.skip("there can't be a private view of the file system here")

    def do(script, status=0):
        done = subprocess.run(enter, capture_output=True, text=True, timeout=60, check=False,
                              env={**setup.env, "DO": "k() { PATH=%s %s/keyplate browser \"$@\"; }; %s"
                                   % (setup.path, setup.bin, script)})
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr
    return do


def test_for_everybody(setup, everybody):
    files = " ".join(f"{folder}/{FILE}" for folder in SYSTEM)
    told = everybody(f"umask 077; k install --system && stat -c '%a %n' {files} && cat {files} && "
                     f"stat -c '%a %n' {' '.join(SYSTEM)} /etc/opt/edge && k remove --system && "
                     f"! ls {files}")
    for folder in SYSTEM:
        assert f"written: {folder}/{FILE}" in told and f"644 {folder}/{FILE}" in told
        assert f"755 {folder}\n" in told and f"removed: {folder}/{FILE}" in told
    assert "755 /etc/opt/edge\n" in told
    assert told.count(ORIGIN) == 3 and told.count(IDS["firefox_id"]) == 1
    assert told.count(f'"{setup.agent}"') == 4
    for name in ("Brave", "Vivaldi"):
        assert f"{name}: left out: where it looks for all users is not known" in told


def test_status_goes_by_the_person_then_the_system(setup, everybody):
    setup.browser("firefox")
    told = everybody("k install --system >&2; k status")
    assert f"Firefox: ready: {setup.agent}, version stand-in 0\n    manifest: {SYSTEM[3]}" in told
    told = everybody(f"k install --system >&2; k install >&2; echo > {setup.file('firefox')}; "
                     "k status", 1)
    assert "Firefox: not ready: its manifest is not Keyplate's" in told
    assert "to mend it: keyplate browser install --force\n" in told
    setup.file("firefox").unlink()
    told = everybody(f"k install --system >&2; echo > {SYSTEM[3]}/{FILE}; k status", 1)
    assert "to mend it: sudo keyplate browser install --system --force\n" in told


def test_nobody_else_may_change_what_everybody_runs(setup, everybody):
    nobody = pwd.getpwnam("nobody")
    os.chown(setup.agent, nobody.pw_uid, nobody.pw_gid)
    told = everybody("k install --system", 1)
    assert "can be changed by others: a browser must not start it for everybody" in told


def test_not_root(setup):
    user = [] if os.geteuid() != 0 else ["/usr/bin/setpriv", "--reuid", "nobody",
                                         "--regid", "nogroup", "--clear-groups"]
    folder = pathlib.Path(tempfile.mkdtemp())
    try:
        folder.chmod(0o755)
        shutil.copy(KEYPLATE, folder)
        done = subprocess.run([*user, folder / "keyplate", "browser", "install", "--system"],
                              capture_output=True, text=True, check=False)
    finally:
        shutil.rmtree(folder)
    assert done.returncode == 1 and "only root may" in done.stderr


def test_under_sudo():
    """Files are the person's, and the agent is run as the person."""
    if os.geteuid() != 0:
        pytest.skip("only root can be under sudo")
    nobody = pwd.getpwnam("nobody")
    folder = pathlib.Path(tempfile.mkdtemp())
    try:
        folder.chmod(0o755)
        setup = Setup(folder)
        os.chown(setup.home, nobody.pw_uid, nobody.pw_gid)
        setup.browser("chromium")
        sudo = {"SUDO_UID": str(nobody.pw_uid), "SUDO_GID": str(nobody.pw_gid),
                "XDG_CONFIG_HOME": str(setup.home / ".config")}
        setup.run("install", **sudo)
        for path in (setup.file("chromium"), setup.home / ".config"):
            assert path.stat().st_uid == nobody.pw_uid
        assert setup.state("chromium", **sudo)["version"] == f"stand-in {nobody.pw_uid}"
        setup.file("chromium").chmod(0)
        assert setup.state("chromium", 1, **sudo)["problem"].startswith("its manifest is not")
    finally:
        shutil.rmtree(folder)


# ---- status ----------------------------------------------------------------------------------

def test_status(setup):
    setup.browser("chromium")
    told = setup.run("status", status=1)
    assert "Chromium: not ready: no manifest tells it where the agent is\n" in told
    assert "to mend it: keyplate browser install\n" in told and "Firefox: not here\n" in told
    setup.run("install")
    told = setup.run("status")
    version = f"stand-in {os.getuid()}"
    assert f"Chromium: ready: {setup.agent}, version {version}\n" in told
    assert f"    manifest: {setup.file('chromium')}\n" in told
    assert setup.state("chromium") == {
        "browser": "chromium", "presence": "there", "manifest": str(setup.file("chromium")),
        "agent": str(setup.agent), "right": True, "answers": True, "version": version,
        "problem": None, "mend": None, "extension": None}
    assert setup.state("edge") == {
        "browser": "edge", "presence": "absent", "manifest": None, "agent": None, "right": False,
        "answers": False, "version": None, "problem": None, "mend": None, "extension": None}


def changed(setup, **members):
    text = json.loads(setup.file("chromium").read_text())
    setup.file("chromium").write_text(json.dumps({**text, **members}))


@pytest.mark.parametrize("spoil, problem, mend", [
    (lambda s: changed(s, allowed_origins=["chrome-extension://other/"]), "doesn't let Keyplate's", ""),
    (lambda s: changed(s, allowed_origins=[ORIGIN, "chrome-extension://other/"]), "doesn't let", ""),
    (lambda s: changed(s, allowed_origins=ORIGIN), "doesn't let", ""),
    (lambda s: changed(s, type="pipe"), "doesn't let", ""),
    (lambda s: changed(s, path="bin/keyplate-agent"), "is not absolute", ""),
    (lambda s: changed(s, path="/nowhere/keyplate-agent"), "is not where the manifest says", ""),
    (lambda s: changed(s, path="/bin/sh"), "not Keyplate's", " --force"),
    (lambda s: s.file("chromium").write_text("{"), "not Keyplate's", " --force"),
    (lambda s: s.agent.chmod(0o644), "can't be run", ""),
    (lambda s: s.agent.chmod(0o757), "can be changed by others", None),
    (lambda s: s.file("chromium").chmod(0o646), "others can change", None),
    (lambda s: s.file("chromium").parent.chmod(0o777), "others can change", None),
    (lambda s: program(s.agent, "#!/bin/sh\nexit 0\n"), "it ends without an answer", None),
    (lambda s: program(s.agent, "#!/bin/sh\necho hello, I am the agent\n"), "native messaging", None),
    (lambda s: program(s.agent, "#!/bin/sh\nprintf '\\003\\000\\000\\000abc'\n"), "else than JSON", None),
    (lambda s: program(s.agent, STAND_IN.replace('"ok": True', '"ok": False')), "it refuses", None),
    (lambda s: program(s.agent, STAND_IN.replace('hello["id"]', "2")), "it refuses", None),
    (lambda s: program(s.agent, "#!/nowhere\n"), "ends without an answer", None),
])
def test_what_is_wrong(setup, spoil, problem, mend):
    setup.browser("chromium")
    setup.run("install")
    assert setup.state("chromium")["right"]
    spoil(setup)
    told = setup.state("chromium", 1)
    assert problem in told["problem"]
    assert told["mend"] == (None if mend is None else "keyplate browser install" + mend)


def test_an_agent_that_hangs(setup):
    setup.browser("chromium")
    pid = setup.home / "pid"
    program(setup.agent, f"#!/bin/sh\necho $$ >{pid}\nexec /usr/bin/sleep 60\n")
    setup.run("install")
    assert "doesn't answer in time" in setup.state("chromium", 1)["problem"]
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


def test_signs_of_the_extension(setup):
    profile = setup.home / ".config/chromium/Profile 1"
    profile.mkdir(parents=True)
    (profile / "Preferences").write_text("{}")
    (profile / "Secure Preferences").write_text("{}")
    assert setup.state("chromium", 1)["extension"] is None
    (profile / "Secure Preferences").write_text(json.dumps({"settings": {IDS["chromium_id"]: {}}}))
    assert setup.state("chromium", 1)["extension"] == str(profile / "Secure Preferences")
    (profile / "Extensions" / IDS["chromium_id"]).mkdir(parents=True)
    assert setup.state("chromium", 1)["extension"] == str(profile / "Extensions" / IDS["chromium_id"])
    for folder in (".mozilla/firefox", ".config/mozilla/firefox"):
        profile = setup.home / folder / "abc.default"
        profile.mkdir(parents=True)
        (profile / "prefs.js").touch()
        assert setup.state("firefox", 1)["extension"] is None
        (profile / "extensions.json").write_text(json.dumps({"addons": [{"id": IDS["firefox_id"]}]}))
        assert setup.state("firefox", 1)["extension"] == str(profile / "extensions.json")
        (profile / "extensions.json").unlink()


# ---- Stock browsers --------------------------------------------------------------------------

class Report:
    """Where the test's extension says what came of it."""

    def __init__(self):
        self.got, self.came = None, threading.Event()
        report = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                report.got = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.send_header("Access-Control-Allow-Origin", "*")
                self.send_header("Content-Length", "0")
                self.end_headers()
                report.came.set()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/"


def extension(setup, kind, report, ours):
    """The test's extension, with Keyplate's id or another."""
    folder = setup.home / "extension"
    shutil.copytree(ROOT / "test" / "browser" / "hello", folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    if kind == "firefox":
        del manifest["background"]["service_worker"]
        manifest["browser_specific_settings"] = {
            "gecko": {"id": IDS["firefox_id"] if ours else "other@example.org"}}
    else:
        del manifest["background"]["scripts"]
        if ours:
            manifest["key"] = IDS["chromium_key"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "told.json").write_text(json.dumps({"message": HELLO, "report": report.url}))
    return folder


def command(setup, kind, folder):
    profile = setup.home / "profile"
    if kind == "firefox":
        profile.mkdir()
        return ["node", ROOT / "test/browser/firefox.mjs", modules(), shutil.which("firefox-esr"),
                profile, folder]
    # Not --headless, by which it takes another profile than a person's.
    return ["chromium", "--ozone-platform=headless", "--no-sandbox", "--disable-gpu",
            "--no-first-run", f"--load-extension={folder}", "about:blank"]


def what_comes_of_it(setup, kind, ours=True, **env):
    for needed in {"firefox": ("firefox-esr", "node"), "chromium": ("chromium",)}[kind]:
        if shutil.which(needed) is None:
            pytest.skip(f"{needed} isn't installed")
    report = Report()
    folder = extension(setup, kind, report, ours)
    setup.env["PATH"] = os.environ["PATH"]
    setup.run("install", **env)
    with open(setup.home / "browser.log", "wb") as log:
        running = subprocess.Popen(
            ["timeout", "-k", "5", "90", *command(setup, kind, folder)], stdin=subprocess.PIPE,
            stdout=log, stderr=log, env={**setup.env, **env}, start_new_session=True)
    try:
        assert report.came.wait(80), f"nothing was reported: see {setup.home}/browser.log"
    finally:
        running.stdin.close()
        try:
            running.wait(10 if kind == "firefox" else 0.1)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGTERM)
            running.wait(15)
        report.server.shutdown()
        report.server.server_close()
    return report.got


@pytest.mark.parametrize("kind", ["chromium", "firefox"])
def test_a_browser_finds_the_agent(setup, kind):
    got = what_comes_of_it(setup, kind)
    assert got["id"] == IDS[f"{kind}_id"] and got["answer"]["you"] == HELLO, got
    arguments = got["answer"]["arguments"]
    assert arguments[-1] == (IDS["firefox_id"] if kind == "firefox" else ORIGIN)


def test_a_browser_with_another_settings_folder(setup):
    settings = setup.home / "settings"
    got = what_comes_of_it(setup, "chromium", XDG_CONFIG_HOME=str(settings))
    assert got["answer"]["you"] == HELLO, got
    assert setup.written() <= {"firefox"}


@pytest.mark.parametrize("kind", ["chromium", "firefox"])
def test_a_browser_lets_no_other_extension_in(setup, kind):
    got = what_comes_of_it(setup, kind, ours=False)
    assert "error" in got and got["id"] != IDS[f"{kind}_id"], got


@pytest.mark.parametrize("kind", ["chromium", "firefox"])
def test_the_agent_itself(box, kind):
    if not (BUILD / "keyplate-agent").exists():
        pytest.skip("this build has no keyplate-agent")
    setup = Setup(box.dir, agent=None)
    setup.agent.symlink_to("keyplate")
    setup.env["XDG_STATE_HOME"] = str(setup.home / "state")
    got = what_comes_of_it(setup, kind)
    assert got["answer"]["protocol"] == 1, got
    assert setup.state(kind)["version"] == got["answer"]["version"]
