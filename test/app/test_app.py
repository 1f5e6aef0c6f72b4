"""Goal: a person with the app logs in to a device, works with its pages and logs out; what is wrong is told
in red, with no page; and all of it can be done from the keyboard and is told to a screen reader."""
import os
import re
import socket
import subprocess
import threading
import time

import pytest

import gateways
import screen
from devices import device, replace, saved
from gateways import PASSWORD, PROOF, until
from screen import SLOW
from test_37_clock import Clock
from visits import ask, log_out, proved, report, send, trouble, visit

PICTURE = gateways.BUILD / "test" / "app" / "app-picture"
TYPED = "x2222-22222-22222"  # a label's by its looks, and not by its check character


def test_a_visit(app, box, site):
    """The page is at the device's own address and a secure context; it may keep what pages keep, and the
    device gets what a browser would send; nothing of a login is in it."""
    serve = device(box, "K7F3", upstream=site)
    one = app()
    one.want("text", "Address of a device")
    one.shot("start")
    ask(one, serve.at)
    one.shot("login")
    send(one)
    proved(one)
    said = report(one, site)
    assert said["at"] == f"https://{serve.at}/" and said["secure"] is True and said["kept"] == []
    assert "mine=1" in said["cookies"] and "__Host-mine=1" in said["cookies"]
    assert "hidden" not in said["cookies"]
    fields = site.requests[0][2]
    assert fields["Host"] == serve.at and "Proxy-Authorization" not in fields
    assert not any(name.lower().startswith("x-keyplate") for name in fields)
    assert "hidden=1" in next(f["Cookie"] for m, path, f in site.requests if path == "/said")
    time.sleep(1)  # it is there before it is drawn
    one.shot("visit")
    proved(one).press()
    one.wait_for("Logged in as")
    for fact in ("admin", "K7F3", "TLSv1."):
        assert one.says(fact), (fact, one.nodes())
    one.shot("padlock")


def test_a_logout_forgets_everything(app, box, site):
    serve = device(box, "K7F3", upstream=site)
    one = app()
    assert visit(one, site, serve)["kept"] == []
    log_out(one)
    assert not one.find("push button", "Proved: 127-0-0-1")
    assert visit(one, site, serve)["kept"] == []
    one.shot("second-visit")
    one.stop()
    left = [name for folder in ("data", "cache", "config") for name in (box.dir / folder).rglob("*")
            if re.search("cookie|storage|indexeddb|hsts", name.name, re.I)]
    assert left == [], left


def test_within_a_visit_pages_keep(app, box, site):
    serve = device(box, "K7F3", upstream=site)
    one = app()
    visit(one, site, serve)
    one.focus_page()
    one.key("F5")
    kept = report(one, site, 1)["kept"]
    assert set(kept) == {"cookie", "host-cookie", "localStorage", "indexedDB"}


def test_a_wrong_password(app, box, site):
    """Red, the sentence, no page and nothing at the device; once more is the person's to say."""
    serve = device(box, "K7F3", upstream=site)
    one = app()
    ask(one, serve.at)
    send(one, "not-the-password")
    trouble(one, "The proof failed")
    one.wait_for(PROOF[1:])
    one.shot("wrong-password")
    assert site.requests == []
    guesses = serve.log().count("guess") + serve.log().count("refused")
    one.press("Try again")
    one.want("password text")
    assert serve.log().count("guess") + serve.log().count("refused") == guesses
    send(one)
    proved(one)
    report(one, site)


def test_a_typing_error(app, box, site):
    """A label's password with a wrong letter is told while it is typed, and not sent before the person
    insists."""
    serve = device(box, "K7F3", upstream=site)
    one = app()
    ask(one, serve.at)
    one.fill("Password", TYPED, role="password text")
    one.wait_for("a typing error")
    lines = serve.log()
    one.press_last("Log in")
    one.wait_for("Nothing was sent")
    one.shot("typing-error")
    assert serve.log() == lines
    one.press_last("Try it all the same")
    trouble(one, "The proof failed")


def test_another_device(app, box, site):
    """Whoever knows the password, but isn't the device that is saved: red, and no way to go on."""
    serve = device(box, "K7F3", upstream=site)
    one = app()
    visit(one, site, serve)
    log_out(one)
    until(lambda: saved()["127-0-0-1"]["id"] == "K7F3")
    seen = len(site.requests)
    replace(box, serve, "OTHER", upstream=site)
    ask(one, serve.at)
    send(one)
    one.want("push button", "Back to the devices")
    one.shot("another-device")
    assert len(site.requests) == seen


