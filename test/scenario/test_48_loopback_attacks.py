"""Goal: no page of another site, of another device or of another port makes a browser that is logged
in to a device do or show anything there; and a person with that browser notices nothing of this.

In real Chromium and real Firefox.  The attacks of test/browser/attacks.js run against the face and at
the same time against the device's own web server, which minds nothing: there they work.
"""
import os
import subprocess
import time

import pytest

from browsers import Browser
from gateways import BUILD, Program, until
from loopback import Scene

SHOTS = BUILD / "screenshots" / "open"
SIZES = {"phone": (360, 780), "desktop": (1280, 900)}
SECRET = "the-secret-of-the-heating"

# What works against a server that minds nothing: what comes there, and what can be read there.
KINDS = {
    "fetch", "fetch-no-cors", "fetch-head", "fetch-post", "fetch-post-no-cors", "fetch-post-no-referrer",
    "fetch-post-json", "fetch-delete", "fetch-keepalive", "fetch-redirected",
    "fetch-redirected-no-cors", "beacon", "xhr-own-header", "img", "img-cors", "script",
    "script-module", "stylesheet", "prefetch", "preload", "object", "embed", "video", "track", "iframe",
    "form-urlencoded", "form-multipart", "form-text", "form-redirected", "form-no-origin",
    "fetch-no-origin", "worker", "websocket", "events", "window-post"}
MOVES = {"window", "link", "form-get"}
READS = {
    "fetch", "fetch-post", "fetch-post-json", "fetch-delete", "fetch-redirected", "fetch-no-origin",
    "xhr-own-header", "img", "img-cors", "script", "script-module", "stylesheet", "worker", "websocket",
    "events"}
# One loads one video at a time, the other prefetches when it has nothing to do.
NOT_HERE = {"chromium": {"video"}, "firefox": {"prefetch"}}


class Play(Scene):
    """A person who is logged in to the heating, the camera and the list with a browser; and a page
    of evil.test at the face's own port, that was loaded when the port was still another's."""

    def __init__(self, folder, kind):
        super().__init__(folder)
        self.kind = kind
        self.browser = Browser(kind, folder)

    def begin(self):
        self.evil = self.web("evil")
        self.heating = self.web(SECRET)
        self.camera = self.web("the-secret-of-the-camera")
        rogue = self.web("rogue", hangs_up=True)
        self.port = rogue.port
        assert self.browser.goto(f"http://evil.test:{self.port}/attack", "rebound") == 200
        self.webs.remove(rogue)
        rogue.close()
        self.heating_at = self.device(self.heating)
        self.camera_at = self.device(self.camera)
        self.at = self.enter(self.heating_at)
        self.camera_link = self.enter(self.camera_at)
        self.list = self.first.list_link()
        for page, link in (("heating", self.at), ("camera", self.camera_link), ("list", self.list)):
            assert self.browser.goto(link.url, page) in (200, 303), page
            until(lambda: "/.keyplate/" not in self.browser.where(page))
        assert SECRET in self.browser.look("heating") and self.is_in()

    def is_in(self):
        """Reloading works: the person is logged in to all three."""
        return (self.browser.goto(self.at.origin + "/", "heating") == 200
                and self.browser.goto(self.camera_link.origin + "/", "camera") == 200
                and self.browser.goto(self.list.origin + "/", "list") == 200)

    def again(self):
        """Logs in once more, where somebody is logged out."""
        for at, page in ((self.heating_at, "heating"), (self.camera_at, "camera")):
            self.browser.goto(self.enter(at).url, page)
            until(lambda: "secret-of" in self.browser.look(page))

    def bare(self):
        """The device's own web server, at the device's name."""
        return f"http://{self.at.name}.localhost:{self.heating.port}"

    def attack(self, page, targets, path=""):
        """The attacks of that page at targets ({mark: origin}), all at once; {mark: {kind: read}}."""
        asked = [{"target": target, "mark": f"{mark}-", "path": path}
                 for mark, target in targets.items()]
        self.browser.do("front", page)
        results = self.browser.run("return Promise.all(it.map((one) => attack(one)))", asked, page)
        moved = self.browser.run("return Promise.all(it.map((one) => follow(one)))", asked, page)
        return {mark: {**read, **more} for mark, read, more in zip(targets, results, moved)}

    def close(self):
        self.browser.stop()
        super().close()


