"""Keyplate's extension in a stock browser, as a person has it: an agent of its own, devices behind
serve, and the popup in a tab, as a toolbar can't be driven.

A browser is started once for all tests of a module that want it so; each test has devices of its
own, and when it is over, tabs are closed and devices are forgotten.
"""
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading

import pytest

from browsers import PROGRAMS, Browser, modules
from devices import saved
from gateways import BUILD, PASSWORD, ROOT, SANITIZED, Box, Ends, Serve, until
from wide_open import Web

EXTENSION = ROOT / "browser" / "extension"
DRIVER = ROOT / "test" / "browser" / "extension.mjs"
SHOTS = BUILD / "screenshots" / "extension"
DEMO = BUILD / "demo" / "keyplate-demo-device"
SLOW = 45 if SANITIZED else 20  # seconds: for what a browser and the agent do together
HOSTS = ".config/chromium/NativeMessagingHosts"
AGENT = """#!/bin/sh
echo "$$" >>'{folder}/agents'
exec '{agent}' "$@" 2>>'{folder}/agent.log'
"""


class Driven(Browser):
    """A browser with the extension; base: where the extension's own pages are."""

    def __init__(self, kind, folder, extension, language):
        for program in ("node", PROGRAMS[kind]):
            if shutil.which(program) is None:
                pytest.skip(f"{program} isn't installed")
        self.kind = kind
        self.log = open(folder / "browser.log", "ab")
        self.process = subprocess.Popen(
            ["timeout", "-k", "5", "900", "node", DRIVER, kind, folder / "profile", extension, language],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, bufsize=0,
            env={**os.environ, "HOME": str(folder), "LANGUAGE": language,
                 "KEYPLATE_SLOW_MS": str(SLOW * 1000), "KEYPLATE_NODE_MODULES": str(modules())})
        self.rest = b""
        started = self.answer(90)
        self.version, self.base = started["version"], started["base"]

    def do(self, what, page="main", **more):
        line = json.dumps({"do": what, "page": page, **more})
        self.process.stdin.write(line.encode() + b"\n")
        return self.answer(5 * SLOW)

    def until(self, code, page="main", it=None):
        return self.do("until", page, code=code, it=it)

    def ask(self, code, it=None):
        """In the extension's own page."""
        return self.do("ask", code=code, it=it)


