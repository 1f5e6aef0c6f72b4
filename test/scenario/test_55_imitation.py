"""Goal: the demo device's page that imitates the login box is near enough to the real one to teach
something, and harmless: what is typed into it goes nowhere and stays nowhere.

The demo device alone, by curl and in real browsers; what the real box looks like is read from the
sources of the extension.
"""
import html
import re
import subprocess

import pytest

from browsers import Browser
from gateways import BUILD, ROOT, Program, box, until

SHOTS = BUILD / "screenshots" / "imitation"
SIZES = {"phone": (360, 780), "desktop": (1280, 900)}
PASSWORD = "k4m7q-x2h9d-wr5tz"
EXTENSION = ROOT / "browser" / "extension"


class Demo(Program):
    """The demo device, which writes a line for each request."""

    def __init__(self, box):
        program = BUILD / "demo" / "keyplate-demo-device"
        if not program.exists():
            pytest.skip("a build without the demo")
        self.err = box.dir / f"demo{box.count()}"
        with open(self.err, "wb") as err:
            self.process = subprocess.Popen(
                [program, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, stderr=err,
                stdin=subprocess.DEVNULL, bufsize=0)
        self.pid = self.process.pid
        box.programs.append(self)
        self.at = self.line().split()[1]

    def get(self, path, *more):
        return subprocess.run(["curl", "-s", *more, f"http://{self.at}{path}"], check=True,
                              capture_output=True, timeout=20, text=True).stdout

    def heard(self):
        """The paths that were asked for, but for what a browser asks by itself."""
        paths = [line.split()[-1] for line in self.log().splitlines()]
        return [path for path in paths if path != "/favicon.ico"]

    def page(self):
        """The page at the name that a gateway would give the device."""
        return f"http://heating.localhost:{self.at.split(':')[1]}/imitation"


@pytest.fixture
def demo(box):
    return Demo(box)


def visible(page):
    """The text of a page, without what is hidden."""
    page = re.sub(r"(?s)<form class=\"fake\".*?</form>|<section[^>]* hidden.*?</section>", "", page)
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))


def test_it_is_text_without_a_script(demo):
    assert 'href="/imitation"' in demo.get("/"), "it is linked from the other pages"
    text = visible(demo.get("/imitation"))
    for sentence in ("With JavaScript this page draws", "over the browser’s own edge. No page can draw there",
                     "click the padlock", "What such a page wins", "What it does not win",
                     "A page of another device or site would win it"):
        assert sentence in text, text
    assert "This page now has" not in text


def test_nothing_of_it_could_be_sent(demo):
    """No field has a name and the form no address, so not even a form that is sent by itself, if the
    script were gone, would say anything."""
    page = demo.get("/imitation", "-i")
    assert "connect-src 'self'; form-action 'self'" in page and "script-src 'self';" in page
    form = re.search(r"(?s)<form class=\"fake\".*?</form>", page).group()
    assert " hidden " in form.split(">")[0]
    assert not re.search(r"\s(name|action|method|on\w+)=", form), form
    script = demo.get("/imitation.js")
    for way in ("fetch", "XMLHttpRequest", "sendBeacon", "WebSocket", "EventSource", "Storage",
                "cookie", "location.href", "innerHTML", ".submit("):
        assert way not in script, way
    assert demo.get("/imitation", "-d", "x=1", "-o", "/dev/null", "-w", "%{http_code}") == "405"


def test_it_looks_like_the_box_that_it_imitates(demo):
    """The same words and the same colours: whoever changes the one sees that there is the other."""
    form = html.unescape(re.search(r"(?s)<form class=\"fake\".*?</form>", demo.get("/imitation")).group())
    words = (EXTENSION / "words.js").read_text()
    for key in ("login.title", "login.user", "login.password", "login.show", "login.remember",
                "login.proof", "do.cancel"):
        english = re.search(rf"'{key}': \[\s*'([^']+)'", words).group(1)
        assert f">{english}<" in form, key
    real = (EXTENSION / "shared" / "look.css").read_text()
    copy = demo.get("/imitation.css")
    for theirs, ours in (("page", "white"), ("soft", "soft"), ("line", "line"), ("edge", "border"),
                         ("text", "ink"), ("dim", "dim"), ("proved", "teal"), ("main", "main"),
                         ("on-main", "on-main"), ("focus", "focus")):
        light_and_dark = re.findall(rf"--{theirs}: (#\w+);", real)
        assert len(light_and_dark) == 2 and light_and_dark == re.findall(rf"--{ours}: (#\w+);", copy), ours


@pytest.fixture(params=["chromium", "firefox"])
def browser(request, tmp_path):
    SHOTS.mkdir(parents=True, exist_ok=True)
    started = Browser(request.param, tmp_path)
    yield started
    started.stop()


def state(browser):
    """Where that password is still to be found, and what is shown."""
    return browser.run(
        "const fake = document.querySelector('[data-fake]');"
        "const kept = [document.documentElement.outerHTML, location.href, document.cookie,"
        "  JSON.stringify(localStorage), JSON.stringify(sessionStorage), history.state,"
        "  ...[...document.querySelectorAll('input')].map((one) => one.value)];"
        "return {drawn: !fake.hidden, name: document.querySelector('[data-name]').textContent,"
        "  inside: fake.getBoundingClientRect().top >= 0,"
        "  focus: document.activeElement.id || document.activeElement.className,"
        "  kept: kept.some((one) => String(one).includes(it))}", PASSWORD)


def test_what_is_typed_into_it(demo, browser):
    assert browser.goto(demo.page()) == 200
    assert state(browser) == {"drawn": True, "inside": True, "kept": False, "focus": "fake-password",
                              "name": "heating"}
    for size, pixels in SIZES.items():
        browser.shot(SHOTS / f"{browser.kind}-{size}.png", pixels)
    assert "This page now has" not in browser.look()
    before = demo.heard()
    browser.do("type", css="#fake-password", text=PASSWORD)
    assert state(browser)["kept"], "the control"
    browser.do("click", css="[data-fake] .go")
    text = browser.look()
    assert "This page now has what you typed." in text
    assert "The name admin, and a password of 17 characters that begins with k." in text
    after = state(browser)
    assert not after["kept"] and not after["drawn"] and "caught" in after["focus"]
    for size, pixels in SIZES.items():
        browser.shot(SHOTS / f"{browser.kind}-caught-{size}.png", pixels)
    # A page that is asked for afterwards is the next thing that the device hears.
    browser.goto(demo.page().replace("/imitation", "/healthz"))
    until(lambda: "/healthz" in demo.log())
    assert demo.heard()[len(before):] == ["/healthz"]
    assert PASSWORD not in demo.log()


def test_it_can_be_put_away(demo, browser):
    assert browser.goto(demo.page()) == 200
    for how in ("Escape", "Cancel"):
        browser.do("type", css="#fake-password", text=PASSWORD)
        browser.do("click", css="[data-show]")
        assert browser.run("return document.querySelector('#fake-password').type") == "text"
        if how == "Escape":
            browser.run("document.querySelector('#fake-password').dispatchEvent("
                        "new KeyboardEvent('keydown', {key: 'Escape', bubbles: true}))")
        else:
            browser.do("click", css="[data-away]")
        gone = state(browser)
        assert not gone["drawn"] and not gone["kept"], how
        browser.do("click", css="[data-again]")
        assert state(browser)["drawn"]
        assert browser.run("return document.querySelector('#fake-password').type") == "password"