@pytest.fixture(scope="module", params=["chromium", "firefox"])
def stage(request, tmp_path_factory):
    SHOTS.mkdir(parents=True, exist_ok=True)
    made = Play(tmp_path_factory.mktemp(request.param), request.param)
    try:
        made.begin()
        yield made
    finally:
        made.close()


@pytest.fixture
def play(stage):
    """Logged in, whatever the test before has done."""
    if not stage.is_in():
        stage.again()
    return stage


def came(web, mark):
    return {kind[len(mark) + 1:] for kind in web.marks() if kind.startswith(f"{mark}-")}


def show_that_it_works(play, read, web, mark="bare", reads=READS):
    """The control: against a server that minds nothing the attacks are attacks."""
    wanted = (KINDS | MOVES) - NOT_HERE[play.kind]
    try:
        until(lambda: wanted <= came(web, mark), 10)
    except AssertionError as why:
        raise AssertionError(f"these came nowhere: {wanted - came(web, mark)}") from why
    missing = {kind for kind in reads if not read[kind]}
    assert not missing, f"these read nothing: {missing}"


def attack_and_control(play, page, targets, web, mark="bare", reads=READS):
    """As Play.attack.  A busy browser may take longer than its patience: then once more."""
    for last in (False, True):
        read = play.attack(page, targets)
        if last or all(read[mark][kind] for kind in reads):
            break
        play.browser.goto("", page, "reload")
    show_that_it_works(play, read[mark], web, mark, reads)
    return read


def shown(read):
    """What an attack got to see; our own refusals tell nothing."""
    return {kind: text for kind, text in read.items()
            if text and ("secret" in text.replace("no secret", "") or text == "loaded")}


# ---- Other sites --------------------------------------------------------------------------------

@pytest.mark.parametrize("site", ["evil.test", "127.0.0.1", "evil.localhost"])
def test_another_site(play, site):
    """The browser's own rules for SameSite=Strict, and ours for Sec-Fetch-Site and Origin."""
    play.browser.goto(f"http://{site}:{play.evil.port}/attack", "evil")
    seen = len(play.heating.seen)
    read = attack_and_control(play, "evil", {"face": play.at.origin, "bare": play.bare()},
                              play.heating)
    assert not shown(read["face"])
    assert not came(play.heating, "face"), play.heating.targets()[seen:]
    assert play.is_in()


def test_another_port_of_the_same_name(play):
    """It gets the cookie, for cookies know no ports, and is of the same site.  A link may be
    followed from there: the person sees the device's page, and that page sees nothing."""
    play.browser.goto(f"http://{play.at.name}.localhost:{play.evil.port}/attack", "evil")
    assert "__Host-keyplate=" in play.evil.seen[-2][2].get("Cookie", ""), "as browsers are"
    read = attack_and_control(play, "evil", {"face": play.at.origin, "bare": play.bare()},
                              play.heating)
    assert not shown(read["face"])
    assert came(play.heating, "face") <= MOVES
    assert play.is_in()


def test_another_device(play):
    play.browser.goto(play.at.origin + "/attack", "heating")
    bare = f"http://{play.camera_link.name}.localhost:{play.camera.port}"
    read = attack_and_control(play, "heating", {"face": play.camera_link.origin, "bare": bare},
                              play.camera)
    assert not shown(read["face"]) and not came(play.camera, "face")
    assert play.is_in()


