"""Goal of this test: the files of integrations/stunnel make the two ends of a chain from a browser to a
plain web server, each of which works with other people's TLS-SRP too; and Debian's stunnel, which has
PSK and certificates and no SRP, is refused in each role with the sentence that the page says."""
import hashlib
import hmac
import os
import re
import signal
import socket
import struct
import subprocess

import pytest

from gateways import (KEYPLATE, PASSWORD, PROOF, ROOT, Program, box, curl, follow, free_port, opened,
                      talk_http, until)
from http_peers import ID, Recorder, credentials
from upstreams import program

FILES = ROOT / "integrations" / "stunnel"
PAGE = (FILES / "README.md").read_text()


def configured(box, name, **values):
    """An example, with the test's values in it."""
    text = (FILES / name).read_text()
    for key, value in values.items():
        assert f"@{key}@" in text, key
        text = text.replace(f"@{key}@", str(value))
    assert "@" not in re.sub(r"(?m)^#.*$", "", text), text
    path = box.dir / name
    path.write_text(text)
    return path


def srp2http(box, upstream, **kwargs):
    """A serve of srp2http.conf and nothing else."""
    at = f"127.0.0.1:{free_port()}"
    upstream.skip += 1
    file = kwargs.pop("file", None) or credentials(box)
    made = Program(box, ["serve", "--config", configured(box, "srp2http.conf", LISTEN=at,
                                                         UPSTREAM=upstream.at, CREDENTIALS=file)])
    assert made.line() == f"listening {at}"
    made.at = at
    return made


class Http2srp(Program):
    """An open of http2srp.conf and nothing else."""

    def __init__(self, box, device, user="admin", password=PASSWORD):
        self.port = free_port()
        config = configured(box, "http2srp.conf", DEVICE=device, USER=user,
                            PASSWORD_FILE=box.secret(password), LISTEN=f"127.0.0.1:{self.port}")
        super().__init__(box, ["open", "--config", config])

    def link(self):
        line = self.line()
        assert line.startswith("open "), (line, self.log())
        return line.removeprefix("open ")


def end(face):
    face.signal(signal.SIGINT)
    assert face.wait(5) == 0


# ---- The chain ------------------------------------------------------------------------------------

def test_the_whole_chain(box):
    upstream = Recorder()
    serve = srp2http(box, box.upstream(upstream))
    face = Http2srp(box, serve.at)
    url = opened(face.link())
    assert url.startswith(f"http://127-0-0-1.localhost:{face.port}/")
    for _ in range(3):
        assert curl(url + "settings?x=1", "-d", "a=b", user=None).stdout == b"ok"
    assert upstream.requests[-1].target == "/settings?x=1" and upstream.requests[-1].body == b"a=b"
    assert "TLSv1.2" in serve.logged("the password was proved")[0]
    end(face)


def test_the_second_time_by_tls13(box):
    """The device has said its id over the first connection."""
    serve = srp2http(box, box.upstream(Recorder()))
    for version in ("TLSv1.2", "TLSv1.3"):
        before = len(serve.log())
        face = Http2srp(box, serve.at)
        assert curl(opened(face.link()), user=None).stdout == b"ok"
        proved = next(line for line in serve.log()[before:].splitlines() if "password was proved" in line)
        assert version in proved, proved
        end(face)


def test_the_page_s_way_for_programs(box):
    """Word for word."""
    serve = srp2http(box, box.upstream(talk_http(b"the page")))
    face = Http2srp(box, serve.at)
    link = face.link()
    commands = "".join(re.findall(r"(?m)^    ((?:origin|cookie|curl)[ =].*\n)", PAGE))
    assert commands.count("\n") == 3
    done = subprocess.run(["sh", "-eu", "-c", commands], env={**os.environ, "link": link},
                          capture_output=True, timeout=20, check=False)
    assert done.stdout == b"the page", done
    again = subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", link],
                           capture_output=True, text=True, timeout=20, check=False)
    assert again.stdout == "403", "a link lets one in, once"
    end(face)


def test_a_curl_with_srp_comes_to_srp2http(box):
    serve = srp2http(box, box.upstream(Recorder()))
    assert curl(f"https://{serve.at}/").stdout == b"ok"
    assert curl(f"https://{serve.at}/", password="wrong").returncode == 35
    assert curl(f"https://{serve.at}/", user=None).returncode == 35, "no password"
    serve.logged("the client offers no password suite")


