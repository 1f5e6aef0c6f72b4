"""Goal: every mistake of the person is one clear line that says what to do, and the right status."""
import os
import re
import socket
import subprocess

import pytest

from devices import write
from gateways import KEYPLATE, box, free_port, talk_http


def run(*args):
    return subprocess.run([KEYPLATE, *map(str, args)], capture_output=True, text=True, timeout=20,
                          stdin=subprocess.DEVNULL, check=False, start_new_session=True)


def one_line(done, status, *words):
    assert done.returncode == status, done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    for word in words:
        assert word in done.stderr, done.stderr


@pytest.mark.parametrize("args, words", [
    ([], ["--listen is missing"]),
    (["--listen", "127.0.0.1"], ["port is missing"]),
    (["--listen", "443"], ["the address is missing: ADDR:PORT"]),
    (["--listen", "127.0.0.1:99999"], ["0 to 65535"]),
    (["--listen", "::1:80"], ["[ADDRESS]:PORT"]),
    (["--listen", "[::1"], ["ends with ]"]),
    (["--listen", "example.org:443"], ["numeric"]),
    (["--listen", "127.0.0.1:0"], ["--upstream is missing"]),
    (["--http", "yes"], ["--http is one of on|off"]),
    (["--http"], ["--http"]),
    (["--transition", "loose"], ["--transition is one of strict|sniff|dual|same-port"]),
    (["--transition", "dual", "--transition", "sniff"], ["--transition is given twice"]),
    (["--pake", "cpace"], ["--pake is one of ietf|boringssl|both"]),
    (["--tls", "1.1"], ["--tls is one of 1.2|1.3|any"]),
    (["--tls", "1.3", "--tls", "1.2"], ["--tls is given twice"]),
    (["--identity", "magic"], ["--identity is one of none|headers|proxy-v2"]),
    (["--identity", "headers", "--http", "off"], ["--identity headers needs --http on"]),
    (["--log", "xml"], ["text|json"]),
    (["--workers", "0"], ["1 to 64"]),
    (["--handshake-timeout", "-3"], ["number"]),
    (["--upstream-timeout", "soon"], ["--upstream-timeout", "number"]),
    (["--upstream-timeout", "0"], ["--upstream-timeout", "1 to 86400"]),
    (["--upstream-timeout", "86401"], ["--upstream-timeout", "1 to 86400"]),
    (["--quiet", "--verbose"], ["exclude each other"]),
    (["S3CRET"], ["one word too many"]),
    (["--nonsense"], ["unknown option"]),
    (["--password", "S3CRET"], ["--password-file"]),
    (["-pS3CRET"], ["unknown option -p"]),
    (["--listen", "127.0.0.1:0", "--upstream", "http://127.0.0.1:8080/"],
     ["without http:// and path: 127.0.0.1:8080"]),
    (["--listen", "127.0.0.1:0", "--upstream", "127.0.0.1"], ["port is missing"]),
])
def test_serve_usage(args, words):
    done = run("serve", *args)
    one_line(done, 2, *words, "keyplate help serve")
    assert "S3CRET" not in done.stderr


HERE, UPSTREAM = ("--listen", "127.0.0.1:0"), ("--upstream", "127.0.0.1:9")
OTHER = ("--other-tls", "127.0.0.1:8443")
PLAIN = ("--http-listen", "127.0.0.1:0")


@pytest.mark.parametrize("args, words", [
    (["--transition", "dual"], ["--transition dual needs --other-tls", "127.0.0.1:8443"]),
    (["--transition", "dual", *OTHER],
     ["--transition dual needs a second --listen, or --http-listen"]),
    (["--transition", "same-port"], ["--transition same-port needs --other-tls"]),
    (OTHER, ["--other-tls is for --transition dual or same-port"]),
    (["--transition", "strict", *OTHER], ["--other-tls is for --transition dual or same-port"]),
    (["--transition", "sniff", *PLAIN, *OTHER], ["--other-tls is for"]),
    (["--transition", "sniff"], ["--transition sniff needs --http-listen", "0.0.0.0:80"]),
    (["--transition", "sniff", "--http", "off"], ["sniff needs"]),
    (["--transition", "sniff", "--http", "off", *PLAIN], ["--transition sniff needs --http on"]),
    (["--identity", "headers", "--http", "off", *PLAIN], ["--identity headers needs --http on"]),
    (["--http-listen", "8080"], ["--http-listen 8080", "the address is missing: ADDR:PORT"]),
    (["--http-listen", "localhost:80"], ["--http-listen", "numeric"]),
    (["--http-listen", "127.0.0.1:99999"], ["--http-listen", "0 to 65535"]),
    (["--http-listen", "unix:/run/x"], ["--http-listen"]),
    (["--listen", "127.0.0.1:4433", "--listen", "127.0.0.1:4433"],
     ["--listen 127.0.0.1:4433 is given twice"]),
    (["--listen", "[::1]:4433", "--listen", "[0:0::1]:4433"], ["is given twice"]),
    ([*PLAIN, "--http-listen", "127.0.0.1:8080", "--http-listen", "127.0.0.1:8080"],
     ["--http-listen 127.0.0.1:8080 is given twice"]),
    (["--transition", "dual", "--other-tls", "https://127.0.0.1:8443/"],
     ["--other-tls is written without http:// and path"]),
    (["--transition", "dual", "--other-tls", "8443"], ["--other-tls 8443"]),
    (["--transition", "dual", "--other-tls", "127.0.0.1"], ["--other-tls", "port is missing"]),
    (["--notice", "words"], ["--notice is for pages of --http-listen"]),
])
def test_serve_transition_usage(args, words):
    one_line(run("serve", *HERE, *UPSTREAM, *args), 2, *words, "keyplate help serve")