def test_dns_rebinding(play):
    """evil.test's page comes from elsewhere, and then its name leads to the face: to the browser
    all that is one origin, and it says so."""
    here = f"http://evil.test:{play.port}"
    read = play.attack("rebound", {"rebound": here})["rebound"]
    bare = f"http://evil.test:{play.heating.port}"
    play.browser.goto(bare + "/attack", "evil")
    attack_and_control(play, "evil", {"sure": bare}, play.heating, "sure",
                       READS | {"iframe", "form-urlencoded", "form-multipart", "form-text", "window"})
    assert not shown(read) and not came(play.heating, "rebound")
    status = play.browser.run("return (await fetch('/')).status", page="rebound")
    assert status == 421
    assert play.browser.goto(here + "/", "typed") == 421
    assert SECRET not in play.browser.look("typed") and play.is_in()


@pytest.mark.parametrize("from_where", ["evil.test", "keyplate.localhost", "the heating"])
def test_the_list(play, from_where):
    """Nobody else's page logs out or forgets.  That the forms do that is another test's."""
    page = play.at.origin if from_where == "the heating" else f"http://{from_where}:{play.evil.port}"
    play.browser.goto(page + "/attack", "evil")
    for act in ("logout", "forget"):
        read = play.attack("evil", {"list": play.list.origin},
                           f"/.keyplate/{act}?name={play.camera_link.name}")["list"]
        assert not [text for text in read.values() if text and play.camera_link.name in text]
    assert play.is_in()


def test_frames(play):
    """Nothing of a device is in another site's frame, and nothing of ours in any."""
    played = {"face": play.at.origin + "/", "list": play.list.origin + "/", "bare": play.bare() + "/",
              "nobody": f"http://nobody.localhost:{play.port}/"}
    put = ("for (const url of it) await new Promise((done) => { const made = "
           "document.createElement('iframe'); made.onload = done; made.src = url; "
           "document.body.append(made); setTimeout(done, 3000); })")

    def framed(page, urls):
        play.browser.goto(page + "/attack", "evil")
        play.browser.run(put, urls, "evil")

        def texts():  # Chromium's own page about it names the host
            return ["" if frame["url"].startswith("chrome-error:") else frame["text"].strip()
                    for frame in play.browser.do("frames", "evil")]
        # One of them shows the secret by right; what others show comes no later than that.
        until(lambda: any(SECRET in text for text in texts()), 60, "no frame shows anything")
        return texts()

    for page in (f"http://evil.test:{play.evil.port}", f"http://{play.at.name}.localhost:{play.evil.port}",
                 play.camera_link.origin):
        texts = framed(page, list(played.values()))
        assert len(texts) == 4 and SECRET in texts[2], texts
        for text in texts[:2] + texts[3:]:
            assert "secret" not in text and "eyplate" not in text, text
    assert SECRET in framed(play.at.origin, [played["face"]])[0], "its own frames are its own affair"


# ---- A device that attacks ----------------------------------------------------------------------

NULL = "0" * 64


@pytest.mark.parametrize("fields", [
    [("Set-Cookie", f"__Host-keyplate={NULL}; Path=/; Secure; HttpOnly; SameSite=Strict")],
    [("Set-Cookie", f"__Host-keyplate={NULL}; Path=/; Secure")],
    [("Set-Cookie", "__Host-keyplate=; Max-Age=0; Path=/; Secure")],
    [("Set-Cookie", f"__host-keyplate={NULL}; Path=/; Secure")],
    [("Set-Cookie", f"=__Host-keyplate={NULL}; Path=/; Secure")],
    [("Clear-Site-Data", '"cookies"')],
    [("Clear-Site-Data", '"cache", "cookies", "storage", "executionContexts"')],
    [("Clear-Site-Data", '"*"')],
    [("Strict-Transport-Security", "max-age=31536000; includeSubDomains; preload"),
     ("Alt-Svc", 'h2="evil.test:1"; ma=86400; persist=1'),
     ("Public-Key-Pins", 'pin-sha256="AA"; max-age=5')],
], ids=lambda fields: ", ".join(": ".join(field)[:40] for field in fields))
def test_a_device_can_t_throw_its_visitor_out(play, fields):
    play.heating.page("/throws-out", *fields)
    assert play.browser.goto(play.at.origin + "/throws-out", "heating") == 200
    assert play.is_in()