def test_a_wrong_password_ends_http2srp(box):
    serve = srp2http(box, box.upstream(Recorder()))
    face = Http2srp(box, serve.at, password="wrong-word-9")
    assert face.wait() == 3 and face.log() == f"keyplate open: {PROOF}\n"


def test_both_files_are_fine(box):
    """By --check, and with every commented line in force as well."""
    serve = srp2http(box, box.upstream(Recorder()))
    done = subprocess.run([KEYPLATE, "serve", "--check", "--config", box.dir / "srp2http.conf"],
                          capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 0 and "the configuration is fine" in done.stdout, done
    face = Http2srp(box, serve.at)
    assert face.link()
    end(face)
    path = box.dir / "http2srp.conf"
    text = path.read_text()
    assert "\n#device-id = " in text
    path.write_text(re.sub(r"\n#device-id = .*", f"\ndevice-id = {ID}", text))
    again = Program(box, ["open", "--config", path])
    assert curl(opened(again.line()), user=None).stdout == b"ok"
    assert "TLSv1.3" in serve.logged("the password was proved")[-1]
    end(again)


def table(*head):
    """The rows of the page's table with that head, as cells."""
    rows = [[cell.strip() for cell in line[1:-1].split("|")] for line in PAGE.splitlines()
            if line.startswith("|")]
    start = rows.index(list(head)) + 2
    end = next((i for i, row in enumerate(rows) if i > start and set(row) == {"---"}), len(rows) + 1)
    return rows[start:end - 1]


def test_the_page_names_keys_that_there_are():
    said = subprocess.run([program("stunnel"), "-help"], capture_output=True, text=True,
                          check=False).stderr
    stunnel = set(re.findall(r"(?m)^ *(\w+) +=", said)) | NOT_IN_ITS_HELP
    known = [stunnel] + [set(re.findall(r"(?m)^  --([a-z0-9-]+)", subprocess.check_output(
        [KEYPLATE, "help", name], text=True))) | more
        for name, more in (("serve", {"keyplate"}), ("open", {"address", "keyplate"}))]
    rows = table("stunnel", "serve", "open")
    assert len(rows) > 30
    for row in rows:
        for keys, cell in zip(known, row):
            assert set(re.findall(r"`([\w-]+)", cell)) <= keys, cell


NOT_IN_ITS_HELP = {"verify", "socks", "smtp", "fips", "PSKidentity", "reload"}


# ---- Debian's stunnel -----------------------------------------------------------------------------

KEY = "heating-cellar-84"


class Stunnel:
    """One service by the given lines; its log is text."""

    def __init__(self, box, *lines):
        self.port = free_port()
        self.at = f"127.0.0.1:{self.port}"
        folder = box.dir / f"stunnel{box.count()}"
        folder.mkdir()
        (folder / "psk").touch(0o600)
        (folder / "psk").write_text(f"admin:{KEY}\n")
        (folder / "conf").write_text("\n".join(["foreground = yes", "pid =", "debug = info", "[role]",
                                                f"accept = {self.at}", *lines, ""]))
        self.path = folder / "log"
        with open(self.path, "wb") as log:
            self.process = subprocess.Popen([program("stunnel"), "conf"], cwd=folder, stdout=log,
                                            stderr=log, stdin=subprocess.DEVNULL)
        box.programs.append(self)
        self.logged("Accepting new connections")

    def log(self):
        return self.path.read_text(errors="replace")

    def logged(self, text):
        until(lambda: text in self.log(), what=f"no {text!r} in {self.path.read_text()}")

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


PSK = ("ciphers = PSK", "PSKsecrets = psk")


def certificate(box):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-days", "2", "-subj", "/CN=x", "-keyout", box.dir / "key", "-out",
                    box.dir / "cert"], capture_output=True, check=True)
    return f"cert = {box.dir / 'cert'}", f"key = {box.dir / 'key'}"


def in_page(sentence):
    assert sentence in re.sub(r"\s+", " ", PAGE), sentence
    return sentence


def ask(at):
    """A client that has no TLS: what came."""
    return subprocess.run(["curl", "-s", "--max-time", "10", f"http://{at}/"], capture_output=True,
                          check=False).stdout


