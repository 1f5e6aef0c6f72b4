"""Goal: what the hub promises holds over time, too: a device that is gone has no part in the one that
gets its name, and what was logged out is nowhere in memory."""
import os
import re
import subprocess
import time

import pytest

from browsers import Browser
from devices import device, replace
from gateways import KEYPLATE, PASSWORD, SANITIZED, Serve, box, curl, talk_http, until  # noqa: F401
from loopback import Entry, Scene, ask
from test_11_logs_and_secrets import memory
from test_44_keyring import ask as ask_keyring
from test_44_keyring import session  # noqa: F401
from test_46_agent import Agent, enter, runtime  # noqa: F401

CLEARED = ['"cache", "storage"']


def take(link, *fields):
    """What the one-time link is answered with."""
    at = re.fullmatch(r"http://([^/]+)(/.*)", link)
    port = int(at[1].rsplit(":", 1)[1])
    return ask(port, "\n".join((f"GET {at[2]} HTTP/1.1", f"Host: {at[1]}", *fields)))


def cookie_of(answer):
    return answer.field("Set-Cookie")[-1].split(";")[0]


# ---- Another device by the same name ------------------------------------------------------------

def test_a_device_that_is_not_saved_inherits_nothing(box):
    """Its name may have been that of a device which was forgotten."""
    old = device(box, "OLD1")
    agent = Agent(box)
    done = agent.login(old.at)
    name = done["device"]["name"]
    until(lambda: agent.ask("state", name=name)["device"]["saved"])
    assert agent.ask("forget", name=name)["ok"]

    replace(box, old, "NEW1")
    done = agent.login(old.at)
    assert done["device"]["name"] == name
    first = take(done["link"], "Cookie: left=of-the-old-one; __Host-keyplate=0")
    assert first.status == 303 and first.field("Clear-Site-Data") == CLEARED
    assert first.field("Set-Cookie")[0].startswith("left=; Path=/; Max-Age=0")
    assert "Max-Age" not in first.field("Set-Cookie")[-1]
    again = take(agent.ask("link", name=name)["link"], f"Cookie: mine=1; {cookie_of(first)}")
    assert again.status == 303 and again.field("Clear-Site-Data") == [], "it is in already"
    assert len(again.field("Set-Cookie")) == 1
    other = take(agent.ask("link", name=name)["link"], "Sec-Fetch-Site: cross-site")
    assert other.status == 200 and other.field("Clear-Site-Data") == CLEARED, "another browser"

    by_field = curl(done["device"]["origin"] + "/", "-i", "-H",
                    f"X-Keyplate-Secret: {done['secret']}", user=None).stdout.decode()
    assert 'Clear-Site-Data: "cache", "storage"\r\n' in by_field and by_field.endswith("hello")


def test_a_saved_device_keeps_what_is_its_own(box):
    serve = device(box, "SAME1")
    agent = Agent(box)
    name = agent.login(serve.at)["device"]["name"]
    until(lambda: agent.ask("state", name=name)["device"]["saved"])
    assert agent.end() == 0
    answer = take(Agent(box).login(name)["link"], "Cookie: mine=1")
    assert answer.status == 303 and answer.field("Clear-Site-Data") == []
    assert len(answer.field("Set-Cookie")) == 1


def test_a_name_that_is_saved_is_no_other_device_s(box):
    """Also when the list of saved devices isn't to be used."""
    serve = device(box, "SAVED1")
    agent = Agent(box)
    name = agent.login(serve.at)["device"]["name"]
    until(lambda: agent.ask("state", name=name)["device"]["saved"])
    assert agent.ask("logout", name=name)["ok"] and agent.end() == 0
    replace(box, serve, "OTHER1")
    agent = Agent(box)
    done = agent.login(serve.at, no_save=True)
    assert done["ok"] and done["device"]["name"] != name
    assert [one["name"] for one in agent.ask("list")["devices"] if one["saved"]] == [name]


def test_what_a_stranger_left_is_cleared(box):
    """Over TLS 1.2 its page may have come before it was known to be another device: the page that
    tells the alarm clears what the browser kept of it, and so does the next link."""
    serve = device(box, "MEANT1", "--tls", "1.2")
    agent = Agent(box)
    done = agent.login(serve.at)
    name, origin = done["device"]["name"], done["device"]["origin"]
    until(lambda: agent.ask("state", name=name)["device"]["saved"])
    agent.ask("logout", name=name)
    done = agent.login(name)
    cookie, _ = enter(done["link"])
    credentials = serve.credentials
    other = replace(box, serve, "STRANGE1", "--tls", "1.2")
    head = ("-i", "-H", f"Cookie: {cookie}; left=x")
    curl(origin + "/", *head, user=None)
    until(lambda: agent.ask("state", name=name)["device"]["state"] == "stranger")
    alarm = curl(origin + "/", *head, user=None).stdout.decode()
    assert alarm.startswith("HTTP/1.1 502") and 'Clear-Site-Data: "cache", "storage"\r\n' in alarm
    assert "Set-Cookie: left=; Path=/; Max-Age=0" in alarm and "__Host-" not in alarm

    replace(box, other, None, "--tls", "1.2", credentials=credentials)
    link = agent.login(name)["link"]
    assert take(link, f"Cookie: {cookie}").field("Clear-Site-Data") == CLEARED