def test_a_device_s_script_can_t_either(play):
    play.browser.goto(play.at.origin + "/attack", "heating")
    play.browser.run(f"document.cookie = '__Host-keyplate={NULL}; Path=/; Secure';"
                     "document.cookie = '__Host-keyplate=; Path=/; Secure; Max-Age=0'", page="heating")
    assert "keyplate" not in play.browser.run("return document.cookie", page="heating")
    assert play.is_in()


def test_a_device_s_cookies_are_its_own(play):
    play.heating.page("/cookies", ("Set-Cookie", "wide=1; Domain=localhost; Path=/"),
                      ("Set-Cookie", "plain=2; Path=/"), ("Set-Cookie", "closed=3; Path=/; HttpOnly"),
                      body=b"<!doctype html><script>localStorage.own = 'heating'</script>")
    play.browser.goto(play.at.origin + "/cookies", "heating")
    script = "return document.cookie"
    assert "plain=2" in play.browser.run(script, page="heating")
    assert "closed" not in play.browser.run(script, page="heating")
    assert play.is_in()
    sent = play.heating.seen[-1][2]["Cookie"]
    assert "closed=3" in sent and "plain=2" in sent and "keyplate" not in sent
    assert play.browser.run("return localStorage.own ?? ''", page="heating") == "heating"
    assert play.browser.run("return localStorage.own ?? ''", page="camera") == ""
    sent = play.camera.seen[-1][2].get("Cookie", "")
    assert "plain" not in sent and "wide" not in sent and "closed" not in sent
    # What scripts may not see doesn't go to another port of that name either.
    play.browser.goto(f"http://{play.at.name}.localhost:{play.evil.port}/", "evil")
    sent = play.evil.seen[-1][2]["Cookie"]
    assert "plain=2" in sent and "closed" not in sent


def test_a_device_sends_its_visitor_elsewhere(play):
    out = f"{play.list.origin}/.keyplate/logout?name={play.camera_link.name}"
    for status, field in ((302, ("Location", out)), (307, ("Location", out)), (308, ("Location", out)),
                          (200, ("Refresh", f"0; url={out}"))):
        play.heating.page("/away", field, status=status)
        play.browser.goto(play.at.origin + "/away", "heating")
        time.sleep(0.3)  # a Refresh takes its time
        assert play.is_in()


WORKER = (b"self.addEventListener('install', () => self.skipWaiting());"
          b"self.addEventListener('activate', (event) => event.waitUntil(clients.claim()));"
          b"self.addEventListener('fetch', (event) => event.respondWith(new Response("
          b"'<!doctype html><title>worker</title>secret of the worker',"
          b"{headers: {'Content-Type': 'text/html'}})));")


def log_out(play, name):
    """By the list's own form."""
    play.browser.goto(play.list.origin + "/", "list")
    play.browser.do("click", "list", css=f"form[action*='logout?name={name}'] button", leads=True)


