"""Goal: by its bytes alone, no request passes the loopback face that isn't the logged-in browser's own:
not with another host, origin, cookie or path, not behind another request, and not from another user of
this computer.
"""
import os
import re
import shutil
import socket
import subprocess
import threading
import time

import pytest

from gateways import read_all, until
from loopback import Answer, Scene, ask, read_answers, use

SECRET = "the-secret-of-the-heating"
NOBODY = 65534


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """Logged in at the heating (web, link, cookie) and at the list (list, list_cookie)."""
    made = Scene(tmp_path_factory.mktemp("requests"))
    try:
        made.web = made.web(SECRET)
        made.at = made.device(made.web)
        made.link = made.enter(made.at)
        made.cookie = use(made.link)
        made.list = made.first.list_link()
        made.list_cookie = use(made.list)
        yield made
    finally:
        made.close()


@pytest.fixture
def face(scene):
    """Whatever a test does, the person is still in afterwards."""
    scene.web.seen.clear()
    yield scene
    assert SECRET in good(scene).body.decode()


def fill(face, text):
    """HOST: name and port of the heating; NAME and PORT; GOOD: its cookie; SECRET: its digits."""
    values = {"HOST": face.link.host, "NAME": face.link.name, "PORT": str(face.port), "GOOD": face.cookie,
              "SECRET": face.cookie.split("=")[1], "LIST": face.list_cookie}
    return re.sub("|".join(values), lambda found: values[found[0]], text)


def good(face, path="/"):
    return ask(face.port, fill(face, f"GET {path} HTTP/1.1\nHost: HOST\nCookie: GOOD"))


def passes(face, text, body=b""):
    answer = ask(face.port, fill(face, text), body)
    assert answer.status == 200 and SECRET in answer.body.decode(), answer.data
    return answer


def refused(face, text, statuses, body=b""):
    seen = len(face.web.seen)
    answer = ask(face.port, fill(face, text), body)
    assert answer.status in statuses, answer.data
    assert SECRET not in answer.data.decode("latin-1") and face.cookie not in answer.data.decode("latin-1")
    assert len(face.web.seen) == seen, "nothing of it went to the device"
    # A page for a person, that nobody keeps or frames.
    assert answer.field("Content-Type")[0].startswith("text/html"), answer.data
    assert "no-store" in answer.field("Cache-Control")[0]
    assert "frame-ancestors 'none'" in "".join(answer.field("Content-Security-Policy"))
    return answer


# ---- The host -----------------------------------------------------------------------------------

@pytest.mark.parametrize("head", [
    "GET / HTTP/1.1\nHost: HOST\nCookie: GOOD",
    "GET / HTTP/1.1\nhOsT:   HOST  \ncOOkie: GOOD",
    "GET / HTTP/1.1\nHost: NAME.LocalHost:PORT\nCookie: GOOD",
    "GET /secret HTTP/1.1\nHost: HOST\nCookie: a=b; GOOD; c=d",
    "GET / HTTP/1.1\nHost: HOST\nX-Keyplate-Secret: SECRET",
    "GET / HTTP/1.1\nHost: HOST\nCookie: GOOD; GOOD\nCookie: GOOD\nX-Keyplate-Secret: SECRET",
    "GET http://HOST/ HTTP/1.1\nHost: HOST\nCookie: GOOD",
])
def test_the_person_s_own(face, head):
    passes(face, head)  # and the secret is no affair of the device
    assert face.cookie.split("=")[1] not in str([str(fields) for _, _, fields, _ in face.web.seen])