@pytest.mark.parametrize("listen, other", [
    ("0.0.0.0:4433", "127.0.0.1:8443"), ("[::]:4433", "[::1]:8443"),
    ("192.0.2.1:4433", "127.0.0.1:8443"), ("127.0.0.1:4433", "unix:/run/other.sock")])
def test_browsers_are_not_led_where_they_can_t_go(listen, other):
    """In dual, with one --listen, they are led to the other server itself."""
    one_line(run("serve", "--listen", listen, *UPSTREAM, "--transition", "dual", "--other-tls",
                 other), 2, "--transition dual needs a second --listen", "--other-tls")


@pytest.mark.parametrize("args", [
    [*HERE, *HERE], [*HERE, *PLAIN, *PLAIN], [*HERE, "--http", "off", *PLAIN],
    [*HERE, *PLAIN, "--transition", "dual", *OTHER], [*HERE, *HERE, "--transition", "dual", *OTHER],
    [*HERE, *HERE, "--transition", "dual", "--other-tls", "unix:/run/other.sock"],
    [*HERE, "--transition", "same-port", "--other-tls", "unix:/run/other.sock"],
    [*HERE, "--transition", "same-port", *OTHER, "--http", "off"],
    [*HERE, *PLAIN, "--transition", "dual", "--other-tls", "192.0.2.1:443"],
    [*HERE, "--transition", "sniff", *PLAIN, "--identity", "headers", "--upstream-timeout", "1"],
])
def test_what_serve_takes(box, args):
    """It comes as far as its credentials, which aren't there."""
    one_line(run("serve", *UPSTREAM, *args, "--credentials", box.dir / "none"), 1,
             "make it with: keyplate passwd add")


@pytest.mark.parametrize("words, why", [
    (None, "No such file"),
    ("", "is empty"),
    ("<p>Your password:<form action=/>", "has <form>: allowed are p, br, h2"),
    ("<INPUT name=x>", "has <INPUT>: allowed are"),
    ("<p type = 'password'>", "has a <p> with the attribute type: allowed are lang and dir"),
    ("</section><div hidden>", "has <section>: allowed are"),
    ("<img src='/logo.png'>", "has an img whose src isn't a data: picture"),
    ("<!-- a comment", "has a comment"),
    ("<p>a", "has a <p> that isn't closed"),
    ("x" * 16385, "more than 16 KiB"),
    ("a\0b", "NUL"),
    (b"\xff", "not UTF-8"),
])
def test_a_notice_that_asks_or_acts(box, words, why):
    file = box.dir / "notice"
    if words is not None:
        file.write_bytes(words if isinstance(words, bytes) else words.encode())
    for transition in ("strict", "sniff"):
        one_line(run("serve", *HERE, *UPSTREAM, *PLAIN, "--transition", transition, "--notice",
                     file), 1, f"--notice {file}", why)


def test_a_notice_that_is_no_file(box):
    os.mkfifo(box.dir / "pipe")
    for path in (box.dir, box.dir / "pipe", "/dev/zero"):
        one_line(run("serve", *HERE, *UPSTREAM, *PLAIN, "--notice", path), 1, "not a regular file")


def test_servers_that_have_no_address():
    for name in ("--upstream", "--other-tls"):
        args = ["--upstream", "127.0.0.1:9", "--transition", "same-port", *OTHER]
        args[args.index(name) + 1] = "nosuch.invalid:80"
        one_line(run("serve", *HERE, *args), 1, f"{name} nosuch.invalid:80", "no host of this name")


