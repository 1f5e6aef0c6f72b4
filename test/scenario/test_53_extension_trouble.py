"""Goal: who is in the device's place, or between, or a page of another device, gets nothing by way of
the extension: no second guess, no secret, no "proved"; and when a part of it is killed, what was
proved is so no longer, and a person can go on."""
import os
import signal
import socket
import time

import pytest

from devices import saved
from extension import SLOW, Counter, guesses, name_of, stage, web, whole  # noqa: F401
from gateways import PASSWORD, until

OTHER = "another-password-9"


def fails(stage, words="", errors=("refused", "trouble", "stranger")):  # noqa: F811
    """The popup's login says so; nothing is opened, and the toolbar proves nothing."""
    said = stage.shows("#message", words)
    error = stage.browser.run("return document.querySelector('#message').dataset.error", page="menu")
    assert error in errors, (error, said)
    assert [url for url in stage.browser.do("tabs") if ".localhost" in url] == []
    stage.idle()
    return said


# ---- Somebody else in the device's place --------------------------------------------------------

def test_an_impostor_with_a_password_of_its_own(stage):
    """It ends the TLS itself with what it guesses: one guess for each act of the person."""
    serve = stage.demo("REAL1")
    origin = stage.login(serve.at)
    until(lambda: name_of(origin) in saved(), SLOW)
    stage.keyplate("devices", "logout", name_of(origin))
    stage.placed()
    stage.browser.goto("about:blank")
    serve.stop()
    fake = stage.demo("REAL1", OTHER, listen=serve.at)
    stage.popup()
    stage.click(f'#devices li[data-name="{name_of(origin)}"] .login')
    stage.send(user=None)
    fails(stage, errors=("refused",))
    stage.shot("refused-impostor")
    assert guesses(fake) == 1
    time.sleep(1.5)
    assert guesses(fake) == 1, "nothing is tried again by itself"
    stage.click("#cancel")
    stage.shows("#devices", name_of(origin))
    assert guesses(fake) == 1


def test_another_device_at_the_address(stage):
    """With the same password, so that the proof succeeds: it is another one all the same."""
    serve = stage.demo("MINE1")
    origin = stage.login(serve.at)
    name = name_of(origin)
    until(lambda: saved().get(name, {}).get("id") == "MINE1", SLOW)
    stage.keyplate("devices", "logout", name)
    stage.placed()
    stage.browser.goto("about:blank")
    serve.stop()
    other = stage.demo("OTHER1", listen=serve.at)
    stage.popup()
    stage.click(f'#devices li[data-name="{name}"] .login')
    stage.send(user=None)
    fails(stage, errors=("stranger", "refused"))
    stage.shot("stranger")
    assert guesses(other) <= 1
    assert saved()[name]["id"] == "MINE1", "what is known isn't overwritten"


def test_a_stranger_with_the_same_password(stage):
    """By TLS 1.2 it is only known for another one when it has proved the password."""
    serve = stage.demo("MEANT1", more=("--tls", "1.2"))
    origin = stage.login(serve.at)
    name = name_of(origin)
    until(lambda: saved().get(name, {}).get("id") == "MEANT1", SLOW)
    stage.keyplate("devices", "logout", name)
    stage.placed()
    stage.popup()
    stage.send(user=None)
    stage.at(origin)
    serve.stop()
    stage.demo("STRANGE1", listen=serve.at, more=("--tls", "1.2"))
    stage.browser.goto(origin + "/whoami")
    stage.placed("main", "stranger")
    stage.troubled(name)
    stage.shot("place-stranger", "main", (800, 600))
    stage.popup()
    stage.shows("#card", "Another device answers")
    assert not stage.browser.run("return document.querySelector('#card-login').checkVisibility()", page="menu")
    stage.shot("card-stranger")


def test_swapped_while_its_page_is_open(stage):
    serve = stage.demo("HERE1")
    origin = stage.login(serve.at)
    stage.until("return document.querySelector('[data-status]')?.textContent === 'Live.'", "main")
    serve.stop()
    fake = stage.demo("HERE1", OTHER, listen=serve.at)
    stage.placed("main", ("refused", "stranger"))
    stage.troubled(name_of(origin))
    stage.shot("place-refused", "main", (800, 600))
    stage.popup()  # it offers the login, as the password may have been changed
    stage.shows("#login-what", name_of(origin))
    stage.click("#cancel")
    stage.shows("#card", name_of(origin))
    stage.shot("card-refused")
    time.sleep(1)
    assert guesses(fake) == 1
    # The page can't be had by going there again, either.
    stage.browser.goto(origin + "/settings")
    stage.placed("main", ("refused", "stranger"))
    assert guesses(fake) == 1


# ---- Somebody between ---------------------------------------------------------------------------

