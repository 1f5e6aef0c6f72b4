"""Goal: a browser sees the device's page through a link on this computer, in good days and bad."""
import os
import pathlib
import pwd
import re
import signal
import socket
import subprocess
import tempfile
import threading

import pytest

from gateways import (KEYPLATE, PASSWORD, PROOF, Cookies, Terminal, box, curl, follow, free_port,
                      opened, read_all, talk_echo, talk_http, until, upgraded)
from http_peers import Reader, Recorder


def plain_curl(url, *args):
    """A program of this computer that has no cookie."""
    return subprocess.run(["curl", "-si", "--max-time", "10", *args, url], capture_output=True,
                          check=False).stdout


def hand_over(box, serve, runtime, *args, password=PASSWORD):
    """Another `open` while one runs, to its end."""
    return subprocess.run([KEYPLATE, "open", serve.at, "--no-browser", "--no-save",
                           "--password-file", box.secret(password),
                           *(args or ("--user", "admin"))],
                          capture_output=True, text=True, timeout=30, check=False,
                          env={**os.environ, "XDG_RUNTIME_DIR": str(runtime)})


def test_page_by_link(box):
    upstream = box.upstream(talk_http(b"settings"))
    serve = box.serve(upstream)
    face = box.open(f"https://{serve.at}/deep/page?x=1#top")
    assert face.name == "127-0-0-1" and face.path == "/deep/page?x=1#top"
    assert curl(face.url, user=None).stdout == b"settings"
    until(lambda: upstream.seen)
    assert upstream.seen[-1].startswith(b"GET /deep/page?x=1 HTTP/1.1\r\n")
    assert face.cookie.encode() not in upstream.seen[-1]
    again = plain_curl(face.link)
    assert again.startswith(b"HTTP/1.1 403 ") and b"work any more" in again
    assert plain_curl(face.url).startswith(b"HTTP/1.1 403 "), "not without the cookie"
    assert len(upstream.seen) == 1
    until(lambda: "each link lets one browser in, once" in face.log())
    face.signal(signal.SIGINT)
    assert face.wait(5) == 0


def test_bare_address_and_chosen_port(box):
    serve = box.serve(box.upstream(talk_http()))
    port = free_port()
    face = box.open(serve, "--listen", f"127.0.0.1:{port}", "--verbose")
    assert face.url == f"http://127-0-0-1.localhost:{port}/"
    assert curl(face.url, user=None).stdout == b"hello"
    assert "resumed" in face.logged("resumed")[0]


def test_parallel_like_a_browser(box):
    body = os.urandom(300_000)
    serve = box.serve(box.upstream(talk_http(body)))
    face = box.open(serve)
    results = []
    threads = [threading.Thread(target=lambda: results.append(
        curl(face.url, user=None).stdout == body)) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 40
    assert serve.log().count("the password was proved") == 1


def test_wrong_password_is_told_at_once(box):
    serve = box.serve(box.upstream(talk_http()))
    done = subprocess.run([KEYPLATE, "open", serve.at, "--user", "admin", "--no-browser",
                           "--password-file", box.secret("wrong")], capture_output=True, text=True,
                          timeout=20, check=False)
    assert done.returncode == 3 and done.stdout == ""
    assert done.stderr == f"keyplate open: {PROOF}\n"
    assert serve.logged("proof-failed") and serve.log().count("proof-failed") == 1


def test_nothing_there(box):
    done = subprocess.run([KEYPLATE, "open", f"127.0.0.1:{free_port()}", "--user", "admin",
                           "--password-file", box.secret()], capture_output=True, text=True,
                          timeout=20, check=False)
    assert done.returncode == 1 and "nothing listens" in done.stderr


def test_device_down_and_back(box):
    upstream = box.upstream(talk_http(b"here"))
    serve = box.serve(upstream)
    face = box.open(serve)
    assert curl(face.url, user=None).stdout == b"here"
    serve.stop()
    page = curl(face.url, "-i", user=None).stdout
    assert page.startswith(b"HTTP/1.1 502 ") and b"text/html" in page
    assert b"Nothing listens at " + serve.at.encode() in page
    (box.dir / "form").write_bytes(b"x" * 300_000)
    page = curl(face.url, "-i", "-H", "Expect:", "-T", box.dir / "form", user=None).stdout
    assert page.startswith(b"HTTP/1.1 502 ")
    again = box.serve(upstream, credentials=serve.credentials, listen=(serve.at,))
    assert curl(face.url, user=None).stdout == b"here", "by itself"
    assert again.logged("the password was proved"), "the new server has other ticket keys"
    assert curl(face.url, user=None).stdout == b"here"
    assert again.log().count("the password was proved") == 1


def test_browser_is_started(box):
    folder = box.dir / "bin"
    folder.mkdir()
    script = folder / "xdg-open"
    script.write_text(f"#!/bin/sh\necho \"$1\" > {box.dir}/opened.new\n"
                      f"mv {box.dir}/opened.new {box.dir}/opened\n")
    script.chmod(0o755)
    serve = box.serve(box.upstream(talk_http()))
    env = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
    process = subprocess.Popen([KEYPLATE, "open", serve.at, "--user", "admin", "--password-file",
                                box.secret()], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env=env)
    link = process.stdout.readline().decode().split()[1]
    until(lambda: (box.dir / "opened").exists())
    assert (box.dir / "opened").read_text().strip() == link
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=5)
    assert process.returncode == 0