def test_the_password_changes_meanwhile(app, box, site):
    """The device takes the password no more: the page is gone at once, and says so."""
    serve = device(box, "K7F3", upstream=site)
    one = app()
    visit(one, site, serve)
    box.passwd("change", serve.credentials, "admin", "another-one-of-mine")
    until(lambda: "changed" in serve.log() or "reload" in serve.log(), what=serve.log())

    def gone():
        one.key("F5")
        return one.find("push button", "Back to the devices")
    one.focus_page()
    until(gone, SLOW)
    one.shot("refused-meanwhile")


def test_nobody_there(app, box):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        one = app()
        ask(one, "127.0.0.1:%d" % closed.getsockname()[1])
        send(one)
        trouble(one, "No connection")
        one.shot("no-connection")
    one.press("Back to the devices")
    one.want("text", "Address of a device")


def test_idle(app, box, site):
    """After a quarter of an hour, slept or not, the person is logged out; it can be set."""
    clock = Clock(box.dir)
    serve = device(box, "K7F3", upstream=site)
    one = app(env={key: value for key, value in clock.env.items() if key in ("LD_PRELOAD", "CLOCK_FILE")})
    visit(one, site, serve)
    clock.set(sleep=14 * 60)
    time.sleep(3)
    one.want("push button", "Proved: 127-0-0-1")
    clock.set(sleep=15 * 60 + 5)
    one.wait_for("nobody did anything")
    one.shot("idle")


class Elsewhere:
    """A port where nobody may come."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.came = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                sock, _ = self.socket.accept()
            except OSError:
                return
            self.came.append(sock.recv(200))
            sock.close()

    def close(self):
        self.socket.close()


def test_nothing_leaves_the_device(app, box, site):
    """Pictures, frames, requests, sockets, forms and windows of a page lead to the device or nowhere; a
    link out of it is a question first."""
    other = Elsewhere()
    box.upstreams.append(other)
    url = f"http://127.0.0.1:{other.port}"
    site.link = url + "/link"
    site.more = f"""<img src="{url}/img"><img src="https://127.0.0.1:{other.port}/img">
<iframe src="{url}/frame"></iframe><link rel=stylesheet href="{url}/css"><link rel=prefetch href="{url}/p">
<form id=f action="{url}/form" method=post></form>
<script>fetch('{url}/fetch').catch(() => 0); fetch('https://127.0.0.1:{other.port}/').catch(() => 0);
new WebSocket('ws://127.0.0.1:{other.port}/ws'); new EventSource('{url}/events');
navigator.sendBeacon('{url}/beacon'); open('{url}/open'); try {{ document.getElementById('f').submit(); }} catch (e) {{}}
</script><meta http-equiv=refresh content="2;url={url}/refresh">"""
    serve = device(box, "K7F3", upstream=site)
    one = app()
    visit(one, site, serve)
    time.sleep(4)  # for all that might come
    assert other.came == [], other.came
    one.want("push button", "Proved: 127-0-0-1")
    one.click(40, 145)
    one.wait_for("The page leads out of the device")
    one.shot("outside")
    one.press_last("Cancel")
    assert other.came == []


def test_saved_ones(app, box, site):
    """A device that was logged in to is listed, chosen by name, and forgotten when the person agrees."""
    serve = device(box, "K7F3", upstream=site)
    one = app()
    visit(one, site, serve)
    log_out(one)
    row = one.until(lambda: next((n for n in one.nodes() if n.name.startswith("127-0-0-1, ")), None), "no row")
    one.shot("saved")
    one.press("Forget 127-0-0-1")
    one.wait_for("What is saved of it goes")
    one.press_last("Cancel")
    one.until(lambda: not any("What is saved of it goes" in n.name for n in one.nodes()), "it's still asked")
    assert "127-0-0-1" in saved(), row
    one.press("Forget 127-0-0-1")
    one.wait_for("What is saved of it goes")
    one.press_last("Forget")
    until(lambda: "127-0-0-1" not in saved())


@pytest.mark.parametrize("args, status, words", [
    (("--version",), 0, "keyplate-app "),
    (("--help",), 0, "keyplate://LINK"),
    (("a", "b"), 2, "usage"),
    (("keyplate://K7F3@127.0.0.1/?v=1#p=22222-22222-22222",), 2, "command line"),
])
def test_the_command_line(display, box, args, status, words):
    done = subprocess.run([screen.APP, *args], capture_output=True, text=True, timeout=30, check=False,
                          env={**os.environ, "HOME": str(box.dir)})
    assert done.returncode == status and words in done.stdout + done.stderr, done


def test_a_link(app, box, site):
    """A label's link brings the device's id and its user along, and is proved by TLS 1.3 from the start."""
    serve = device(box, "K7F3", "--tls", "1.3", upstream=site)
    one = app(f"keyplate://K7F3@{serve.at}/?v=1&user=admin")
    one.wait_for("Device id K7F3")
    one.shot("link")
    send(one)
    proved(one)
    report(one, site)
    assert "TLSv1.3" in serve.log()


@pytest.mark.parametrize("look", ["german", "dark", "narrow"])
def test_looks(app, box, site, look):
    """In German, in the dark and on a phone's 360 pixels all of it is there: see the screenshots."""
    serve = device(box, "K7F3", upstream=site)
    one = app(language="de" if look == "german" else "en", dark=look == "dark", narrow=look == "narrow")
    words, address = ("Anmelden", "Adresse eines Geräts") if look == "german" else ("Log in", "Address of a device")
    one.want("text", address)
    one.shot(f"{look}-start")
    ask(one, serve.at, words, address)
    one.shot(f"{look}-login")
    send(one, "not-the-password", words)
    one.want("push button", "Zurück zu den Geräten" if look == "german" else "Back to the devices")
    one.shot(f"{look}-trouble")
    one.press("Noch einmal versuchen" if look == "german" else "Try again")
    one.want("password text")
    send(one, words=words)
    proved(one, "Ausgewiesen" if look == "german" else "Proved")
    report(one, site)
    time.sleep(1)  # it is there before it is drawn
    one.shot(f"{look}-visit")