class Stage:
    """grants: match patterns that the person has allowed before.  Chromium's question can't be
    answered by a program, Firefox asks none in tests."""

    def __init__(self, kind, grants=(), language="en"):
        self.kind, self.grants, self.language = kind, list(grants), language
        if not EXTENSION.exists():
            pytest.skip("there is no extension")
        if not (BUILD / "keyplate-agent").exists():
            pytest.skip("this build has no keyplate-agent")
        # Short: a socket's name has 107 bytes.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="kp-"))
        self.patch = pytest.MonkeyPatch()
        for name in ("state", "runtime"):
            (self.folder / name).mkdir(mode=0o700)
            self.patch.setenv(f"XDG_{name.upper()}_{'HOME' if name == 'state' else 'DIR'}",
                              str(self.folder / name))
        self.patch.delenv("XDG_CONFIG_HOME", raising=False)
        self.extension = self.folder / "extension"
        shutil.copytree(EXTENSION, self.extension)
        self.box = self.browser = None
        self.number = 0
        try:
            self.install()
            self.start()
        except BaseException:
            self.close()
            raise

    # ---- The browser -------------------------------------------------------------------------

    def install(self):
        """What a person does once: keyplate browser install."""
        where = self.folder / "bin"
        where.mkdir(exist_ok=True)
        shutil.copy(BUILD / "keyplate", where / "keyplate")
        agent = where / "keyplate-agent"
        agent.write_text(AGENT.format(folder=self.folder, agent=BUILD / "keyplate-agent"))
        agent.chmod(0o755)
        self.keyplate("browser", "install", HOME=str(self.folder), PATH=os.environ["PATH"])
        (self.folder / "profile").mkdir(exist_ok=True)
        # Chromium looks beside the profile, which isn't where a person has it.
        beside = self.folder / "profile" / "NativeMessagingHosts"
        if self.kind == "chromium" and not beside.exists():
            beside.symlink_to(self.folder / HOSTS)

    def uninstall(self):
        self.keyplate("browser", "remove", HOME=str(self.folder))

    def start(self):
        if self.kind == "chromium" and self.grants:
            self.grant()
        self.browser = self.drive()
        if self.kind == "firefox" and self.grants:
            assert self.browser.do("grant", it=self.grants)

    def drive(self):
        return Driven(self.kind, self.folder, self.extension, self.language)

    def grant(self):
        """What a manifest demanded once stays allowed when it only asks for it."""
        manifest = self.extension / "manifest.json"
        text = manifest.read_text()
        demanding = json.loads(text)
        demanding["host_permissions"] += self.grants
        manifest.write_text(json.dumps(demanding))
        self.drive().stop()
        manifest.write_text(text)

    def keyplate(self, *args, status=0, **env):
        """A command in a terminal of the same person."""
        done = subprocess.run([self.folder / "bin" / "keyplate", *map(str, args)], timeout=60,
                              capture_output=True, text=True, check=False, env={**os.environ, **env})
        assert status is None or done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    def agents(self):
        """Those that run."""
        listed = self.folder / "agents"
        pids = listed.read_text().split() if listed.exists() else []
        return [int(pid) for pid in pids if command(pid).startswith(str(BUILD / "keyplate-agent"))]

    def started(self):
        """How many agents were started until now."""
        listed = self.folder / "agents"
        return len(listed.read_text().split()) if listed.exists() else 0

    def agent_log(self):
        log = self.folder / "agent.log"
        return log.read_text(errors="replace") if log.exists() else ""

    # ---- Tests -------------------------------------------------------------------------------

    def begin(self):
        self.number += 1
        folder = self.folder / f"test{self.number}"
        folder.mkdir()
        self.box = Box(folder)
        if self.browser is None:
            self.start()

    def end(self, name, failed):
        """Nothing of this test is left for the next one."""
        try:
            if failed and self.browser is not None:
                self.shoot_all(f"failed-{name}")
            if self.browser is not None:
                self.browser.do("close_all")
            for device in self.names():
                self.keyplate("devices", "forget", device, status=None)
        except (AssertionError, OSError):
            failed = True
        finally:
            if failed:
                self.stop_browser()  # the next test has a new one
            self.box.close()

    def names(self):
        """Of saved devices."""
        return list(saved())

    def stop_browser(self):
        if self.browser is not None:
            self.browser.stop()
            self.browser = None

    def close(self):
        try:
            self.stop_browser()
            until(lambda: not self.agents(), SLOW, "an agent outlives its browser")
            log = self.agent_log()
            for bad in ("Sanitizer", "runtime error:", "Assertion", PASSWORD):
                assert bad not in log, log
        finally:
            for pid in self.agents():
                os.kill(pid, signal.SIGKILL)
            self.patch.undo()
            shutil.rmtree(self.folder, ignore_errors=True)

    # ---- Devices -----------------------------------------------------------------------------

    def credentials(self, device_id, password=PASSWORD):
        path = self.box.dir / f"credentials-{self.box.count()}"
        more = ("--device-id", device_id) if device_id else ()
        self.box.passwd("add", path, "admin", password, "--group", "2048", *more)
        return path

    def demo(self, device_id="demo-0001", password=PASSWORD, listen="127.0.0.1:0", credentials=None,
             more=()):
        """The demo device behind a serve."""
        process = subprocess.Popen(
            [DEMO, "--listen", "127.0.0.1:0", "--proxy-v2", "--quiet", "--state",
             self.box.dir / f"state{self.box.count()}"], stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        self.box.programs.insert(0, Ends(process))
        line = process.stdout.readline().decode().split()
        assert line[:1] == ["listening"], line
        return self.device(line[1], "--identity", "proxy-v2", *more, device_id=device_id, password=password,
                           listen=listen, credentials=credentials)

    def device(self, upstream, *args, device_id="K7F3", password=PASSWORD, listen="127.0.0.1:0",
               credentials=None):
        """A serve before it."""
        return Serve(self.box, getattr(upstream, "at", upstream), *args, listen=(listen,),
                     credentials=credentials or self.credentials(device_id, password))

    # ---- What a person does ------------------------------------------------------------------

    def tab(self, page="main", url=None):
        """Brings a tab to the front; its number."""
        if url is not None:
            self.browser.goto(url, page)
        return self.toolbar(page)["id"]

    def toolbar(self, page="main"):
        return self.browser.do("toolbar", page)

    def popup(self, page="menu", tab="main"):
        """The popup, as a page that looks at a tab."""
        number = f"?tab={self.tab(tab)}" if tab else ""
        self.browser.goto(f"{self.browser.base}popup/popup.html{number}", page)
        self.browser.until("return document.body.dataset.view && document.body.dataset.view !== 'loading'",
                           page)
        return page

    def view(self, page="menu"):
        return self.browser.run("return document.body.dataset.view", page=page)

    def click(self, css, page="menu"):
        self.browser.do("click", page, css=css)

    def fill(self, css, text, page="menu"):
        self.browser.do("fill", page, css=css, text=text)

    def text(self, css, page="menu"):
        return self.browser.run(
            "const one = document.querySelector(it); return one ? one.innerText : null", css, page)

    def until(self, code, page="menu", it=None):
        return self.browser.until(code, page, it)

    def shows(self, css, words="", page="menu"):
        """Waits until something is to be seen that has the words; its text."""
        self.until("const one = document.querySelector(it.css); return one && one.checkVisibility() && "
                   "one.innerText.toLowerCase().includes(it.words.toLowerCase())", page,
                   {"css": css, "words": words})
        return self.text(css, page)

    def add(self, at, page="menu"):
        """Until the popup asks for the password."""
        self.fill("#device", at, page)
        self.click("#add", page)
        self.shows("#login-form", page=page)

    def send(self, password=PASSWORD, user="admin", page="menu"):
        if user is not None:
            self.fill("#user", user, page)
        self.fill("#password", password, page)
        self.click("#login", page)

    def login(self, at, password=PASSWORD, user="admin", page="main"):
        """Adds a device by what is typed; its page is then in the tab `page`.  Its origin."""
        menu = self.popup(f"menu-{page}", page)
        self.add(at, menu)
        self.send(password, user, menu)
        origin = self.landed(page)
        self.browser.do("close", menu)
        return origin

    def landed(self, page="main"):
        """The origin of the device's page in this tab."""
        return self.browser.until(
            "return /^http:..[a-z0-9-]+[.]localhost:[0-9]+$/.test(location.origin) && "
            "!location.pathname.startsWith('/.keyplate/') && document.readyState === 'complete' && "
            "location.origin", page)

    def at(self, origin, page="main"):
        """This tab is at that origin, and the page is there."""
        here = self.landed(page)
        assert here == origin, here

    def typable(self, origin):
        """Waits until the popup says that this device's address can be typed."""
        until(lambda: name_of(origin) in saved(), SLOW)
        self.popup("typable")
        self.until("return document.querySelector('#typed').checked", "typable")
        self.browser.do("close", "typable")

    def placed(self, page="main", what=None):
        """This tab shows the place page; what it says."""
        said = self.browser.until("return location.pathname === '/place/place.html' && "
                                  "document.querySelector('#what')?.dataset.what", page)
        assert what is None or said in (what if isinstance(what, tuple) else (what,)), said
        return said

    def proved(self, name, page="main", user="admin"):
        """The toolbar says that this tab shows the device."""
        def so():
            bar = self.toolbar(page)
            return (f"{name} (" in bar["title"] and f"proved, user {user}" in bar["title"]
                    and bar["shown"] in (None, True) and bar)
        return until(so, SLOW, f"not proved: {self.toolbar(page)}")

    def idle(self, page="main", seconds=SLOW):
        """The toolbar says nothing of this tab."""
        def so():
            bar = self.toolbar(page)
            return bar["title"] == "Keyplate" and bar["beside"] in (None, "Keyplate")
        until(so, seconds, f"not idle: {self.toolbar(page)}")

    def troubled(self, name, page="main"):
        """The toolbar warns of this tab's device."""
        def so():
            title = self.toolbar(page)["title"]
            return title.startswith(f"{name} (") and "not proved" in title
        until(so, SLOW, f"no warning: {self.toolbar(page)}")

    # ---- Pictures ----------------------------------------------------------------------------

    def shot(self, name, page="menu", size=(380, 560)):
        SHOTS.mkdir(parents=True, exist_ok=True)
        path = SHOTS / f"{name}-{self.kind}.png"
        self.browser.do("shot", page, path=str(path), width=size[0], height=size[1])
        assert path.stat().st_size > 1000

    def shoot_all(self, name):
        for page in ("menu", "main"):
            try:
                self.shot(f"{name}-{page}".replace("[", "-").replace("]", ""), page, (900, 700))
            except AssertionError:
                pass


def command(pid):
    try:
        return open(f"/proc/{pid}/cmdline", "rb").read().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def name_of(origin):
    return origin.removeprefix("http://").split(".")[0]


# ---- Fixtures -----------------------------------------------------------------------------------

TYPED = "127.0.52.1"    # a person may type it: that was allowed before
TYPED_2 = "127.0.52.2"  # that, too
FRESH = "127.0.52.9"    # nobody was asked about it
GRANTS = [f"{scheme}://{host}/*" for host in (TYPED, TYPED_2) for scheme in ("http", "https")]


@pytest.fixture(scope="module", params=sorted(PROGRAMS))
def whole(request):
    """One browser for the tests of a module."""
    made = Stage(request.param, GRANTS)
    yield made
    made.close()


@pytest.fixture
def stage(whole, request):
    failed = request.session.testsfailed
    whole.begin()
    yield whole
    whole.end(request.node.name, request.session.testsfailed > failed)


@pytest.fixture
def web(stage):
    """Web servers that mind nothing, until the test ends."""
    made = []

    def make(*args, **kwargs):
        made.append(Web(*args, **kwargs))
        return made[-1]
    yield make
    for one in made:
        one.close()


# ---- Small peers --------------------------------------------------------------------------------

class Counter:
    """Takes connections, remembers how each began, and carries them on if there is somewhere to.
    spoil(number, data): what the device says, changed on its way."""

    def __init__(self, host, port=0, to=None, spoil=None, answer=b""):
        self.to, self.spoil, self.answer = to, spoil, answer
        self.seen = []  # the first bytes of each
        self.listener = socket.create_server((host, port), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.at = f"{host}:{self.port}"
        self.open = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.open.append(sock)
            threading.Thread(target=self.one, args=(sock,), daemon=True).start()

    def one(self, sock):
        try:
            sock.settimeout(30)
            first = sock.recv(65536)
            if not first:
                return
            self.seen.append(first)
            if self.to is None:
                sock.sendall(self.answer)
            else:
                self.carry(sock, first, len(self.seen))
        except OSError:
            pass
        finally:
            sock.close()

    def carry(self, sock, first, number):
        host, port = self.to.rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=30) as device:
            device.sendall(first)
            up = threading.Thread(target=self.pump, args=(sock, device, None), daemon=True)
            up.start()
            self.pump(device, sock, self.spoil and (lambda data: self.spoil(number, data)))
            up.join(5)

    @staticmethod
    def pump(source, sink, change):
        try:
            while data := source.recv(65536):
                sink.sendall(change(data) if change else data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def stop(self):
        for sock in [self.listener, *self.open]:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            sock.close()


def guesses(serve):
    """At the password, that this serve has seen fail."""
    return serve.log().count("proof-failed")