def test_help_is_narrow(box):
    for command in ("serve", "open", "connect"):
        done = run("help", command)
        assert done.returncode == 0
        assert max(map(len, done.stdout.splitlines())) <= 80


def test_help_tells_of_every_option_of_serve():
    text = run("help", "serve").stdout
    for name in ("listen", "upstream", "credentials", "config", "http on|off", "http-listen",
                 "identity none|headers|proxy-v2", "transition strict|sniff|dual|same-port",
                 "other-tls", "notice", "workers", "tls", "pake", "handshake-timeout",
                 "upstream-timeout", "idle-timeout", "max-connections", "log", "quiet", "verbose"):
        assert f"--{name}" in text, name


def test_serve_credentials(box):
    at = ["serve", "--listen", "127.0.0.1:0", "--upstream", "127.0.0.1:9", "--credentials"]
    one_line(run(*at, box.dir / "none"), 1, str(box.dir / "none"), "make it with: keyplate passwd add")
    good = box.credentials()
    os.chmod(good, 0o644)
    one_line(run(*at, good), 1, "chmod 600")
    os.chmod(good, 0o600)
    lines = good.read_text().splitlines(keepends=True)
    number = next(i for i, line in enumerate(lines) if line.startswith("user "))
    lines[number] = lines[number].replace("user admin", "user bdmin")
    good.write_text("".join(lines))
    one_line(run(*at, good), 1, f"line {number + 1}")


def test_serve_ports(box):
    good = box.credentials()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        at = "127.0.0.1:%d" % taken.getsockname()[1]
        one_line(run("serve", "--listen", at, "--upstream", "127.0.0.1:9", "--credentials", good),
                 1, at, "another program uses this port")
    one_line(run("serve", "--listen", "192.0.2.1:4433", "--upstream", "127.0.0.1:9",
                 "--credentials", good), 1, "doesn't have this address")
    one_line(run("serve", "--listen", "127.0.0.1:0", "--upstream", "nosuch.invalid:80",
                 "--credentials", good), 1, "no host of this name")


def test_no_permission_for_a_port(box):
    start = open("/proc/sys/net/ipv4/ip_unprivileged_port_start", encoding="ascii").read()
    if int(start) < 2:
        pytest.skip("every port is free for all here")
    good = box.credentials()
    whom = {}
    if os.geteuid() == 0:
        whom = {"user": 65534, "group": 65534}
        os.chown(good, 65534, 65534)
        for folder in good.parents:
            if not folder.stat().st_mode & 0o001:
                pytest.skip("nobody can't reach the test's folder: run this as another user")
    done = subprocess.run([KEYPLATE, "serve", "--listen", "127.0.0.1:1", "--upstream",
                           "127.0.0.1:9", "--credentials", str(good)], **whom,
                          capture_output=True, text=True, timeout=20, check=False)
    one_line(done, 1, "127.0.0.1:1", "below 1024")


@pytest.mark.parametrize("text, words", [
    ("http = maybe\n", "on|off"), ("transition = dual\n", "needs --other-tls"),
    ("identity = headers\nhttp = off\n", "needs --http on"),
    ("other-tls = 127.0.0.1:8443\n", "is for --transition dual or same-port"),
    ("advertise = maybe\n", "on or off")])
def test_what_a_configuration_asks_for(box, text, words):
    config = box.dir / "conf"
    config.write_text("[serve]\nlisten = 127.0.0.1:0\nupstream = 127.0.0.1:9\n" + text)
    one_line(run("serve", "--config", config), 2, words, "keyplate help serve")


@pytest.mark.parametrize("text, line, words", [
    ("listen = x\nbogus = 1\n", 2, "unknown key bogus"),
    ("[serve]\nquiet = perhaps\n", 2, "on or off"),
    ("nonsense\n", 1, "key = value"),
    ("config = other\n", 1, "can't name another"),
    ("# " + "long" * 99 + "listen = 0.0.0.0:80\nno such\n", 2, "key"),
    ("quiet = yes\ndevice = " + "x" * 190 + "\nlisten = 127.0.0.1:0\n", 2, "too long"),
    ("upstream = 127.0.0.1:9" + " " * 178 + "listen = 127.0.0.1:0\n", 1, "too long"),
    ("quiet = yes\0\nno such\n", 1, "NUL"),
])
def test_configuration_faults(box, text, line, words):
    config = box.dir / "conf"
    config.write_text(text)
    one_line(run("serve", "--config", config), 2, f"line {line}", words, "keyplate help serve")


def test_configuration_missing(box):
    one_line(run("serve", "--config", box.dir / "none"), 1, "can't read the configuration")