def test_by_keyboard_alone(app, box, site):
    """From the address to the logout nothing needs a pointer; Escape leaves the login box."""
    serve = device(box, "K7F3", upstream=site)
    one = app()
    one.want("text", "Address of a device")
    one.type(serve.at)
    one.key("Return")
    one.want("password text")
    one.key("Escape")
    one.until(lambda: not one.find("password text"), "Escape doesn't close the login box")
    one.key("Return")
    one.want("password text")
    one.type(PASSWORD)
    one.key("Return")
    proved(one)
    report(one, site)
    one.key("ctrl+f")
    one.want("entry", "Find in page")
    one.type("room")
    one.wait_for("once")
    one.shot("find")
    one.key("Escape")
    one.key("ctrl+plus")
    one.key("ctrl+0")
    one.key("ctrl+shift+q")
    one.wait_for("Logged out of")


def test_a_download(app, box, site):
    """A file of the device is saved by a name that leads nowhere else; what broke off is removed."""
    site.link = "/file"
    serve = device(box, "K7F3", upstream=site)
    (box.dir / "Downloads").mkdir()
    one = app(env={"XDG_DOWNLOAD_DIR": str(box.dir / "Downloads")})
    visit(one, site, serve)
    time.sleep(2)  # it is there before it is drawn
    one.click(40, 145)
    one.want("text", "Name:")
    time.sleep(1)
    one.shot("save")
    one.key("Return")
    one.wait_for("is saved")
    one.shot("saved-file")
    found = [path for path in box.dir.rglob("settings.bin")]
    assert len(found) == 1 and found[0].read_bytes() == b"x" * 100_000, found


@pytest.mark.parametrize("secret", [False, True])
def test_a_picture_of_a_label(display, box, secret, tmp_path):
    """The QR code of a label that provision makes is read from a photograph of it; a password in it goes
    another way than the link."""
    out = tmp_path / "batch"
    more = ["--qr-password"] if secret else []
    subprocess.run([gateways.KEYPLATE, "provision", "--count", "1", "--model", "Boiler", "--out", out, *more],
                   check=True, capture_output=True)
    label = next(out.glob("*/label.svg"))
    picture = tmp_path / "photo.jpg"
    subprocess.run(["rsvg-convert", "--zoom", "4", "-b", "white", "-o", tmp_path / "p.png", label], check=True)
    subprocess.run(["convert", tmp_path / "p.png", "-rotate", "7", "-blur", "0x1", "-quality", "70", picture],
                   check=True)
    said = picture_of(picture)
    serial = label.parent.name
    assert said[0].startswith("found") and f"keyplate://{serial}" in said[1] and "#" not in said[1], said
    password = re.search(r"[0-9a-z]{5}-[0-9a-z]{5}-[0-9a-z]{5}", label.read_text())[0]
    assert said[2] == (password if secret else ""), said


def picture_of(path):
    done = subprocess.run([PICTURE, path], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.split("\n")


def test_what_is_no_label(tmp_path):
    """A code of something else, a picture without one, no picture, and one that would fill the memory."""
    if not os.path.exists(PICTURE):
        pytest.skip("zbar is missing")
    (tmp_path / "text.png").write_text("no picture")
    assert picture_of(tmp_path / "text.png")[0] == "unread"
    subprocess.run(["convert", "-size", "200x200", "xc:white", tmp_path / "white.png"], check=True)
    assert picture_of(tmp_path / "white.png")[0] == "none"
    assert picture_of(tmp_path / "nothing-there.png")[0] == "unread"
    assert picture_of("/dev/zero")[0] == "unread"