def test_under_sudo_the_browser_is_the_person_s(box):
    if os.geteuid() != 0:
        pytest.skip("needs root, as sudo gives it")
    serve = box.serve(box.upstream(talk_http()))
    with tempfile.TemporaryDirectory() as folder:  # the test's own folder is root's alone
        os.chmod(folder, 0o755)
        script = pathlib.Path(folder) / "xdg-open"
        said = pathlib.Path(folder) / "said"
        said.mkdir(0o777)
        os.chmod(said, 0o777)
        script.write_text(f"#!/bin/sh\necho \"$(id -u) $HOME\" > {said}/new\n"
                          f"mv {said}/new {said}/done\n")
        script.chmod(0o755)
        env = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "SUDO_UID": "65534",
               "XDG_STATE_HOME": f"{folder}/state"}
        pathlib.Path(folder, "state").mkdir(0o700)
        os.chown(f"{folder}/state", 65534, 65534)
        process = subprocess.Popen([KEYPLATE, "open", serve.at, "--user", "admin",
                                    "--password-file", box.secret()], stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, env=env)
        link = process.stdout.readline().decode().split()[1]
        until(lambda: (said / "done").exists())
        assert (said / "done").read_text() == f"65534 {pwd.getpwuid(65534).pw_dir}\n"
        answer = plain_curl(link)
        assert answer.startswith(b"HTTP/1.1 403 ") and b"another user" in answer, "root is another"
        answer = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                                 "curl", "-si", "--max-time", "10", link], capture_output=True,
                                check=False, cwd="/").stdout
        assert answer.startswith(b"HTTP/1.1 303 "), answer
        made = list(pathlib.Path(folder, "state").rglob("*"))
        assert {path.name for path in made} >= {"keyplate", "port", "run", "lock", "hub", "devices"}
        for path in made:
            assert path.stat().st_uid == 65534 and path.stat().st_mode & 0o077 == 0, path
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=5)
        assert process.returncode == 0


def test_the_user_in_the_link(box):
    serve = box.serve(box.upstream(talk_http()))
    process = subprocess.run([KEYPLATE, "open", f"https://nobody@{serve.at}/", "--no-browser",
                              "--password-file", box.secret()], capture_output=True, timeout=20,
                             check=False)
    assert process.returncode == 3
    assert 'claimed="nobody"' in serve.logged("proof-failed")[0]


def test_a_browser_that_fails_is_told(box):
    script = box.dir / "xdg-open"
    script.write_text("#!/bin/sh\nexit 3\n")
    script.chmod(0o755)
    serve = box.serve(box.upstream(talk_http()))
    process = subprocess.Popen([KEYPLATE, "open", serve.at, "--user", "admin", "--password-file",
                                box.secret()], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env={**os.environ, "PATH": f"{box.dir}:{os.environ['PATH']}"})
    for line in process.stderr:
        if b"open the link yourself" in line:
            break
    else:
        raise AssertionError("it wasn't told")
    process.send_signal(signal.SIGINT)
    assert process.wait(5) == 0
    process.communicate()