@pytest.mark.parametrize("link, words", [
    ("http://192.0.2.1/", "isn't protected"),
    ("ftp://192.0.2.1/", "only https://"),
    ("keyplate:id@192.0.2.1/?v=1", "two slashes"),
    ("keyplate://id@192.0.2.1/", "ends with /?v=1"),
    ("keyplate://id:hunter2@192.0.2.1/?v=1", "device id comes first"),
    ("keyplate://id@192.0.2.1/?v=1#p=hunter2", "password"),
    ("keyplate://id@192.0.2.1/?v=1&user=eve", "names a user, and --user another"),
    ("keyplate://id@192.0.2.1/?v=1&p=hunter2", "nothing else"),
    ("https://admin:hunter2@192.0.2.1/", "--user NAME"),
    ("https://eve@192.0.2.1/", "names a user, and --user another"),
    ("https://a%40b@192.0.2.1/", "--user NAME"),
    ("https://@192.0.2.1/", "--user NAME"),
    ("https:/192.0.2.1/", "two slashes"),
    ("https://192.0.2.1:0/", "1 to 65535"),
    ("::1:14433", "[ADDRESS]:PORT"),
    ("https://192.0.2.1/#p=hunter2", "password"),
    ("https://192.0.2.1:99999/", "1 to 65535"),
    ("https:///x", "address is missing"),
    ("https://[::1/", "ends with ]"),
    ("https://192.0.2.1/a b", "%XX"),
])
def test_open_links(box, link, words):
    done = run("open", link, "--user", "admin", "--password-file", box.secret())
    one_line(done, 2, words)
    assert "hunter2" not in done.stderr


@pytest.mark.parametrize("args, words", [
    ([], "the device is missing"),
    (["192.0.2.1", "--listen", "0.0.0.0:80"], "only 127.0.0.1"),
    (["192.0.2.1", "--listen", "9000"], "write 127.0.0.1:9000"),
    (["192.0.2.1", "--password", "S3CRET"], "never comes from the arguments"),
    (["192.0.2.1", "S3CRET"], "one word too many"),
    (["192.0.2.1", "--listen", "192.0.2.9:80"], "only 127.0.0.1"),
    (["192.0.2.1", "--listen", "127.0.0.2:80"], "only 127.0.0.1"),
    (["192.0.2.1", "--tls", "1.3"], "needs the device id"),
    (["192.0.2.1", "--tls", "1.1"], "one of 1.2|1.3|any"),
    (["192.0.2.1", "--pake", "both"], "one of ietf|boringssl"),
    (["192.0.2.1", "--pake", "ietf", "--tls", "1.2"], "--pake is for TLS 1.3"),
    (["192.0.2.1", "--device-id", ""], "the id is empty"),
    (["192.0.2.1", "--device-id", "x" * 256], "the id is too long"),
    (["192.0.2.1", "--device-id", "a\nb"], "the id holds a control character"),
    (["keyplate://a@192.0.2.1/?v=1", "--device-id", "b"], "names a device id, and --device-id"),
    (["192.0.2.1"], "--user"),
])
def test_open_usage(args, words):
    done = run("open", *args)
    one_line(done, 2, words)
    assert "S3CRET" not in done.stderr


@pytest.mark.parametrize("args, words", [
    (["boiler:8443"], "boiler is a saved name: give it alone, without port, path or --no-save"),
    (["boiler/settings"], "boiler is a saved name"),
    (["boiler", "--no-save"], "--no-save looks at no saved names"),
    (["boilers"], "--user NAME is missing"),
])
def test_a_saved_name_and_more(box, args, words):
    write("boiler 192.0.2.1:443 K7F3 admin 1.3 1")
    one_line(run("open", *args, "--password-file", box.secret()), 2, words)


def test_open_port_in_use(box):
    port = free_port()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        one_line(run("open", "192.0.2.1", "--user", "a", "--password-file", box.secret(),
                     "--listen", f"127.0.0.1:{port}"), 1, "another program uses")


@pytest.mark.parametrize("args, words", [
    ([], "the device is missing"),
    (["https://192.0.2.1/"], "is a link"),
    (["192.0.2.1:x"], "1 to 65535"),
    (["192.0.2.1", "S3CRET"], "one word too many"),
    (["https://admin:S3CRET@192.0.2.1/"], "is a link"),
    (["admin:S3CRET@192.0.2.1"], "--user NAME"),
    (["192.0.2.1:S3CRET"], "1 to 65535"),
    (["S3CRET/192.0.2.1"], "no address has"),
    (["192.0.2.1:0"], "1 to 65535"),
    (["::1:14433"], "[ADDRESS]:PORT"),
    (["192.0.2.1", "--password=S3CRET"], "never comes from the arguments"),
    (["192.0.2.1", "--tls", "1.3"], "needs the device id"),
    (["keyplate://id:S3CRET@192.0.2.1/?v=1"], "device id comes first"),
    (["192.0.2.1", "--remember"], "unknown option"),
    (["192.0.2.1"], "--user"),
])
def test_connect_usage(args, words):
    done = run("connect", *args)
    one_line(done, 2, words)
    assert "S3CRET" not in done.stderr