@pytest.mark.parametrize("head", [
    "GET / HTTP/1.1\nHost: evil.test:PORT",
    "GET / HTTP/1.1\nHost: evil.test",
    "GET / HTTP/1.1\nHost: NAME.localhost.:PORT",
    "GET / HTTP/1.1\nHost: NAME.localhost:PORT.",
    "GET / HTTP/1.1\nHost: NAME.localhost",
    "GET / HTTP/1.1\nHost: NAME.localhost:",
    "GET / HTTP/1.1\nHost: NAME.localhost:1",
    "GET / HTTP/1.1\nHost: NAME.localhost:0PORT",
    "GET / HTTP/1.1\nHost: NAME.localhost:+PORT",
    "GET / HTTP/1.1\nHost: NAME.localhost:PORT0",
    "GET / HTTP/1.1\nHost: user@NAME.localhost:PORT",
    "GET / HTTP/1.1\nHost: evil.test@NAME.localhost:PORT",
    "GET / HTTP/1.1\nHost: NAME.localhost:PORT@evil.test",
    "GET / HTTP/1.1\nHost: NAME.localhost:PORT.evil.test",
    "GET / HTTP/1.1\nHost: NAME.localhost:PORT/evil.test",
    "GET / HTTP/1.1\nHost: NAME.localhost.evil.test:PORT",
    "GET / HTTP/1.1\nHost: x.NAME.localhost:PORT",
    "GET / HTTP/1.1\nHost: NAME%2elocalhost:PORT",
    "GET / HTTP/1.1\nHost: http://NAME.localhost:PORT",
    "GET / HTTP/1.1\nHost: NAME.localhost:PORT, evil.test",
    "GET / HTTP/1.1\nHost: .localhost:PORT",
    "GET / HTTP/1.1\nHost: localhost:PORT",
    "GET / HTTP/1.1\nHost: 127.0.0.1:PORT",
    "GET / HTTP/1.1\nHost: [::1]:PORT",
    "GET / HTTP/1.1\nHost: NAME:PORT",
    "GET / HTTP/1.1\nHost:",
    "GET / HTTP/1.1\nX: y",
    "GET / HTTP/1.0\nX: y",
    "GET / HTTP/1.1\nHost: HOST\nHost: evil.test:PORT",
    "GET / HTTP/1.1\nHost: evil.test:PORT\nHost: HOST",
    "GET / HTTP/1.1\nHost: HOST\nHost: HOST",
    "GET http://evil.test:PORT/ HTTP/1.1\nHost: HOST",
    "GET http://evil.test:PORT/ HTTP/1.1\nHost: evil.test:PORT",
    "GET http://HOST/ HTTP/1.1\nHost: evil.test:PORT",
    "GET //evil.test/ HTTP/1.1\nHost: evil.test:PORT",
    "OPTIONS * HTTP/1.1\nHost: evil.test:PORT",
    "CONNECT HOST HTTP/1.1\nHost: HOST",
    "CONNECT 127.0.0.1:22 HTTP/1.1\nHost: HOST",
    "TRACE / HTTP/1.1\nHost: evil.test:PORT",
    "PRI * HTTP/2.0",
])
def test_another_host(face, head):
    """With the right secret too."""
    refused(face, head + "\nCookie: GOOD\nX-Keyplate-Secret: SECRET", (400, 404, 405, 421, 501, 505))


# ---- Where it comes from ------------------------------------------------------------------------

SAME = "Cookie: GOOD\nSec-Fetch-Site: same-origin"


@pytest.mark.parametrize("fields", [
    "Origin: http://HOST", "Origin: http://HOST\nSec-Fetch-Site: same-origin",
    "Origin: null\nSec-Fetch-Site: same-origin", "Sec-Fetch-Site: none\nSec-Fetch-Mode: navigate",
    "Referer: http://evil.test/",
])
def test_own_pages(face, fields):
    passes(face, "POST /x HTTP/1.1\nHost: HOST\nCookie: GOOD\nContent-Length: 1\n" + fields, b"x")