def test_no_browser_is_no_failure(box):
    serve = box.serve(box.upstream(talk_http()))
    env = {**os.environ, "PATH": "/nowhere"}
    process = subprocess.Popen([KEYPLATE, "open", serve.at, "--user", "admin", "--password-file",
                                box.secret()], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env=env)
    url = opened(process.stdout.readline().decode())
    assert curl(url, user=None).stdout == b"hello"
    process.send_signal(signal.SIGINT)
    assert b"open the link yourself" in process.communicate(timeout=5)[1]


def test_three_tries_at_a_terminal(box):
    serve = box.serve(box.upstream(talk_http()))
    terminal = Terminal(["open", serve.at, "--user", "admin", "--no-browser", "--no-save"])
    terminal.expect("Password of admin")
    terminal.type("wrong-pass\n")
    terminal.expect(PROOF)
    terminal.expect("Password of admin")
    terminal.type(PASSWORD + "\n")
    terminal.expect("open http://127-0-0-1.localhost:")
    terminal.expect("until Ctrl-C")
    terminal.type("\x03")
    assert terminal.wait() == 0


# ---- One hub ------------------------------------------------------------------------------------

def test_a_second_one_hands_over(box):
    runtime = box.runtime()
    first = box.serve(box.upstream(talk_http(b"first")))
    second = box.serve(box.upstream(talk_http(b"second")))
    face = box.open(first, runtime=runtime)
    done = hand_over(box, second, runtime)
    assert done.returncode == 0 and "has taken it over" in done.stderr, done.stderr
    url = opened(done.stdout)
    assert url.startswith("http://127-0-0-1-2.localhost:%d/" % face.port)
    for _ in range(2):
        assert curl(face.url, user=None).stdout == b"first"
        assert curl(url, user=None).stdout == b"second"
    assert follow_fails(face.origin + "/", "-b", Cookies.of(url.rstrip("/"))), "each has its own"
    face.signal(signal.SIGINT)
    assert face.wait(5) == 0
    assert plain_curl(url) == b"", "both end with it"


def follow_fails(url, *args):
    return plain_curl(url, *args).startswith(b"HTTP/1.1 403 ")


def test_a_wrong_password_changes_nothing(box):
    """Of a device that is in: who is in stays."""
    runtime = box.runtime()
    serve = box.serve(box.upstream(talk_http()))
    face = box.open(serve, runtime=runtime)
    assert curl(face.url, user=None).stdout == b"hello"
    done = hand_over(box, serve, runtime, password="wrong")
    assert done.returncode == 3 and done.stdout == "", done
    assert done.stderr == f"keyplate open: {PROOF}\n"
    assert curl(face.url, user=None).stdout == b"hello"
    done = hand_over(box, serve, runtime)
    assert done.returncode == 0 and opened(done.stdout) == face.url
    old = face.cookie
    assert curl(face.url, user=None).stdout == b"hello" and face.cookie == old, "the same person"
    assert serve.log().count("proof-failed") == 1
    assert face.process.poll() is None and PROOF not in face.log()


def test_two_users_of_one_device(box):
    """One after the other, at one name: what the browser had of the first is worth nothing."""
    recorder = Recorder()
    users = (("admin", PASSWORD), ("guest", "another-word-5"))
    serve = box.serve(box.upstream(recorder), "--identity", "headers",
                      credentials=box.credentials(users))
    runtime = box.runtime()
    face = box.open(serve, runtime=runtime)
    assert curl(face.url, user=None).stdout == b"ok"
    assert recorder.requests[-1].get("X-Remote-User") == "admin"
    old = face.cookie
    with face.visit() as browser:
        browser.sendall(face.head())
        assert Reader(lambda: browser.recv(65536)).response().body == b"ok"
        done = hand_over(box, serve, runtime, "--user", "guest", password="another-word-5")
        assert done.returncode == 0 and opened(done.stdout) == face.url
        assert read_all(browser) == b"", "connections of the first are cut"
    assert follow_fails(face.url, "-b", old)
    assert curl(face.url, user=None).stdout == b"ok" and face.cookie != old
    assert recorder.requests[-1].get("X-Remote-User") == "guest" and len(recorder.requests) == 3