def test_logging_out_cuts_what_is_open(play):
    play.browser.goto(play.at.origin + "/attack", "heating")
    play.browser.run(
        "self.ended = []; const socket = new WebSocket('ws://' + location.host + '/ws');"
        "await new Promise((done) => { socket.onmessage = done; });"
        "socket.onclose = () => self.ended.push('socket');"
        "const events = new EventSource('/events');"
        "await new Promise((done) => { events.onmessage = done; });"
        "events.onerror = () => self.ended.push('events');"
        "const reader = (await fetch('/endless')).body.getReader(); await reader.read();"
        "(async () => { try { while (!(await reader.read()).done); } catch (error) {}"
        " self.ended.push('download'); })();", page="heating")
    assert play.heating.sockets == 1
    log_out(play, play.at.name)
    until(lambda: play.heating.sockets == 0, 2)
    until(lambda: set(play.browser.run("return self.ended", page="heating"))
          == {"socket", "events", "download"}, 2)
    seen = len(play.heating.seen)
    assert play.browser.goto(play.at.origin + "/", "heating") == 403
    assert "secret-" not in play.browser.look("heating") and len(play.heating.seen) == seen
    assert play.browser.goto(play.camera_link.origin + "/", "camera") == 200
    play.again()
    assert play.is_in()


def test_logging_out_clears_what_the_browser_kept(play):
    """And shows none of it before: a browser has to ask, whatever the device says."""
    play.heating.page("/kept", ("Cache-Control", "max-age=3600"),
                      body=b"<!doctype html><title>kept</title>secret that was kept")
    play.browser.goto(play.at.origin + "/kept", "heating")
    play.browser.run("localStorage.left = 'secret'", page="heating")
    play.browser.goto(play.at.origin + "/", "heating")
    play.browser.goto(play.at.origin + "/kept", "heating")
    log_out(play, play.at.name)
    for path in ("/kept", "/", "/kept"):
        assert play.browser.goto(play.at.origin + path, "left") == 403
        assert "secret" not in play.browser.look("left")
    play.again()
    assert not play.browser.run("return localStorage.left ?? ''", page="heating")
    assert play.is_in()


def test_a_device_leaves_no_service_worker(play):
    """One would show its pages when nobody is logged in any more, and would see those of the next
    device of that name."""
    play.heating.page("/worker.js", ("Content-Type", "text/javascript"), body=WORKER)
    register = ("await Promise.race([navigator.serviceWorker.register('/worker.js').then("
                "() => navigator.serviceWorker.ready).catch(() => {}),"
                "new Promise((done) => setTimeout(done, 2000))])")
    play.browser.goto(play.bare() + "/", "worked")
    play.browser.run(register, page="worked")
    play.browser.goto(play.bare() + "/never-asked", "worked")
    assert "secret of the worker" in play.browser.look("worked"), "the control"
    play.browser.goto(play.at.origin + "/", "heating")
    play.browser.run(register, page="heating")
    log_out(play, play.at.name)
    for path in ("/", "/never-asked"):
        assert play.browser.goto(play.at.origin + path, "left") == 403
        assert "secret" not in play.browser.look("left"), path
    play.again()
    assert play.is_in()


# ---- What a person does -------------------------------------------------------------------------

@pytest.fixture
def demo(play):
    """The demo device, logged in to on the page "demo"; its link."""
    server = Program.__new__(Program)
    err = play.box.dir / f"demo{play.box.count()}"
    with open(err, "wb") as log:
        server.err, server.process = err, subprocess.Popen(
            [BUILD / "demo" / "keyplate-demo-device", "--listen", "127.0.0.1:0"],
            stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL, bufsize=0)
    server.pid = server.process.pid
    play.box.programs.append(server)
    link = play.enter(play.device(server.line().split()[1]))
    play.browser.goto(link.url, "demo")
    until(lambda: play.browser.where("demo") == link.origin + "/")
    yield link
    server.stop()