@pytest.mark.parametrize("fields", [
    "Origin: http://evil.test", "Origin: http://NAME.localhost", "Origin: http://NAME.localhost:1",
    "Origin: https://HOST", "Origin: null", "Origin:", "Origin: http://HOST/", "Origin: HOST",
    "Origin: http://HOST.evil.test", "Origin: http://evil.test@HOST", "Origin: http://x.HOST",
    "Origin: http://HOST http://evil.test", "Origin: http://HOST, http://evil.test",
    "Origin: http://HOST\nOrigin: http://evil.test", "Origin: http://evil.test\nOrigin: http://HOST",
    "Origin: http://keyplate.localhost:PORT", "Origin: ws://HOST", "Origin: file://",
    "Origin: http://evil.test\nSec-Fetch-Site: same-origin",
    "Origin: null\nSec-Fetch-Site: cross-site", "Origin: null\nSec-Fetch-Site: none",
    "Origin: http://HOST\nSec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site",
    "Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: cross-site\nSec-Fetch-Mode: navigate",
    "Sec-Fetch-Site: cross-site\nSec-Fetch-Mode: navigate\nSec-Fetch-Dest: document",
    "Sec-Fetch-Site: same-origin\nSec-Fetch-Site: cross-site",
    "Sec-Fetch-Site: cross-site\nSec-Fetch-Site: same-origin",
    "Sec-Fetch-Site: same-origin, cross-site", "Sec-Fetch-Site: anything-new",
])
def test_other_pages_that_send(face, fields):
    """They have the cookie, as another port of the same name has."""
    refused(face, "POST /x HTTP/1.1\nHost: HOST\nCookie: GOOD\nContent-Length: 1\n" + fields, (403,), b"x")


@pytest.mark.parametrize("fields", [
    "Origin: http://evil.test", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site",
    "Sec-Fetch-Site: cross-site\nSec-Fetch-Mode: no-cors\nSec-Fetch-Dest: image",
    "Sec-Fetch-Site: cross-site\nSec-Fetch-Mode: navigate\nSec-Fetch-Dest: iframe",
    "Sec-Fetch-Site: same-site\nSec-Fetch-Mode: navigate\nSec-Fetch-Dest: object",
    "Sec-Fetch-Site: same-site\nSec-Fetch-Mode: cors\nSec-Fetch-Dest: document",
    "Sec-Fetch-Site: same-site\nSec-Fetch-Mode: websocket\nSec-Fetch-Dest: empty",
    "Upgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Version: 13\nOrigin: http://evil.test\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
])
def test_other_pages_that_read(face, fields):
    refused(face, "GET /x HTTP/1.1\nHost: HOST\nCookie: GOOD\n" + fields, (403,))


def test_a_link_that_is_followed(face):
    """May show the device's page to the person, if the cookie comes along."""
    link = "Sec-Fetch-Site: cross-site\nSec-Fetch-Mode: navigate\nSec-Fetch-Dest: document"
    passes(face, f"GET / HTTP/1.1\nHost: HOST\nCookie: GOOD\n{link}")
    refused(face, f"GET / HTTP/1.1\nHost: HOST\n{link}", (403,))


def test_a_link_and_the_extension_s_field(face):
    """An extension's rule adds the field to what another site's link opens, too, where the cookie is
    kept back: it doesn't let anybody in, and the page has the way on."""
    head = "GET /x HTTP/1.1\nHost: HOST\nX-Keyplate-Secret: SECRET\nSec-Fetch-Mode: navigate\n" \
           "Sec-Fetch-Dest: document\nSec-Fetch-Site: "
    for site in ("cross-site", "same-site", "none\nSec-Fetch-Site: cross-site", "Same-Origin", ""):
        page = refused(face, head + site, (403,))
        assert b'<a href="/">' in page.body and not page.field("Set-Cookie")
    for site in ("none", "same-origin", "none\nSec-Fetch-Site: same-origin"):
        assert face.cookie in passes(face, head + site).field("Set-Cookie")[0]


# ---- The secret ---------------------------------------------------------------------------------

@pytest.mark.parametrize("cookie", [
    "", "a=b", "__Host-keyplate", "__Host-keyplate=", "__Host-keyplate=" + "0" * 64,
    "__Host-keyplate=SECRET0", "__Host-keyplate=\"SECRET\"", "__host-keyplate=SECRET",
    "__Host-Keyplate=SECRET", "_Host-keyplate=SECRET", "x__Host-keyplate=SECRET",
    "__Host-keyplate= x SECRET", "__Host-keyplate:SECRET", "=GOOD",
    "a=GOOD", "a=\" GOOD; \"", "GOOD, a=b", "LIST",
    "GOOD; __Host-keyplate=" + "0" * 64, "__Host-keyplate=" + "0" * 64 + "; GOOD",
    "GOOD\nCookie: __Host-keyplate=" + "0" * 64, "__Host-keyplate=" + "0" * 64 + "\nCookie: GOOD",
])
def test_other_secrets(face, cookie):
    refused(face, f"GET / HTTP/1.1\nHost: HOST\nCookie: {cookie}", (403,))