@pytest.mark.parametrize("lines", [(*PSK, "PSKidentity = admin"), ()], ids=["PSK", "certificates"])
def test_a_stunnel_comes_to_serve(box, lines):
    upstream = Recorder()
    serve = srp2http(box, box.upstream(upstream))
    stunnel = Stunnel(box, "client = yes", f"connect = {serve.at}", *lines)
    assert ask(stunnel.at) == b"" and upstream.requests == []
    stunnel.logged(in_page("sslv3 alert handshake failure"))
    line = serve.logged(in_page("the client offers no password suite"))[0]
    assert "reason=no-password" in line and "sent_alert=handshake_failure" in line


@pytest.mark.parametrize("kind", ["PSK", "certificate"])
def test_connect_and_open_come_to_a_stunnel(box, kind):
    recorder = Recorder()
    lines = PSK if kind == "PSK" else certificate(box)
    stunnel = Stunnel(box, f"connect = {box.upstream(recorder).at}", *lines)
    for options, sentence in (((), "takes no password at this level"),
                              (("--device-id", ID, "--tls", "1.3"),
                               "takes no password by TLS 1.3 as it was offered")):
        done = box.connect(stunnel, b"GET / HTTP/1.0\r\n\r\n", *options, password=KEY)
        assert (done.returncode, done.stdout) == (1, b""), done
        assert in_page(sentence) in done.stderr.decode() and PROOF not in done.stderr.decode()
    face = Http2srp(box, stunnel.at, password=KEY)
    assert face.wait() == 1 and "takes no password at this level" in face.log()
    stunnel.logged(in_page("no shared cipher"))
    if kind == "PSK":
        stunnel.logged(in_page("missing sigalgs extension"))
    assert recorder.requests == []


def test_stunnel_has_no_srp(box):
    """Neither an option, nor the suites of TLS-SRP when it is told to use them."""
    said = subprocess.run([program("stunnel"), "-help"], capture_output=True, text=True,
                          check=False).stderr
    assert "PSKidentity" in said and "srp" not in said.lower()
    stunnel = Stunnel(box, f"connect = {box.upstream(Recorder()).at}", "ciphers = SRP", *certificate(box))
    assert curl(f"https://{stunnel.at}/").returncode == 35
    stunnel.logged("no shared cipher")


# ---- What a PSK is worth ---------------------------------------------------------------------------

def expand(secret, label, context, length=32):
    """HKDF-Expand-Label of RFC 8446, for one block."""
    label = b"tls13 " + label
    info = struct.pack(">HB", length, len(label)) + label + bytes([len(context)]) + context
    return hmac.digest(secret, info + b"\x01", "sha256")[:length]


def binder(key, hello):
    """Of an external PSK, RFC 8446, 4.2.11.2, over a ClientHello without its binders."""
    early = hmac.digest(bytes(32), key, "sha256")
    binder_key = expand(early, b"ext binder", hashlib.sha256(b"").digest())
    return hmac.digest(expand(binder_key, b"finished", b""), hashlib.sha256(hello).digest(), "sha256")


def test_a_psk_is_guessed_at_home(box):
    """From the first message of a PSK stunnel, by who knows nothing and answers nothing: the page's
    reason why a password is never a PSK."""
    listener = socket.create_server(("127.0.0.1", 0))
    stunnel = Stunnel(box, "client = yes", "connect = 127.0.0.1:%d" % listener.getsockname()[1], *PSK,
                      "PSKidentity = admin")
    browser = socket.create_connection(("127.0.0.1", stunnel.port))
    with listener, browser, listener.accept()[0] as sock:
        hello = b""
        while len(hello) < 5 or len(hello) < 5 + int.from_bytes(hello[3:5], "big"):
            hello += sock.recv(65536)
    hello = hello[5:]
    # The binders are last: their length, then one of 32 bytes with its own length.
    cut, seen = hello[:-35], hello[-32:]
    assert hello[-35:-32] == b"\x00\x21\x20"
    words = [f"{what}-{where}-{year}" for what in ("router", "heating", "camera")
             for where in ("attic", "cellar", "garage") for year in range(100)]
    assert [word for word in words if binder(word.encode(), cut) == seen] == [KEY]