def test_a_chosen_port_is_not_handed_over(box):
    runtime = box.runtime()
    serve = box.serve(box.upstream(talk_http()))
    face = box.open(serve, runtime=runtime)
    other = box.open(serve, "--listen", "127.0.0.1:0", runtime=runtime)
    assert other.port != face.port and other.name == face.name
    for one in (face, other):
        assert curl(one.url, user=None).stdout == b"hello"
    other.signal(signal.SIGINT)
    assert other.wait(5) == 0
    assert hand_over(box, serve, runtime).returncode == 0, "the first is still found"


def test_the_port_is_kept(box):
    serve = box.serve(box.upstream(talk_http()))

    def port():
        face = box.open(serve)
        assert curl(face.url, user=None).stdout == b"hello"
        face.signal(signal.SIGINT)
        assert face.wait(5) == 0
        return face.port, face.log()

    own, log = port()
    assert "usual port" not in log
    assert port()[0] == own
    for family, at in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with socket.socket(family) as taken:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind((at, own))
            taken.listen()
            other, log = port()
            assert other != own and f"it is {other} this time" in log
    assert port()[0] == own, "when it is free again"


# Takes the port, says so, keeps the first connection and closes the port again.
SQUATTER = """
import os, socket, sys
listener = socket.create_server((sys.argv[1], int(sys.argv[2])), family=int(sys.argv[3]))
os.write(1, b"t")
kept = listener.accept()[0]
listener.close()
os.write(1, b"k")
sys.stdin.read()
"""