def test_nobody_tells_the_device(face):
    """However the secret came, and beside whatever else."""
    for fields in ("Cookie: __Host-keyplate =SECRET", "Cookie: GOOD ; a=b", "Cookie: ;GOOD;;",
                   "Cookie: GOOD\nX-Keyplate-Secret: " + "0" * 64, "Cookie: GOOD\nx-keyplate-secret: SECRET",
                   "Cookie: GOOD; __host-keyplate=SECRET", "Cookie: GOOD\nConnection: x-keyplate-secret",
                   "Cookie: GOOD\nConnection: cookie\nX-Keyplate-Secret: SECRET"):
        ask(face.port, fill(face, f"GET / HTTP/1.1\nHost: HOST\n{fields}"))
    assert face.cookie.split("=")[1] not in str([str(fields) for _, _, fields, _ in face.web.seen])


def test_parts_of_the_secret(face):
    secret = face.cookie.split("=")[1]
    wrong = [secret[:length] for length in (1, 32, 63)] + [secret[1:], secret * 2, secret[::-1]]
    wrong += [secret[:-1] + ("0" if secret[-1] != "0" else "1")]
    if secret.upper() != secret:
        wrong += [secret.upper()]
    for value in wrong:
        refused(face, f"GET / HTTP/1.1\nHost: HOST\nCookie: __Host-keyplate={value}", (403,))
        refused(face, f"GET / HTTP/1.1\nHost: HOST\nX-Keyplate-Secret: {value}", (403,))


# ---- Paths of ours ------------------------------------------------------------------------------

OURS = ["/.keyplate/", "/.keyplate/x", "/.keyplate/open/", "/.keyplate/open/00/", "/.keyplate/open/../x",
        "/.keyplate/logout?name=NAME", "/.keyplate//logout?name=NAME"]
TRICKS = ["/%2ekeyplate/logout?name=NAME", "/%2Ekeyplate/open/" + "0" * 64 + "/",
          "//.keyplate/logout?name=NAME", "/.KEYPLATE/logout?name=NAME", "/.keyplate", "/x/../.keyplate/logout?name=NAME",
          "/./.keyplate/logout?name=NAME", "/.keyplate%2flogout?name=NAME", "/.keyplate\\logout?name=NAME",
          "/?/.keyplate/logout?name=NAME", "/.keyplate;x/logout?name=NAME"]