@pytest.mark.parametrize("label", ["LABEL", "LABEL".lower()])
def test_a_label_is_no_name(box, label):
    """Names go over the wire in the clear."""
    made = subprocess.run([KEYPLATE, "passwd", "add", "--credentials", box.dir / "c", "--user", "a",
                           "--generate"], capture_output=True, text=True, check=True)
    password = re.search(r"\b[a-z2-9]{5}(-[a-z2-9]{5}){2}\b", made.stdout).group(0)
    heard = box.upstream(lambda sock: sock.recv(1))
    given = password.upper() if label.isupper() else password
    for command in ("connect", "open"):
        done = run(command, heard.at, "--user", given, "--password-file", box.secret())
        one_line(done, 2, "label's password, not a name")
        assert password not in done.stderr.lower()
    wrong = password[:-1] + ("a" if password[-1] != "a" else "b")
    run("connect", heard.at, "--user", wrong, "--password-file", box.secret())
    assert len(heard.seen) == 1, "with another check character it may be a name"


def test_what_answers_without_a_command():
    for args in (["help", "help"], ["help", "version"], ["help"]):
        done = run(*args)
        assert done.returncode == 0 and done.stdout.startswith("usage: keyplate COMMAND")
    for word in ("version", "-V", "--version"):
        done = run(word)
        assert done.returncode == 0 and done.stdout.startswith("keyplate ")
    one_line(run("S3CRET"), 2, "no such command")
    for command, action in (("passwd", "add"), ("devices", "list")):
        text = run("help", command).stdout
        for args in (["help", command, action], [command, "help", action], [command, "help"]):
            assert run(*args).stdout == text
        one_line(run("help", command, "S3CRET"), 2, "no such action", f"keyplate help {command}")
        one_line(run(command, "help", "S3CRET"), 2, "no such action")
        one_line(run("help", command, action, "S3CRET"), 2, "one word too many")
    one_line(run("help", "open", "S3CRET"), 2, "one word too many")
    assert "S3CRET" not in run("S3CRET").stderr + run("help", "S3CRET").stderr


def test_standard_output_that_takes_nothing(box):
    serve = box.serve(box.upstream(talk_http()))
    starts = (["open", serve.at, "--user", "admin", "--password-file", box.secret(), "--no-browser"],
              ["serve", "--listen", "127.0.0.1:0", "--upstream", "127.0.0.1:9", "--quiet",
               "--credentials", serve.credentials])
    for args in starts:
        for way in (">&-", ">/dev/full"):
            done = subprocess.run(["sh", "-c", f'exec "$@" {way}', "sh", KEYPLATE,
                                   *map(str, args)], stderr=subprocess.PIPE, text=True,
                                  stdin=subprocess.DEVNULL, timeout=20, check=False)
            assert done.returncode == 1 and "standard output" in done.stderr

def test_password_files(box):
    empty = box.dir / "empty"
    empty.touch(0o600)
    at = ["connect", "192.0.2.1", "--user", "a", "--password-file"]
    one_line(run(*at, empty), 1, "empty")
    one_line(run(*at, box.dir / "none"), 1, "--password-file", "No such file")


def test_keylog_is_not_in_this_build(box):
    done = run("help", "connect")
    if "--keylog" in done.stdout:
        pytest.skip("a build with keylog")
    one_line(run("connect", "192.0.2.1", "--keylog", "x"), 2, "unknown option")


@pytest.mark.parametrize("listen", ["127.0.0.1", "0.0.0.0"])
def test_a_gateway_to_itself(box, listen):
    port = free_port()
    at = f"{listen}:{port}"
    common = ("serve", "--listen", at, "--credentials", box.credentials())
    one_line(run(*common, "--upstream", f"127.0.0.1:{port}"), 1,
             f"--upstream 127.0.0.1:{port} is this gateway itself")
    one_line(run(*common, "--upstream", "127.0.0.1:9", "--transition", "same-port", "--other-tls",
                 f"127.0.0.1:{port}"), 1, f"--other-tls 127.0.0.1:{port} is this gateway itself")