def test_bytes_are_flipped_on_the_way(stage):
    """From the first handshake on, and in the middle of a page."""
    serve = stage.demo()
    flips = [True]

    def flip(_, data):
        return data[:-1] + bytes([data[-1] ^ 1]) if flips[0] else data
    wire = Counter("127.0.0.1", to=serve.at, spoil=flip)
    stage.box.programs.append(wire)
    stage.popup()
    stage.add(wire.at)
    stage.send()
    fails(stage)
    stage.shot("trouble")
    tried = len(wire.seen)
    time.sleep(1)
    assert len(wire.seen) == tried <= 2, "nothing is tried again by itself"
    flips[0] = False
    stage.fill("#password", PASSWORD)
    stage.click("#login")
    origin = stage.landed()
    stage.proved(name_of(origin))
    flips[0] = True
    stage.browser.goto(origin + "/settings")
    assert "Device name" not in stage.browser.look()


def test_nobody_there(stage):
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))  # and doesn't listen
        at = "127.0.0.1:%d" % sock.getsockname()[1]
        stage.popup()
        stage.add(at)
        stage.send()
        fails(stage, errors=("trouble",))


# ---- Parts that are killed ----------------------------------------------------------------------

def test_the_agent_is_killed(stage):
    serve = stage.demo()
    origin = stage.login(serve.at)
    stage.proved(name_of(origin))
    (pid,) = stage.agents()
    os.kill(pid, signal.SIGKILL)
    stage.idle(seconds=5)
    stage.placed("main", "ended")
    stage.shot("place-ended", "main", (800, 600))
    stage.popup()  # it offers the login as soon as the new agent has told its devices
    stage.shows("#login-what", name_of(origin))
    stage.send(user=None)
    stage.at(origin)
    stage.proved(name_of(origin))
    assert guesses(serve) == 0


def test_the_background_is_ended(stage):
    """Its agent ends with it, and here can't be started again: nobody touches the tab, and it must not go
    on looking proved."""
    if stage.kind != "chromium":
        pytest.skip("its background is ended only with the browser")
    origin = stage.login(stage.demo().at)
    stage.proved(name_of(origin))
    until(lambda: stage.browser.ask("return (await api.alarms.getAll()).length > 0"), SLOW)
    stage.uninstall()
    try:
        stage.browser.do("stop_worker")
        until(lambda: not stage.agents(), SLOW, "the agent outlives its background")
        stage.idle(seconds=100)
        assert stage.browser.ask("return (await api.alarms.getAll()).length > 0"), "nobody has told yet"
    finally:
        stage.install()
    stage.popup()  # which is somebody's act, so that the agent is tried again
    stage.placed("main", "out")
    until(lambda: stage.browser.ask("return (await api.alarms.getAll()).length === 0"), SLOW)


def test_the_browser_is_killed(stage):
    serve = stage.demo()
    origin = stage.login(serve.at)
    port = int(origin.rsplit(":", 1)[1])
    (pid,) = stage.agents()
    os.kill(stage.browser.do("pid"), signal.SIGKILL)
    until(lambda: not stage.agents(), SLOW, f"{pid} outlives the browser")
    with socket.socket() as sock:
        assert sock.connect_ex(("127.0.0.1", port)) != 0, "nobody serves its pages"
    stage.stop_browser()
    stage.start()
    stage.browser.goto(origin + "/")
    stage.placed("main")
    stage.idle()


# ---- Pages that attack --------------------------------------------------------------------------

ATTACK = """
const base = it.base, got = [];
const tries = {
  fetch: async () => (await fetch(base + 'icons/proved-16.png')).status,
  script: () => import(base + 'shared/api.js'),
  image: () => new Promise((done, no) => {
    const one = new Image(); one.onload = () => done('loaded'); one.onerror = no;
    one.src = base + 'icons/proved-16.png';
  }),
  frame: () => new Promise((done, no) => {
    const one = document.createElement('iframe');
    one.src = base + 'popup/popup.html';
    document.body.append(one);
    setTimeout(() => {
      try { one.contentWindow.postMessage({ ask: 'logout', name: it.name }, '*'); } catch { /* gone */ }
      // A frame that was refused has nothing of the extension's in it: its address can't be read either
      // way, but what is in it would have answered by now.
      no(new Error('nothing'));
    }, 500);
  }),
  connect: () => new Promise((done, no) => {
    const api = globalThis.browser ?? globalThis.chrome;
    const port = api.runtime.connect(it.id, { name: 'view' });
    port.onMessage.addListener(done);
    port.onDisconnect.addListener(() => no(new Error('refused')));
    port.postMessage({ id: 1, ask: 'logout', name: it.name });
  }),
  message: async () => {
    const api = globalThis.browser ?? globalThis.chrome;
    const answer = await api.runtime.sendMessage(it.id, { id: 1, ask: 'logout', name: it.name });
    if (answer === undefined) throw new Error('nothing');
    return answer;
  },
  native: () => (globalThis.browser ?? globalThis.chrome).runtime.connectNative('org.keyplate.agent'),
  other: async () => (await fetch(it.other + '/secret', { credentials: 'include' })).text(),
  otherImage: () => new Promise((done, no) => {
    const one = new Image(); one.onload = () => done('loaded'); one.onerror = no;
    one.src = it.other + '/x.svg';
  }),
  otherSocket: () => new Promise((done, no) => {
    const one = new WebSocket(it.other.replace('http', 'ws') + '/ws');
    one.onmessage = (event) => done(event.data); one.onerror = no;
  }),
};
for (const [name, one] of Object.entries(tries)) {
  const late = new Promise((_, no) => setTimeout(() => no(new Error('late')), 3000));
  try { got.push([name, String(await Promise.race([one(), late]))]); } catch { /* as it should be */ }
}
return got;"""