@pytest.mark.parametrize("path", OURS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_paths_of_ours_never_reach_a_device(face, method, path):
    for cookie in ("Cookie: GOOD", "X: y"):
        refused(face, f"{method} {path} HTTP/1.1\nHost: HOST\nContent-Length: 0\n{cookie}",
                (400, 403, 404, 405))


@pytest.mark.parametrize("path", TRICKS)
def test_paths_that_look_like_ours(face, path):
    """They are the device's own, or nothing; they do nothing here, and pass nobody."""
    refused(face, f"POST {path} HTTP/1.1\nHost: HOST\nContent-Length: 0", (400, 403, 404))
    answer = ask(face.port, fill(face, f"POST {path} HTTP/1.1\nHost: HOST\nCookie: GOOD\nContent-Length: 0"))
    assert answer.status in (200, 400, 404), answer.data
    refused(face, f"POST {path} HTTP/1.1\nHost: keyplate.localhost:PORT\nCookie: LIST\nContent-Length: 0",
            (400, 404, 405))


@pytest.mark.parametrize("text", [
    "GET {}", "HEAD {}", "POST {}\nContent-Length: 0\nOrigin: http://evil.test",
    "POST {}\nContent-Length: 0\nOrigin: null",
    "POST {}\nContent-Length: 0\nSec-Fetch-Site: cross-site\nSec-Fetch-Mode: navigate\n"
    "Sec-Fetch-Dest: document",
    "POST {}\nContent-Length: 0\nSec-Fetch-Site: same-site",
    "POST {}\nContent-Length: 0\nOrigin: http://HOST",
    "GET {}\nSec-Fetch-Site: cross-site\nSec-Fetch-Mode: navigate\nSec-Fetch-Dest: document"])
@pytest.mark.parametrize("act", ["logout", "forget", "open"])
def test_the_list_s_forms(face, act, text):
    head = text.format(f"/.keyplate/{act}?name=NAME HTTP/1.1\nHost: keyplate.localhost:PORT")
    refused(face, head + "\nCookie: LIST", (403, 405))


def test_the_list_needs_its_own_secret(face):
    for path in ("/", "/.keyplate/logout?name=NAME"):
        for method in ("GET", "POST"):
            refused(face, f"{method} {path} HTTP/1.1\nHost: keyplate.localhost:PORT\nCookie: GOOD\n"
                    "Content-Length: 0", (403,))
            refused(face, f"{method} {path} HTTP/1.1\nHost: keyplate.localhost:PORT\n"
                    "Content-Length: 0", (403,))


# ---- One-time links -----------------------------------------------------------------------------

def test_a_link_serves_once(face):
    refused(face, f"GET /.keyplate/open/{face.link.token}/ HTTP/1.1\nHost: HOST", (403,))
    refused(face, f"GET /.keyplate/open/{face.link.token}/ HTTP/1.1\nHost: HOST\nCookie: GOOD", (403, 404))


@pytest.mark.parametrize("head", [
    "HEAD {} HTTP/1.1\nHost: HOST", "POST {} HTTP/1.1\nHost: HOST\nContent-Length: 0",
    "GET {} HTTP/1.1\nHost: keyplate.localhost:PORT", "GET {} HTTP/1.1\nHost: evil.test:PORT",
    "GET {} HTTP/1.1\nHost: HOST\nOrigin: http://evil.test",
    "GET {} HTTP/1.1\nHost: HOST\nSec-Fetch-Site: cross-site\nSec-Fetch-Mode: navigate\nSec-Fetch-Dest: iframe",
    "GET {} HTTP/1.1\nHost: HOST\nSec-Fetch-Site: cross-site\nSec-Fetch-Mode: no-cors\nSec-Fetch-Dest: image",
    "GET {} HTTP/1.1\nHost: HOST\nSec-Fetch-Site: same-site\nSec-Fetch-Mode: cors\nSec-Fetch-Dest: empty"])
def test_a_link_is_for_a_person_who_follows_it(face, head):
    """And who tries otherwise doesn't use it up."""
    link = face.enter(face.at)
    refused(face, head.format(f"/.keyplate/open/{link.token}/"), (403, 404, 405, 421))
    use(link)


@pytest.mark.parametrize("path", ["//evil.test/", "/\\evil.test/", "/\\/evil.test", "///evil.test"])
def test_a_link_stays_here(face, path):
    link = face.enter(face.at)
    answer = ask(link.port, f"GET /.keyplate/open/{link.token}{path} HTTP/1.1\nHost: {link.host}")
    for location in answer.field("Location"):
        assert re.match(r"/(?![/\\])", location), location


def test_a_link_of_another_site(face):
    """Is a page of ours that goes on: a redirect would still be that site's."""
    link = face.enter(face.at)
    answer = ask(link.port, f"GET /.keyplate/open/{link.token}/ HTTP/1.1\nHost: {link.host}\n"
                 "Sec-Fetch-Site: cross-site\nSec-Fetch-Mode: navigate\nSec-Fetch-Dest: document")
    assert answer.status == 200 and b"refresh" in answer.body.lower() and answer.field("Set-Cookie")
    assert link.token.encode() not in answer.data


# ---- More than one request ----------------------------------------------------------------------

def pipelined(face, first, second):
    with socket.create_connection(("127.0.0.1", face.port), timeout=10) as sock:
        sock.sendall(fill(face, first).encode() + fill(face, second).encode())
        return read_answers(sock)


@pytest.mark.parametrize("second, statuses", [
    ("Host: evil.test:PORT\r\nCookie: GOOD", (b"400", b"421")),
    ("Host: keyplate.localhost:PORT\r\nCookie: GOOD", (b"403", b"421")),
    ("Host: HOST", (b"403",)),
    ("Host: HOST\r\nCookie: GOOD\r\nOrigin: http://evil.test", (b"403",)),
    ("Host: HOST\r\nCookie: GOOD\r\nSec-Fetch-Site: same-site", (b"403",)),
])
def test_behind_a_good_request(face, second, statuses):
    """Each request of a connection is judged by itself."""
    data = pipelined(face, "GET /first HTTP/1.1\r\nHost: HOST\r\nCookie: GOOD\r\n\r\n",
                     f"GET /second HTTP/1.1\r\n{second}\r\nConnection: close\r\n\r\n")
    assert re.findall(rb"HTTP/1\.1 (\d+)", data)[0] == b"200", data
    answers = re.findall(rb"HTTP/1\.1 (\d+)", data)
    assert len(answers) == 2 and answers[1] in statuses, data
    assert "/second" not in face.web.targets()


def test_two_good_ones(face):
    data = pipelined(face, "GET /first HTTP/1.1\r\nHost: HOST\r\nCookie: GOOD\r\n\r\n",
                     "GET /second HTTP/1.1\r\nHost: HOST\r\nCookie: GOOD\r\nConnection: close\r\n\r\n")
    assert data.count(SECRET.encode()) == 2 and face.web.targets()[-2:] == ["/first", "/second"]


INSIDE = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize("fields, body", [
    ("Content-Length: 4\r\nTransfer-Encoding: chunked", "0\r\n\r\n" + INSIDE),
    ("Transfer-Encoding: chunked\r\nContent-Length: 4", "0\r\n\r\n" + INSIDE),
    ("Content-Length: 0\r\nContent-Length: 40", INSIDE),
    ("Content-Length: 0, 40", INSIDE), ("Content-Length: +0", INSIDE), ("Content-Length: 0x0", INSIDE),
    ("Content-Length: -1", INSIDE), ("Content-Length: 18446744073709551616", INSIDE),
    ("Transfer-Encoding: identity", INSIDE), ("Transfer-Encoding: chunked, identity", "0\r\n\r\n" + INSIDE),
    ("Transfer-Encoding: xchunked", "0\r\n\r\n" + INSIDE),
    ("Transfer-Encoding:\x0bchunked", "0\r\n\r\n" + INSIDE),
    ("Transfer-Encoding : chunked", "0\r\n\r\n" + INSIDE),
    ("X: y\r\n Transfer-Encoding: chunked", "0\r\n\r\n" + INSIDE),
    ("X: y\nTransfer-Encoding: chunked", "0\r\n\r\n" + INSIDE),
    ("X: y\rTransfer-Encoding: chunked", "0\r\n\r\n" + INSIDE),
    ("X: \0", INSIDE),
    ("Transfer-Encoding: chunked", "0_\r\n\r\n" + INSIDE),
    ("Transfer-Encoding: chunked", "0\n\n" + INSIDE),
    ("Transfer-Encoding: chunked", "10000000000000000\r\n" + INSIDE),
    ("Transfer-Encoding: chunked", "1\r\nxx\r\n0\r\n\r\n" + INSIDE),
])
def test_requests_inside_requests(face, fields, body):
    head = f"POST /outer HTTP/1.1\r\nHost: HOST\r\nCookie: GOOD\r\n{fields}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", face.port), timeout=10) as sock:
        sock.sendall(fill(face, head).encode() + body.encode())
        sock.shutdown(socket.SHUT_WR)
        data = read_answers(sock)
    assert not [target for target in face.web.targets() if "smuggled" in target], data
    assert not re.search(rb"HTTP/1\.1 200", data), data