@pytest.mark.parametrize("as_user", [(), ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")],
                         ids=["the same user", "another user"])
@pytest.mark.parametrize("family, at", [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_who_had_the_port_keeps_no_browser(box, family, at, as_user):
    """A browser goes on using a connection that it has, also to who is no more at that port."""
    if as_user and os.geteuid() != 0:
        pytest.skip("only root can be another user for a while")
    serve = box.serve(box.upstream(talk_http()))

    def port():
        face = box.open(serve)
        face.signal(signal.SIGINT)
        assert face.wait(5) == 0
        return face.port

    own = port()
    squatter = subprocess.Popen(
        [*as_user, "/usr/bin/python3", "-c", SQUATTER, at, str(own), str(int(family))], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    try:
        assert squatter.stdout.read(1) == b"t"
        with socket.create_connection((at, own)):
            assert squatter.stdout.read(1) == b"k"
            assert port() != own
        squatter.stdin.close()
        assert squatter.wait(5) == 0
        assert port() == own, "when nobody else has any of it"
    finally:
        if squatter.poll() is None:
            squatter.kill()
            squatter.wait()
        squatter.stdout.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_end_frees_all(box, number):
    """With pages and tunnels open."""
    runtime = box.runtime()
    serve = box.serve_bytes(box.upstream(upgraded(talk_echo)))
    face = box.open(serve, runtime=runtime)
    assert (runtime / "keyplate" / "hub").is_socket()
    with face.tunnel() as tunnel, face.visit() as idle, face.visit() as half:
        half.sendall(face.head()[:-3])
        face.signal(number)
        assert face.wait(5) == 0
        for sock in (tunnel, idle, half):
            try:
                assert read_all(sock) == b""
            except ConnectionResetError:
                pass
    assert not (runtime / "keyplate" / "hub").exists()
    assert box.open(serve, runtime=runtime).port == face.port


def test_after_a_kill(box):
    """The socket that it left and its lock are in nobody's way."""
    runtime = box.runtime()
    serve = box.serve(box.upstream(talk_http()))
    face = box.open(serve, runtime=runtime)
    face.process.kill()
    face.wait()
    assert (runtime / "keyplate" / "hub").is_socket()
    again = box.open(serve, runtime=runtime)
    assert again.port == face.port and curl(again.url, user=None).stdout == b"hello"
    assert hand_over(box, serve, runtime).returncode == 0


def test_log_out(box):
    """At the list of devices: what runs ends, and the browser forgets the device's pages."""
    runtime = box.runtime()
    serve = box.serve_bytes(box.upstream(upgraded(talk_echo)))
    face = box.open(serve, runtime=runtime)
    listed = re.search(r"Log out: (\S+)\n", face.logged("Log out: ")[0] + "\n")[1]
    cookie, origin = follow(listed), listed.split("/.keyplate/")[0]
    with face.tunnel() as tunnel:
        tunnel.sendall(b"x")
        assert tunnel.recv(1) == b"x"
        answer = plain_curl(f"{origin}/.keyplate/logout?name={face.name}", "-b", cookie, "-d", "",
                            "-H", f"Origin: {origin}")
        assert answer.startswith(b"HTTP/1.1 303 "), answer
        try:
            assert read_all(tunnel) == b""
        except ConnectionResetError:
            pass
    page = plain_curl(face.url, "-b", face.cookie)
    assert page.startswith(b"HTTP/1.1 403 ") and b"Logged out of 127-0-0-1" in page
    assert re.search(rb'\r\nClear-Site-Data: .*"cookies".*\r\n', page), page
    face.logged("logged out of 127-0-0-1")
    old = face.cookie
    done = hand_over(box, serve, runtime)
    assert done.returncode == 0 and opened(done.stdout) == face.url
    assert follow_fails(face.url, "-b", old)
    with face.tunnel() as tunnel:
        tunnel.sendall(b"x")
        assert tunnel.recv(1) == b"x"


# ---- What browser and device see of each other --------------------------------------------------

class Device(Recorder):
    """Answers each path with the fields that are in pages."""

    def __init__(self):
        super().__init__(self.reply)
        self.pages = {}

    def reply(self, asked):
        status, *fields = self.pages.get(asked.target, ("200 OK",))
        return "\r\n".join([f"HTTP/1.1 {status}", *fields, "Content-Length: 2", "", "ok"]).encode()


def browse(face, sock, target, *fields):
    sock.sendall(face.head(f"GET {target} HTTP/1.1", *fields))
    return Reader(lambda: sock.recv(65536)).response()


def test_cookies_of_the_device(box):
    device = Device()
    device.pages["/login"] = ("200 OK", "Set-Cookie: session=s3cret; HttpOnly; Path=/",
                              "Set-Cookie: colour=blue; Path=/; Max-Age=60",
                              "Set-Cookie: __Host-keyplate=x; Path=/; Secure")
    face = box.open(box.serve(box.upstream(device)))
    with face.visit() as browser:
        seen = browse(face, browser, "/login").all("Set-Cookie")
        assert [one for one in seen if "Max-Age=0" not in one and "1970" not in one] == [
            "colour=blue; Path=/; Max-Age=60"], seen
        assert "s3cret" not in str(seen)
        sent = browse(face, browser, "/", "Cookie: colour=blue")
        assert sent.body == b"ok"
    (cookie,) = device.requests[-1].all("Cookie")
    assert set(cookie.split("; ")) == {"session=s3cret", "colour=blue"}
    assert "keyplate" not in str(device.requests[-1].all("Cookie"))


def test_names_of_the_device(box):
    """Each side sees its own."""
    device = Device()
    serve = box.serve(box.upstream(device))
    device.pages = {
        "/own": ("302 Found", f"Location: https://{serve.at}/next?x#y"),
        "/path": ("302 Found", "Location: /next"),
        "/away": ("302 Found", "Location: http://example.net/"),
    }
    face = box.open(serve)
    with face.visit() as browser:
        assert browse(face, browser, "/own").get("Location") == "/next?x#y"
        assert browse(face, browser, "/path").get("Location") == "/next"
        assert browse(face, browser, "/away").get("Location") == "http://example.net/"
        browse(face, browser, "/", f"Origin: {face.origin}", f"Referer: {face.origin}/settings?a")
    seen = device.requests[-1]
    assert seen.get("Host") == serve.at and seen.get("Origin") == f"https://{serve.at}"
    assert seen.get("Referer") == f"https://{serve.at}/settings?a"
    assert "localhost" not in str(seen.raw_head)
    assert len(device.connections) == 1, "one connection of the browser's is one of the device's"


def test_a_device_that_restarts_under_an_open_page(box):
    """The browser's own connection goes on; what can't be repeated is sent on a fresh one, once."""
    device = Recorder()
    upstream = box.upstream(device)
    serve = box.serve(upstream)
    face = box.open(serve)
    with face.visit() as browser:
        assert browse(face, browser, "/one").body == b"ok"
        serve.stop()
        again = box.serve(upstream, credentials=serve.credentials, listen=(serve.at,))
        assert browse(face, browser, "/two").body == b"ok"
        again.stop()
        box.serve(upstream, credentials=serve.credentials, listen=(serve.at,))
        browser.sendall(face.head("POST /three HTTP/1.1", "Content-Length: 2") + b"ab")
        assert Reader(lambda: browser.recv(65536)).response().body == b"ok"
    assert [one.target for one in device.requests] == ["/one", "/two", "/three"]


def test_what_can_t_be_repeated_has_a_fresh_connection(box):
    """A used one could just be ending, and nobody would know whether the device did it."""
    device = Recorder()
    serve = box.serve(box.upstream(device), "--verbose")
    face = box.open(serve)

    def connections():
        return serve.log().count("a ticket was proved")

    with face.visit() as browser:
        for _ in range(3):
            assert browse(face, browser, "/").body == b"ok"
        assert connections() == 1 and len(device.connections) == 1
        browser.sendall(face.head("POST / HTTP/1.1", "Content-Length: 2") + b"ab")
        assert Reader(lambda: browser.recv(65536)).response().body == b"ok"
        until(lambda: connections() == 2)
        for _ in range(3):
            assert browse(face, browser, "/").body == b"ok"
        assert connections() == 2, "which is used again"
    until(lambda: serve.log().count(" closed: both sides were done") == connections() + 1)
    assert not device.faults, "each ends in order"


def test_events_and_websockets(box):
    """As they come."""
    def talk(sock):
        if b"/events" not in sock.recv(65536, socket.MSG_PEEK):
            return upgraded(talk_echo)(sock)
        sock.recv(65536)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        for number in range(3):
            sock.sendall(b"data: %d\n\n" % number)
            go.wait(10)
            go.clear()
        return None

    go = threading.Event()
    face = box.open(box.serve(box.upstream(talk)))
    with face.visit() as browser:
        browser.settimeout(5)
        browser.sendall(face.head("GET /events HTTP/1.1", "Accept: text/event-stream"))
        data = b""
        for number in range(3):
            while b"data: %d" % number not in data:
                data += browser.recv(65536)
            assert b"data: %d" % (number + 1) not in data
            go.set()
        while not data.endswith(b"0\r\n\r\n"):
            data += browser.recv(65536)
    with face.tunnel() as tunnel:
        for _ in range(3):
            tunnel.sendall(b"ping")
            assert tunnel.recv(4) == b"ping"


# ---- A file of options --------------------------------------------------------------------------

def options_file(box, text, name="open.conf"):
    path = box.dir / name
    path.write_text(text)
    return path


class Configured:
    """An `open` that is given a configuration, and of the device nothing else."""

    def __init__(self, box, config, *args):
        self.process = subprocess.Popen([KEYPLATE, "open", "--config", config, *map(str, args)],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        env={**os.environ, "XDG_RUNTIME_DIR": str(box.runtime())})
        box.programs.append(self)
        self.line = self.process.stdout.readline()

    def stop(self):
        """Its status and what it said."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        out, err = self.process.communicate(timeout=10)
        self.process.communicate = lambda **_: (out, err)
        return self.process.returncode, err


@pytest.mark.parametrize("section", ["[open]\n", "", "[serve]\nlisten = nonsense\n[open]\n"])
def test_configuration(box, section):
    serve = box.serve(box.upstream(talk_http()))
    port = free_port()
    config = options_file(box, f"{section}# a comment\naddress = {serve.at}\nuser = admin\n"
                               f"password-file = {box.secret()}\nlisten = 127.0.0.1:{port}\n"
                               "no-browser = on\nno-save = on\nverbose = on\nremember = off\n")
    face = Configured(box, config)
    assert face.line.startswith(f"open http://127-0-0-1.localhost:{port}/")
    assert curl(opened(face.line), user=None).stdout == b"hello"
    status, said = face.stop()
    assert status == 0 and "resumed" in said, "verbose"


def test_the_command_line_wins(box):
    """Over the device, the user, the port, and the way to the password."""
    serve = box.serve(box.upstream(talk_http()))
    config = options_file(box, "address = 192.0.2.1\nuser = nobody\npassword-file = /nowhere\n"
                               "listen = 127.0.0.1:1\nno-browser = on\nno-save = on\n")
    face = Configured(box, config, serve.at, "--user", "admin", "--password-file", box.secret(),
                      "--listen", "127.0.0.1:0")
    assert curl(opened(face.line), user=None).stdout == b"hello"
    assert face.stop()[0] == 0
    with open(box.secret(), "rb") as secret:
        done = subprocess.run([KEYPLATE, "open", "--config", config, serve.at, "--listen",
                               "127.0.0.1:0", "--password-fd", str(secret.fileno())],
                              pass_fds=[secret.fileno()], capture_output=True, text=True, timeout=20,
                              check=False)
    assert (done.returncode, done.stderr) == (3, f"keyplate open: {PROOF}\n"), "nobody's, not /nowhere's"


@pytest.mark.parametrize("text, words", [
    ("address = x\nbogus = 1\n", "line 2: unknown key bogus"),
    ("[serve]\nbogus = 1\n[open]\nupstream = 127.0.0.1:80\n", "line 4: unknown key upstream"),
    ("[opne]\nuser = x\n", "line 2: user is in the section [opne], which is no command of keyplate: "
                           "this one's is [open]"),
    ("user = a\nuser = b\n", "line 2: user is given twice"),
    ("\nno-browser = perhaps\n", "line 2: no-browser is on or off"),
    ("user = a\nnonsense\n", "line 2: not a [section] or key = value"),
    ("config = other\n", "line 1: a configuration file can't name another"),
    ("password-fd = 3\n", "line 1: password-fd is for the command line"),
    ("address = 192.0.2.1\nuser = a\nlisten = 8443\n",
     "line 3: listen needs an address too: write 127.0.0.1:8443"),
    ("address = 192.0.2.1\nuser = a\nlisten = 192.0.2.1:80\n", "line 3: listen 192.0.2.1:80: only"),
    ("user = a\n", "the device is missing"),
])
def test_a_bad_configuration(box, text, words):
    done = subprocess.run([KEYPLATE, "open", "--config", options_file(box, text)], capture_output=True,
                          text=True, timeout=20, check=False)
    assert done.returncode == 2 and done.stdout == ""
    assert words in done.stderr and done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.endswith(" (see: keyplate help open)\n")


def test_a_configuration_holds_no_secret(box):
    config = options_file(box, f"address = 127.0.0.1:{free_port()}\npassword = {PASSWORD}\n")
    done = subprocess.run([KEYPLATE, "open", "--config", config], capture_output=True, text=True,
                          timeout=20, check=False)
    assert done.returncode == 2 and "line 2: a password never stands in a configuration" in done.stderr
    assert PASSWORD not in done.stderr


def test_address_is_no_option(box):
    done = subprocess.run([KEYPLATE, "open", "--address", "192.0.2.1"], capture_output=True, text=True,
                          timeout=20, check=False)
    assert done.returncode == 2 and "unknown option --address" in done.stderr
    assert "--address" not in subprocess.check_output([KEYPLATE, "help", "open"], text=True)


def test_no_such_configuration(box):
    done = subprocess.run([KEYPLATE, "open", "--config", box.dir / "none"], capture_output=True,
                          text=True, timeout=20, check=False)
    assert done.returncode == 1 and "can't read the configuration" in done.stderr
