"""Goal of this test: who types a device's bare address into a stock Chromium or Firefox gets our words
and no certificate warning in strict, a notice with the way on in sniff, and the device's traditional
HTTPS page in same-port and dual.

A network namespace has the device's address, with ports 80 and 443.  Screenshots stay in
$KEYPLATE_BUILD/screenshots/port80/.
"""
import os
import shutil
import subprocess

import pytest

import gateways
from gateways import BUILD, Ends, Plain, box, until
from http_peers import WAY_ON, event, events, gateway
from transition import Https, Tags
from upstreams import EXAMPLES

from support.namespace import Namespace
from support.webservers import certificate

DEVICE = "192.168.77.1"
UPSTREAM, HTTPS = "127.0.0.1:8080", "127.0.0.1:8443"
SHOTS = BUILD / "screenshots" / "port80"
SIZES = {"phone": "360,780", "desktop": "1280,900"}
PAGE = "<!doctype html><title>The device</title><p>The device's page<script src=/more.js></script>"
SCRIPT = "document.body.append(', and what it loads')"
WHOLE = "</script></p>, and what it loads</body>"
EXPLAINS = "This device shows nothing over plain HTTP"
NOTICES = "The page you asked for is not protected"


def installed(name):
    if shutil.which(name) is None:
        pytest.skip(f"{name} isn't installed")


@pytest.fixture(scope="module")
def space():
    """A network of one device."""
    try:
        made = Namespace()
    except OSError as why:
        pytest.skip(str(why))
    subprocess.run(made.argv(["ip", "address", "add", f"{DEVICE}/32", "dev", "lo"]), check=True)
    yield made
    made.stop()


@pytest.fixture
def device(box, space, monkeypatch):
    """device(preset, *options): a serve at the device's ports, in front of its web servers."""
    inside = box.dir / "keyplate"
    inside.write_text("#!/bin/sh\nexec {} \"$@\"\n".format(" ".join(
        space.argv([gateways.KEYPLATE]))))
    inside.chmod(0o755)
    monkeypatch.setattr(gateways, "KEYPLATE", str(inside))

    def start(preset, *options):
        nginx(box, space)
        listen = [f"{DEVICE}:443"] + [f"{DEVICE}:4433"] * (preset == "dual")
        if preset in ("dual", "same-port"):
            options += ("--other-tls", HTTPS)
        serve = gateway(box, UPSTREAM, "--transition", preset, "--http-listen", f"{DEVICE}:80",
                        *options, listen=listen)
        assert serve.line() == f"listening {DEVICE}:80"
        return serve
    return start


def nginx(box, space):
    """The device's own web server, and its HTTPS server by integrations/nginx/."""
    installed("nginx")
    root = box.dir / "nginx"
    root.mkdir()
    (root / "index.html").write_text(PAGE)
    (root / "more.js").write_text(SCRIPT)
    cert, key = certificate(root, DEVICE)
    site = (EXAMPLES / "nginx" / "other-https.conf").read_text()
    for name, value in (("@PORT@", HTTPS.split(":")[1]), ("@UPSTREAM@", UPSTREAM.split(":")[1]),
                        ("@CERTIFICATE@", str(cert)), ("@KEY@", str(key))):
        site = site.replace(name, value)
    (root / "site").write_text(site + f"server {{ listen {UPSTREAM}; root {root};"
                               " types { text/html html; text/javascript js; } }")
    # Whoever enters a user namespace is root there, and there is nobody else.
    (root / "main.conf").write_text("user root root;" + Https.CONFIG.format(root=root, site=root / "site"))
    with open(root / "log", "wb") as log:
        box.programs.append(Plain(subprocess.Popen(
            space.argv(["nginx", "-e", "stderr", "-p", root, "-c", root / "main.conf"]),
            stdin=subprocess.DEVNULL, stdout=log, stderr=log)))
    for url in (f"http://{UPSTREAM}/", f"https://{HTTPS}/"):
        command = space.argv(["curl", "-sko", root / "got", "--max-time", "15", url])
        until(lambda: subprocess.run(command, check=False).returncode == 0,
              what=f"nginx doesn't answer: see {root / 'log'}")


class Chromium:
    """With a profile of its own, which it keeps."""

    def __init__(self, box, space):
        installed("chromium")
        self.space, self.box = space, box
        self.profile = box.dir / f"chromium-{box.count()}"

    def run(self, *args):
        # Root needs --no-sandbox, and who enters a user namespace is root there.
        done = subprocess.run(self.space.argv(
            ["timeout", "-k", "5", "40", "chromium", "--headless=new", "--no-sandbox",
             "--disable-gpu", f"--user-data-dir={self.profile}", *args]),
            capture_output=True, text=True, timeout=60, check=False,
            env={**os.environ, "HOME": str(self.box.dir)})
        assert done.returncode == 0, done.stderr
        return done.stdout

    def page(self, address, *args):
        return self.run("--dump-dom", *args, address)

    def shots(self, name):
        for size, pixels in SIZES.items():
            path = SHOTS / f"chromium-{name}-{size}.png"
            self.run(f"--screenshot={path}", "--hide-scrollbars", f"--window-size={pixels}", DEVICE)
            assert path.stat().st_size > 5000