def test_a_hundred_at_once(face):
    """Half of them without the secret."""
    got = []

    def one(number):
        cookie = face.cookie if number % 2 else "__Host-keyplate=" + "%064x" % number
        answer = ask(face.port, f"GET /n{number} HTTP/1.1\nHost: {face.link.host}\nCookie: {cookie}")
        got.append((number % 2, answer.status))

    threads = [threading.Thread(target=one, args=(number,)) for number in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == [(0, 403)] * 50 + [(1, 200)] * 50
    assert all(int(target[2:]) % 2 for target in face.web.targets())


# ---- Another user of this computer --------------------------------------------------------------

def as_nobody(*args):
    if os.geteuid() != 0:
        pytest.skip("needs root, to become somebody else")
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv isn't installed")
    done = subprocess.run(["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
                           "curl", "-si", "--max-time", "10", *args],
                          capture_output=True, check=False, cwd="/")
    return Answer(done.stdout)


def test_another_user_with_the_right_cookie(face):
    for where in (face.link.origin + "/", f"http://127.0.0.1:{face.port}/", f"http://[::1]:{face.port}/"):
        for secret in (f"Cookie: {face.cookie}", "X-Keyplate-Secret: " + face.cookie.split("=")[1]):
            answer = as_nobody("-H", secret, "-H", f"Host: {face.link.host}", where)
            assert answer.status in (0, 403) and SECRET.encode() not in answer.data, answer.data
    assert as_nobody("-H", f"Cookie: {face.cookie}", face.link.origin + "/").status == 403
    assert not face.web.seen


def test_another_user_with_the_right_link(face):
    """As it can be read in the arguments of the browser that is started: it is worth nothing to
    another user, and isn't used up by the try."""
    link = face.enter(face.at)
    answer = as_nobody(link.url)
    assert answer.status == 403 and not answer.field("Set-Cookie")
    assert answer.data and link.token.encode() not in answer.data
    use(link)
    listed = as_nobody("-H", f"Cookie: {face.list_cookie}", face.list.origin + "/")
    assert listed.status == 403 and face.link.name.encode() not in listed.body


def test_another_user_sees_no_door(face):
    """Neither the hub's socket nor what is saved is open to others."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to become somebody else")
    folder = face.box.dir / "runtime"
    for path in [folder, *folder.rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path


# ---- Leaving ------------------------------------------------------------------------------------

def test_logging_out_cuts_what_is_open(scene):
    """What runs ends at once, the secret is worth nothing, and a new login makes a new one."""
    def begin(path, more=""):
        sock = socket.create_connection(("127.0.0.1", scene.port), timeout=10)
        sock.sendall(fill(scene, f"GET {path} HTTP/1.1\r\nHost: HOST\r\nCookie: GOOD\r\n{more}\r\n").encode())
        assert sock.recv(65536).startswith(b"HTTP/1.1 ")
        return sock

    open_ones = [begin("/endless"), begin("/events"), begin(
        "/ws", "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")]
    until(lambda: scene.web.sockets == 1)
    began = time.monotonic()
    answer = ask(scene.port, fill(scene, "POST /.keyplate/logout?name=NAME HTTP/1.1\nContent-Length: 0\n"
                                  "Host: keyplate.localhost:PORT\nCookie: LIST\n"
                                  "Origin: http://keyplate.localhost:PORT\nSec-Fetch-Site: same-origin"))
    assert answer.status == 303, answer.data
    for sock in open_ones:
        try:
            read_all(sock)
        except ConnectionResetError:
            pass
        sock.close()
    until(lambda: scene.web.sockets == 0)
    assert time.monotonic() - began < 8
    seen = len(scene.web.seen)
    answer = good(scene)
    assert answer.status == 403 and SECRET.encode() not in answer.data
    assert answer.field("Clear-Site-Data") and len(scene.web.seen) == seen
    link = scene.enter(scene.at)
    assert good(scene).status == 403, "the old secret"
    assert use(link) != scene.cookie
    scene.cookie = use(scene.enter(scene.at))
    assert good(scene).status == 200