def test_a_person_notices_nothing(play, demo, tmp_path):
    browser = play.browser
    # Live updates, and a form that a script sends.
    browser.until("return document.querySelector('[data-status]').textContent === 'Live.'", "demo")
    shows = "return document.querySelector('[data-show={}]').textContent"
    clock, target = (browser.run(shows.format(name), page="demo") for name in ("clock", "target"))
    until(lambda: browser.run(shows.format("clock"), page="demo") != clock)
    browser.do("click", "demo", css="button[value=up]")
    until(lambda: browser.run(shows.format("target"), page="demo") == f"{float(target) + 0.5:.1f}")
    # A link to itself, a form, back, reload.
    browser.do("click", "demo", css="a[href='/settings']", leads=True)
    browser.do("click", "demo", css="form button.primary", leads=True)
    assert browser.where("demo") == demo.origin + "/settings?saved=1"
    assert "Saved." in browser.look("demo")
    browser.goto(None, "demo", how="goBack")
    assert browser.where("demo") == demo.origin + "/settings"
    browser.goto(None, "demo", how="reload")
    assert "Mode" in browser.look("demo")
    # An upload.
    firmware = tmp_path / "firmware.bin"
    firmware.write_bytes(os.urandom(3_000_000))
    browser.goto(demo.origin + "/firmware", "demo")
    browser.do("file", "demo", css="input[type=file]", path=str(firmware))
    browser.do("click", "demo", css="form button.primary")
    browser.until("return document.querySelector('[data-message]').textContent === "
                  "'The file has arrived.'", "demo")
    # A bookmark, in a new tab; and the other device is there too.
    assert browser.goto(demo.origin + "/settings", "bookmark") == 200
    assert "Mode" in browser.look("bookmark") and play.is_in()
    browser.do("close", "bookmark")


def test_the_list_opens_a_device(play):
    """In the same tab, by a one-time link that nobody sees."""
    browser = play.browser
    browser.goto(play.list.origin + "/", "list")
    browser.do("click", "list", css=f"form[action$='open?name={play.at.name}'] button", leads=True)
    until(lambda: browser.where("list") == play.at.origin + "/")
    until(lambda: SECRET in browser.look("list"))
    assert play.is_in()


def test_a_websocket(play):
    play.browser.goto(play.at.origin + "/", "heating")
    assert play.browser.run(
        "const socket = new WebSocket('ws://' + location.host + '/ws'); let last;"
        "const next = () => new Promise((done) => { socket.onmessage = (e) => done(e.data); });"
        "const first = await next(); socket.send('hello'); const second = await next();"
        "socket.close(); return [first, second]", page="heating") == [SECRET, "hello"]


def test_pages_to_look_at(play, demo):
    """Every page of ours that a person can meet, for people who look at screenshots."""
    browser = play.browser

    def shoot(name, page, status, *words):
        text = browser.look(page)
        for word in words:
            assert word in text, (name, text)
        assert "secret-of" not in text
        for size, pixels in SIZES.items():
            path = SHOTS / f"{play.kind}-{name}-{size}.png"
            browser.shot(path, pixels, page)
            assert path.stat().st_size > 3000
        return text

    assert browser.goto(play.list.origin + "/", "list") == 200
    shoot("list", "list", 200, play.at.name, play.camera_link.name)
    for name, url, status in (
            ("used-link", demo.url, 403), ("astray", f"http://evil.test:{play.port}/", 421),
            ("nobody", f"http://nobody.localhost:{play.port}/", 421)):
        assert browser.goto(url, "look") == status, name
        shoot(name, "look", status)
    # Another site's link, which SameSite=Strict lets in without the cookie.
    browser.goto(f"http://evil.test:{play.evil.port}/attack", "look")
    browser.run("location.href = it", play.at.origin + "/", "look")
    until(lambda: browser.where("look").startswith(play.at.origin))
    shoot("no-secret", "look", 403)
    browser.do("click", "look", css="main a", leads=True)
    assert SECRET in browser.look("look"), "from here the browser brings the cookie"
    browser.goto(f"http://evil.test:{play.evil.port}/attack", "look")
    browser.run("form(it, {step: 'up'}, {})", play.at.origin + "/post", "look")
    until(lambda: browser.where("look").startswith(play.at.origin))
    shoot("foreign", "look", 403)
    log_out(play, demo.name)
    assert browser.goto(demo.origin + "/", "look") == 403
    shoot("logged-out", "look", 403)