@pytest.fixture
def chromium(box, space):
    return Chromium(box, space)


@pytest.fixture
def firefox(box, space):
    """firefox(*args): starts it with a new profile."""
    installed("firefox-esr")

    def start(*args):
        home = box.dir / f"firefox-{box.count()}"
        home.mkdir()
        process = subprocess.Popen(space.argv(
            ["timeout", "-k", "5", "40", "firefox-esr", "--headless", "--no-remote", "--profile",
             home, *args]), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, env={**os.environ, "HOME": str(home)})
        box.programs.insert(0, Ends(process))
        return process
    return start


@pytest.fixture(autouse=True, scope="module")
def folder():
    SHOTS.mkdir(parents=True, exist_ok=True)


def shoot(firefox, name):
    path = SHOTS / f"firefox-{name}.png"
    path.unlink(missing_ok=True)
    assert firefox("--screenshot", path, f"http://{DEVICE}/").wait(45) == 0
    assert path.stat().st_size > 5000


def refused_alone(serve):
    """It is the browser's own page that tells of it."""
    lines = until(lambda: events(serve, "refused"), 20, serve.log())
    assert all(line["sent_alert"] == "handshake_failure" for line in lines)
    assert not events(serve, "explained") and not events(serve, "request")


# ---- strict -------------------------------------------------------------------------------------

def test_chromium_is_explained_to(device, chromium):
    serve = device("strict")
    page = chromium.page(DEVICE)
    assert f"<title>{EXPLAINS}</title>" in page and f"keyplate open {DEVICE}<" in page
    assert "device's page<" not in page
    line = event(serve, "explained")
    assert (line["method"], line["target"]) == ("GET", "/")
    chromium.shots("strict")


def test_chromium_s_https_is_refused(device, chromium):
    serve = device("strict")
    assert EXPLAINS not in chromium.page(f"https://{DEVICE}/")
    refused_alone(serve)


def test_firefox_is_explained_to(device, firefox):
    serve = device("strict")
    firefox(DEVICE)
    line = until(lambda: events(serve, "explained"), 30, serve.log())[0]
    assert (line["method"], line["target"]) == ("GET", "/")
    shoot(firefox, "strict")


def test_firefox_s_https_is_refused(device, firefox):
    serve = device("strict")
    firefox(f"https://{DEVICE}/")
    refused_alone(serve)


# ---- sniff --------------------------------------------------------------------------------------

def test_chromium_goes_on_to_the_plain_page(device, chromium):
    serve = device("sniff")
    page = chromium.page(DEVICE)
    assert f"<title>{NOTICES}</title>" in page
    (way,) = Tags(page.encode()).links
    assert way == f"/?{WAY_ON}"
    event(serve, "noticed")
    page = chromium.page(f"http://{DEVICE}{way}")
    assert WHOLE in page  # the cookie took its script along
    assert [line["target"] for line in events(serve, "request")][:2] == [way, "/more.js"]
    # A new run of the browser is warned again.
    assert f"<title>{NOTICES}</title>" in chromium.page(DEVICE)
    chromium.shots("sniff")


def test_firefox_is_noticed(device, firefox):
    serve = device("sniff")
    shoot(firefox, "sniff")
    assert event(serve, "noticed")["target"] == "/"


def test_the_device_s_own_words(device, chromium, box):
    words = box.dir / "words.html"
    words.write_text("<p>Willkommen bei der <b>Heizung im Keller</b>.</p><p>Das Kennwort steht auf dem "
                     "Aufkleber an der linken Seite des Geräts.</p><ul><li>Modell K7F3</li></ul>",
                     encoding="utf-8")
    device("sniff", "--notice", words)
    page = chromium.page(DEVICE)
    assert "<b>Heizung im Keller</b>" in page and "des Geräts" in page and WAY_ON in page
    chromium.shots("words")


# ---- dual and same-port -------------------------------------------------------------------------

@pytest.mark.parametrize("preset, port", [("same-port", ""), ("dual", ":4433")])
def test_chromium_reaches_the_traditional_page(device, chromium, preset, port):
    """By port 80, and by https://, which a bookmark has.  Chromium asks of a certificate that nobody
    signed, which is what the password is to end."""
    serve = device(preset)
    assert WHOLE in chromium.page(DEVICE, "--ignore-certificate-errors")
    assert event(serve, "led-on")["target"] == "/"
    until(lambda: events(serve, "passed"))
    assert not events(serve, "explained") and not events(serve, "request")
    assert "device's page" not in chromium.page(f"https://{DEVICE}{port}/")


def test_firefox_is_led_on(device, firefox):
    serve = device("same-port")
    firefox(DEVICE)
    assert until(lambda: events(serve, "led-on"), 30, serve.log())[0]["target"] == "/"
    until(lambda: events(serve, "passed"), 20, serve.log())
