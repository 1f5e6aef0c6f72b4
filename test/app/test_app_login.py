"""Goal: the start page and the login box take what a person has at hand: the keyring, a picture of the label, what is
near, a link from elsewhere; and help where typing goes wrong."""
import os
import socket
import subprocess

import pytest

import gateways
import screen
from devices import device, saved
from gateways import PASSWORD, until
from test_44_keyring import environment
from test_45_discover import SEEN, Serving, network  # noqa: F401
from visits import CHOOSER, ask, log_out, proved, report, send

KEEP = "Keep the password in this computer's keyring"


@pytest.fixture
def keyring(display, box):
    """A keyring in the session of the screen, for one test."""
    folder = box.dir / "keyring"
    folder.mkdir(mode=0o700)
    (folder / "runtime").mkdir(mode=0o700)
    env = environment(folder, os.environ["DBUS_SESSION_BUS_ADDRESS"])
    process = subprocess.Popen(["gnome-keyring-daemon", "--foreground", "--components=secrets", "--unlock"],
                               env=env, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    process.stdin.write(b"open sesame")
    process.stdin.close()

    def there():
        done = subprocess.run(["gdbus", "call", "--session", "--dest", "org.freedesktop.DBus", "--object-path",
                               "/", "--method", "org.freedesktop.DBus.ListNames"],
                              capture_output=True, text=True, check=False)
        return "org.freedesktop.secrets" in done.stdout
    until(there, 20, "no keyring")
    yield folder
    process.terminate()
    process.wait(10)


def tick(app, name):
    """By the keyboard: GTK gives a screen reader no way to press a check box before 4.14."""
    def state(which):
        return app.want("check box", name).states().contains(getattr(screen.atspi().StateType, which))

    def reached():
        return state("FOCUSED") or app.key("Tab")
    app.until(reached, f"no way to {name!r}")
    app.key("space")
    app.until(lambda: state("CHECKED"), f"{name!r} isn't ticked")


def test_the_keyring(app, box, site, keyring):
    """A password is kept if the person says so, and then nothing need be typed; it goes when the device is
    forgotten."""
    serve = device(box, "K7F3", upstream=site)
    one = app()
    ask(one, serve.at)
    tick(one, KEEP)
    one.shot("keyring")
    send(one)
    proved(one)
    report(one, site)
    log_out(one)
    kept = [path.read_bytes() for path in keyring.rglob("*.keyring")]
    assert kept and not any(PASSWORD.encode() in data for data in kept)
    ask(one, "127-0-0-1")
    one.wait_for("Left empty, the one in the keyring is taken, if there is one.")
    one.press_last("Log in")
    proved(one)
    report(one, site, 1)
    log_out(one)
    one.press("Forget 127-0-0-1")
    one.wait_for("What is saved of it goes")
    one.press_last("Forget")
    until(lambda: "127-0-0-1" not in saved(), 20)
    ask(one, serve.at)
    assert not one.says("Left empty")


def test_caps_lock(app, box, site):
    """It is told as long as it is on, wherever it was switched on."""
    serve = device(box, "K7F3", upstream=site)
    one = app()
    ask(one, serve.at)
    assert not one.says("Caps Lock is on.")
    one.key("Caps_Lock")
    try:
        one.wait_for("Caps Lock is on.")
        one.shot("caps-lock")
    finally:
        one.key("Caps_Lock")
    one.until(lambda: not one.says("Caps Lock is on."), "it is still told")


def free_port():
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return it.getsockname()[1]


@pytest.mark.skipif(not os.path.exists(gateways.BUILD / "test" / "app" / "app-picture"), reason="zbar is missing")
def test_a_picture_with_the_password(app, box, site):
    """Of a label that says all: the box comes filled in, and the person agrees or not."""
    out, at = box.dir / "batch", f"127.0.0.1:{free_port()}"
    subprocess.run([gateways.KEYPLATE, "provision", "--count", "1", "--model", "Boiler", "--out", out, "--host", at,
                    "--qr-password"], check=True, capture_output=True)
    folder = next(path.parent for path in out.glob("*/label.svg"))
    picture = box.dir / "photo.png"
    subprocess.run(["rsvg-convert", "--zoom", "4", "-b", "white", "-o", picture, folder / "label.svg"], check=True)
    box.serve(site, credentials=folder / "credentials", listen=(at,))
    one = app()
    one.press("From a picture of the label…")
    one.want(*CHOOSER)
    one.type(str(picture))
    one.key("Return")
    one.want("password text")
    one.wait_for(f"Device id {folder.name}")
    one.shot("picture")
    assert site.requests == [] and saved() == {}
    one.press_last("Log in")
    proved(one)
    report(one, site)
    assert folder.name in {row["id"] for row in saved().values()}


def test_a_link_from_elsewhere(app, box, site):
    """The app that runs takes it; a login that was under way is given up."""
    serve = device(box, "K7F3", "--tls", "1.3", upstream=site)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(10)
        one = app()
        ask(one, "127.0.0.1:%d" % silent.getsockname()[1])
        send(one)
        first, _ = silent.accept()
        with first:
            one.wait_for("has to prove")
            done = subprocess.run([screen.APP, f"keyplate://K7F3@{serve.at}/?v=1&user=admin"], timeout=20,
                                  check=False, env={**os.environ, "HOME": str(box.dir)})
            assert done.returncode == 0
            one.wait_for("Device id K7F3")
            first.settimeout(10)
            while first.recv(65536):  # until it is given up
                pass
    assert len([node for node in one.nodes() if node.role == "password text"]) == 1
    send(one)
    proved(one)
    report(one, site)


def test_what_is_near(app, box, network):  # noqa: F811
    """A device that says that it is there is listed by its own word, for as long as it is."""
    there, person = network
    serve = Serving(box, there)
    serve.logged(SEEN)
    one = app(within=lambda argv: person.argv(*argv))
    row = one.until(lambda: next((node for node in one.nodes() if f":{serve.port}" in node.name), None), "no row")
    assert row.name.startswith("Keyplate "), row
    assert one.says("Only a login proves which device it is.")
    one.shot("near")
    serve.end()
    one.until(lambda: not any(f":{serve.port}" in node.name for node in one.nodes()), "it is still there")
    one.wait_for("No device says that it is near.")