def test_a_device_s_page_reaches_neither_the_extension_nor_another_device(stage, web):
    bad, good = web("bad"), web("the-secret-of-the-good")
    other = stage.login(stage.device(good, device_id="GOOD").at, page="good")
    origin = stage.login(stage.device(bad, device_id="BAD").at, page="bad")
    came = len(good.seen)
    base = stage.browser.base
    it = {"base": base, "name": name_of(other), "other": other, "id": stage.browser.ask("return api.runtime.id")}
    assert stage.browser.run(ATTACK, it, page="bad") == []
    assert len(good.seen) == came, [target for _, target, _, _ in good.seen[came:]]
    # Nor may it show our pages, or go to them with words of its own.
    for path in ("popup/popup.html", f"place/place.html?what=out&name={name_of(other)}"):
        for way in ("open(it)", "location = it"):
            stage.browser.run(f"try {{ {way}; }} catch {{ /* Firefox says no at once */ }}", base + path,
                              page="bad")
        time.sleep(0.5)
        assert [url for url in stage.browser.do("shown") if url.startswith(base)] == []
    stage.proved(name_of(other), "good")
    for fields in [fields for _, _, fields, _ in bad.seen + good.seen]:
        assert "x-keyplate-secret" not in {name.lower() for name in fields}
    assert origin != other


def test_a_page_can_t_look_proved(stage, web):
    """Its title, its icon and its address are its own; the toolbar's words aren't."""
    origin = stage.login(stage.demo().at)
    title = stage.proved(name_of(origin))["title"]
    evil = web("evil")
    evil.page("/", body=f'<!doctype html><title>{title}</title><link rel=icon href="/x.svg">'
                        f'<iframe src="{origin}/"></iframe>'.encode())
    for host in ("evil.test", "127.0.0.1", f"{name_of(origin)}.localhost", "keyplate.localhost"):
        stage.browser.goto(f"http://{host}:{evil.port}/", "evil")
        stage.idle("evil")
    # It may not be taken for proved while it is on its way, either.
    stage.browser.run("history.pushState(null, '', '/proved'); document.title = it", title, "evil")
    stage.idle("evil")
    stage.proved(name_of(origin))


def test_the_address_of_who_is_logged_out(stage):
    """What answers there is the agent; whoever else had its port: test_nothing_is_left_in_the_browser."""
    origin = stage.login(stage.demo().at)
    stage.keyplate("devices", "logout", name_of(origin))
    stage.placed()
    stage.browser.goto(origin + "/")
    stage.placed()
    stage.idle()


def test_the_secret_goes_to_nobody_else(stage, web):
    """Not with requests of other sites to the device, not to other ports of its name."""
    device = web("the-secret")
    origin = stage.login(stage.device(device).at)
    other = web("other")
    stage.browser.run("fetch(it + '/a', { mode: 'no-cors' }).catch(() => 0); "
                      "new Image().src = it + '/b';", f"http://{name_of(origin)}.localhost:{other.port}")
    evil = web("evil")
    evil.page("/", body=f'<!doctype html><img src="{origin}/stolen.svg">'
                        f'<iframe src="{origin}/stolen"></iframe>'.encode())
    stage.browser.goto(f"http://evil.test:{evil.port}/", "evil")
    stage.browser.goto(f"http://{name_of(origin)}.localhost:{other.port}/", "port")
    until(lambda: len(other.seen) >= 2, SLOW, other.seen)
    time.sleep(0.5)
    for _, _, fields, _ in other.seen + evil.seen + device.seen:
        assert "x-keyplate-secret" not in {name.lower() for name in fields}
    assert "stolen" not in " ".join(device.targets())