PAGE = (b"<!doctype html><title>page</title><script src=/app.js></script>"
        b"<script>document.title = self.who + ' ' + localStorage.who</script>")


@pytest.mark.parametrize("kind", ["chromium", "firefox"])
def test_scripts_of_a_forgotten_device_are_at_work_no_more(tmp_path, kind):
    """They were to be kept for a year.  In a new tab: one that still shows the old device has its
    scripts anyway."""
    scene, browser = Scene(tmp_path), Browser(kind, tmp_path)

    def web(who):
        made = scene.web(who)
        made.pages["/"] = (200, [("Cache-Control", "no-store")], PAGE)
        made.pages["/app.js"] = (200, [("Content-Type", "text/javascript"),
                                       ("Cache-Control", "public, max-age=31536000, immutable")],
                                 f"self.who = '{who}'; localStorage.who ??= '{who}'".encode())
        return made

    def title(page):
        until(lambda: " " in browser.run("return document.title", page=page))
        return browser.run("return document.title", page=page)

    try:
        old, new = web("old"), web("new")
        serve = Serve(scene.box, old.at)
        link = scene.enter(serve.at)
        browser.goto(link.url, "before")
        assert title("before") == "old old"
        subprocess.run([KEYPLATE, "devices", "forget", link.name], check=True)
        serve.stop()
        Serve(scene.box, new.at, listen=(serve.at,))
        again = Entry(scene.box, serve.at).link
        assert again.origin == link.origin
        browser.goto(again.url, "after")
        assert title("after") == "new new"
    finally:
        browser.stop()
        scene.close()


# ---- What is forgotten --------------------------------------------------------------------------

@pytest.mark.parametrize("no_save", [False, True], ids=["saved", "not-saved"])
def test_forgetting_takes_the_password_out_of_the_keyring(box, session, no_save):
    env = session().env
    agent = Agent(box, env=env)
    serve = device(box, "KEPT1", "--tls", "1.2")
    done = agent.login(serve.at, device_id="KEPT1", remember=True, no_save=no_save)
    until(lambda: ask_keyring(env, "get", "KEPT1", "admin")[:2] == (0, PASSWORD))
    assert agent.ask("forget", name=done["device"]["name"])["ok"]
    until(lambda: ask_keyring(env, "get", "KEPT1", "admin")[0] == 1)


# ---- After logging out --------------------------------------------------------------------------

def test_nothing_secret_is_in_memory_after_logging_out(box):
    if SANITIZED:
        pytest.skip("a sanitizer maps more memory than can be read")
    if os.geteuid() != 0:
        pytest.skip("only root may look into a process that isn't dumpable")
    kept = b"the-value-of-a-cookie-2718281828"
    serve = box.serve(box.upstream(talk_cookie(kept)))
    agent = Agent(box)
    done = agent.login(serve.at)
    name, secret = done["device"]["name"], done["secret"]
    token = re.search(r"open/([0-9a-f]{64})", agent.ask("link", name=name)["link"])[1]
    cookie, _ = enter(done["link"])
    assert curl(done["device"]["origin"] + "/", "-H", f"Cookie: {cookie}", user=None).stdout == b"hello"

    def found():
        pieces = list(memory(agent.pid))
        secrets = {"password": PASSWORD.encode(), "cookie": kept, "digits": secret.encode(),
                   "secret": bytes.fromhex(secret), "link": token.encode(),
                   "token": bytes.fromhex(token)}
        return {what for what, text in secrets.items() if any(text in piece for piece in pieces)}

    assert found() == {"cookie", "secret", "token"}, "what it needs while somebody is in"
    assert agent.ask("logout", name=name)["ok"]
    until(lambda: found() == set())


def talk_cookie(value):
    plain = talk_http()

    class Sock:
        """Adds a field to the answer."""

        def __init__(self, sock):
            self.sock = sock

        def sendall(self, data):
            self.sock.sendall(data.replace(b"\r\n", b"\r\nSet-Cookie: s=" + value + b"; HttpOnly\r\n", 1))

        def __getattr__(self, name):
            return getattr(self.sock, name)

    return lambda sock: plain(Sock(sock))
