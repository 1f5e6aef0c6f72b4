"""Goal: Debian's own lighttpd, with mod_keyplate in its process, serves by password TLS alone what it
serves otherwise: pages, programs, files of any size, tunnels; tells programs who was proved and
believes nobody else; counts guesses; takes up changed credentials; and bears every kind of client."""
import hashlib
import json
import os
import pwd
import re
import signal
import socket
import stat
import subprocess
import threading
import time

import pytest

from devices import connect, saved, spoke
from faults import address
from gateways import Box, PASSWORD, box, curl, pattern, rss_kib, talk_echo, until
from http_page import frame, read_frame
from http_peers import ID, Recorder, chunked, credentials, request
from lighttpd_site import BOTH, SOCKETS, Site, build_module, certificate, verdict
from upstreams import BYTES, INDEX, cgi_environment

MANY = 100_000_000
GOODBYE = ("Connection: close",)
FORGED = [f"{name}: mallory" for name in (
    "X-Remote-User", "X_Remote_User", "X.Remote.User", "x-remote-user", "Remote-User", "X-Keyplate-Proof",
    "X_KEYPLATE_Proof", "Keyplate-User", "X-Forwarded-For", "Forwarded", "X-SSL-Client-DN", "X-Auth-Request-User")]


@pytest.fixture(scope="module")
def modules():
    return build_module()


@pytest.fixture(scope="module")
def site(modules, tmp_path_factory):
    """One with every kind of socket, for all tests that leave it as it was."""
    made = Box(tmp_path_factory.mktemp("site"))
    made.upstream_of_proxy = Recorder()
    proxied, tunnel = made.upstream(made.upstream_of_proxy), made.upstream(talk_echo)
    site = Site(made, modules, SOCKETS, users=(("admin", PASSWORD), ("maria", PASSWORD)),
                OTHERS=credentials(made, (("otto", PASSWORD),), "K7F3-0099"), PEM=certificate(made.dir),
                PROXIED=proxied.at.split(":")[1], TUNNEL=tunnel.at.split(":")[1])
    site.recorder = made.upstream_of_proxy
    with open(site.dir / "www" / "many", "wb") as many:
        many.write(pattern(MANY))
    site.silent = socket.create_connection(("127.0.0.1", site.port))  # for the last test
    site.silent_since = time.monotonic()
    yield site
    made.close()


@pytest.fixture(params=list(BOTH))
def channel(request, site):
    made = site.channel(*BOTH[request.param])
    made.version = request.param
    yield made
    made.close()


# ---- What it serves --------------------------------------------------------------------------

def test_pages(site):
    assert site.page() == INDEX and site.page("/bytes") == BYTES
    assert site.page("/bytes", "-r", "1000-1999") == BYTES[1000:2000]
    assert site.channel(*BOTH["tls13"]).ask(request("/bytes")).body == BYTES


def test_a_program_is_told_who_was_proved(channel):
    told = cgi_environment(channel.ask(request("/cgi-bin/echo", *FORGED, method="POST", body=BYTES)).body)
    assert told["REMOTE_USER"] == "admin" and told["AUTH_TYPE"] == "Keyplate" and told["HTTPS"] == "on"
    assert told["REQUEST_SCHEME"] == "https" and told["BODY_SHA256"] == hashlib.sha256(BYTES).hexdigest()
    assert (told["SSL_PROTOCOL"], told["KEYPLATE_PROOF"]) == (
        ("TLSv1.2", "srp") if channel.version == "tls12" else ("TLSv1.3", "spake2plus"))
    assert told["SSL_CIPHER"].startswith("SRP-" if channel.version == "tls12" else "TLS_")
    assert "mallory" not in str(told), "what a client says of itself goes to nobody"


def test_fields_that_claim_nothing_go_on(site):
    told = cgi_environment(site.page("/cgi-bin/echo", "-H", "X-User-Id: 7", "-H", "X-Auth-Token: t",
                                     "-H", "X-Keyplate: b", "-H", "User-Agent: u", "-H", "Origin: o"))
    assert [told[f"HTTP_{name}"] for name in (
        "X_USER_ID", "X_AUTH_TOKEN", "X_KEYPLATE", "USER_AGENT", "ORIGIN")] == list("7tbuo")


def test_each_request_of_a_connection_is_told(channel):
    for count in range(3):
        told = cgi_environment(channel.ask(request(f"/cgi-bin/echo?{count}", *FORGED)).body)
        assert told["REMOTE_USER"] == "admin" and told["QUERY_STRING"] == str(count)


def test_pipelined_requests_and_heads(channel):
    channel.send(request("/bytes") + request("/bytes", method="HEAD") + request("/") + request("/none"))
    assert channel.response().body == BYTES
    head = channel.response("HEAD")
    assert head.get("Content-Length") == str(len(BYTES)) and not head.body
    assert channel.response().body == INDEX
    assert channel.response().status == 404
    assert channel.is_silent()


def test_a_chunked_upload(channel):
    pieces = [BYTES[at:at + 7001] for at in range(0, len(BYTES), 7001)]
    head = request("/cgi-bin/echo", "Transfer-Encoding: chunked", method="POST")
    told = cgi_environment(channel.ask(head + chunked(*pieces)).body)
    assert told["BODY_SHA256"] == hashlib.sha256(BYTES).hexdigest()


def test_a_hundred_megabytes_down(site):
    whole = hashlib.sha256(pattern(MANY)).digest()
    assert hashlib.sha256(site.page("/many")).digest() == whole
    done = site.box.connect(site, request("/many", *GOODBYE), *BOTH["tls13"])
    assert done.returncode == 0, "close_notify ends it"
    assert hashlib.sha256(done.stdout.split(b"\r\n\r\n", 1)[1]).digest() == whole


def test_a_hundred_megabytes_up(site):
    whole = hashlib.sha256(pattern(MANY)).hexdigest()
    before = rss_kib(site.pid)
    told = site.page("/cgi-bin/echo", "-H", "Expect: 100-continue",
                     "--data-binary", f"@{site.dir / 'www' / 'many'}")
    assert cgi_environment(told)["BODY_SHA256"] == whole
    done = site.box.connect(site, request("/cgi-bin/echo", *GOODBYE, method="POST", body=pattern(MANY)),
                            *BOTH["tls13"])
    assert whole.encode() in done.stdout
    assert rss_kib(site.pid) - before < 8000, "a body goes into files, not into memory"


def test_the_last_of_what_came_at_once(channel, site):
    """lighttpd reads so much at a time, and then waits for an event, which there isn't for bytes that
    are decrypted already."""
    for more in range(1, 16384, 3000):
        channel.ask(request("/"))
        body = pattern(2 * 262144 + more)
        site.freeze()
        channel.send(request("/cgi-bin/echo", method="POST", body=body))
        time.sleep(0.1)
        site.signal(signal.SIGCONT)
        assert hashlib.sha256(body).hexdigest().encode() in channel.response().body


def test_who_asks_and_ends_at_once_is_answered(channel, site):
    channel.ask(request("/"))
    site.freeze()
    channel.send(request("/cgi-bin/echo", method="POST", body=BYTES)).process.stdin.close()
    time.sleep(0.2)
    site.signal(signal.SIGCONT)
    assert hashlib.sha256(BYTES).hexdigest().encode() in channel.response().body
    assert channel.end() == (b"", True)


def test_http2_is_not_spoken(channel, site):
    """Clients were told http/1.1: neither by upgrade nor by prior knowledge."""
    upgrade = request("/", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__")
    assert channel.ask(upgrade).body == INDEX
    other = site.channel(*BOTH[channel.version]).send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(0, b""))
    assert other.to_end().startswith((b"HTTP/1.0 505 ", b"HTTP/1.1 400 ", b"HTTP/1.0 400 "))


def test_a_websocket(channel):
    answer = channel.send(request("/tunnel", "Connection: Upgrade", "Upgrade: websocket",
                                  "Sec-WebSocket-Version: 13", "Sec-WebSocket-Protocol: binary",
                                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")).head()
    assert answer.status == 101, answer
    got = b""
    for at in range(0, len(BYTES), 10_000):
        channel.send(frame(2, BYTES[at:at + 10_000], b"mask"))
        while len(got) < at + 10_000:
            got += read_frame(channel.exactly)[1]
    assert got == BYTES


def test_a_server_behind_it_is_told(site):
    seen = len(site.recorder.requests)
    assert site.page("/proxied", *[part for field in FORGED for part in ("-H", field)]) == b"ok"
    asked = site.recorder.came(seen + 1)
    assert asked.get("Forwarded") == 'for=127.0.0.1;proto=https;remote_user="admin"'
    assert asked.get("X-Forwarded-Proto") == "https" and b"mallory" not in asked.raw_head


def test_who_may_come_in_is_said_by_name(site):
    assert site.page("/admin/") == b"for admin\n"
    assert b"401" in curl(site.url("/admin/"), "-o", "/dev/null", "-w", "%{http_code}", user="maria").stdout


def test_a_name_is_bytes(box, modules):
    name = """<b>"M&M's" Jürgen</b>"""
    made = Site(box, modules, users=((name, PASSWORD),))
    assert cgi_environment(made.page("/cgi-bin/echo", user=name))["REMOTE_USER"] == name
    made.logged("was proved from 127.0.0.1 by SRP")


def test_well_known(site):
    hint = json.loads(site.page("/.well-known/keyplate", "-H", "X-Forwarded-Port: 1"))
    assert hint == {"keyplate": 1, "versions": ["1.2", "1.3"], "port": site.port, "device_id": ID}
    assert json.loads(site.page("/.well-known/keyplate", port="OTHER", user="otto"))["device_id"] == "K7F3-0099"
    assert b"no-store" in site.page("/.well-known/keyplate", "-I")
    assert b" 405 " in curl(site.url("/.well-known/keyplate"), "-i", "-d", "x").stdout


def test_an_address_is_enough_for_tls13(box, site):
    assert spoke(connect(box, site)) == "1.2" and saved()["127-0-0-1"]["id"] == ID
    assert spoke(connect(box, site, user=None)) == "1.3 ietf"


# ---- Sockets side by side --------------------------------------------------------------------

def test_sockets_of_every_kind_in_one_lighttpd(site):
    plain = cgi_environment(curl(site.url("/cgi-bin/echo", "PLAIN", "http"), user=None).stdout)
    assert "REMOTE_USER" not in plain and "HTTPS" not in plain and plain["REQUEST_SCHEME"] == "http"
    by_certificate = cgi_environment(curl(site.url("/cgi-bin/echo", "CERTIFICATE"), user=None).stdout)
    assert by_certificate["HTTPS"] == "on" and "REMOTE_USER" not in by_certificate
    assert cgi_environment(site.page("/cgi-bin/echo", port="SAME"))["REMOTE_USER"] == "admin"
    assert cgi_environment(site.page("/cgi-bin/echo", port="OTHER", user="otto"))["REMOTE_USER"] == "otto"
    assert cgi_environment(site.page("/cgi-bin/echo"))["REMOTE_USER"] == "admin"
    source = ("--interface", address())
    assert site.fails_by(user="otto", args=source) and site.fails_by(port="OTHER", args=source)


def test_nothing_but_password_tls(site):
    assert site.fails_by(user=None), "TLS with no password"
    answer = curl(site.url("/", scheme="http"), "-i", user=None).stdout
    assert answer.startswith(b"HTTP/1.1 400 ") and INDEX not in answer
    for first in (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"\0" * 70000, b"\x80\x2e\x01", b"\0"):
        with socket.create_connection(("127.0.0.1", site.port)) as sock:
            sock.sendall(first)
            sock.shutdown(socket.SHUT_WR)
            assert INDEX not in sock.recv(1 << 16)
    assert site.page() == INDEX


# ---- Guesses ---------------------------------------------------------------------------------

def test_guesses_are_counted_over_all_sockets(modules, box):
    made = Site(box, modules, '$SERVER["socket"] == "127.0.0.1:@SAME@" { }')
    source = ("--interface", "127.0.0.9")
    answers = {curl(made.url(port=("PORT", "SAME")[at % 2]), *source, user=("admin", "nobody")[at % 3 == 0],
                    password="wrong").stderr for at in range(16)}
    assert len({re.sub(rb"127\.0\.0\.1 port \d+", b"", one) for one in answers}) == 1, answers
    assert made.fails_by(args=source), "the right password, after 16 wrong ones"
    made.logged("the guess was not judged")
    assert made.page() == INDEX, "somebody else isn't held up"
    made.signal(signal.SIGUSR1)  # a graceful restart, in the same process
    until(lambda: made.log().count("server started") == 2)
    made.listens()
    assert made.fails_by(args=source) and made.page() == INDEX
    assert stat.S_IMODE(os.stat(f"{made.credentials}.throttle").st_mode) == 0o600
    assert "wrong name, password or device id" in made.log()


# ---- Credentials and tickets -----------------------------------------------------------------

def visited(face):
    return curl(face.url, "-H", "Connection: close", user=None).stdout


@pytest.mark.parametrize("version", BOTH)
def test_tickets_die_with_a_changed_file(modules, box, version):
    made = Site(box, modules)
    face = box.open(made.at, *BOTH[version])  # it keeps a ticket, and proves the password once
    idle = made.channel(*BOTH[version])
    assert idle.ask(request("/")).body == INDEX
    assert [visited(face) for _ in range(3)] == [INDEX] * 3
    assert made.log().count("was proved") == 2, made.log()
    box.passwd("change", made.credentials, "admin", "another-word-9")
    made.logged("is in force")
    assert idle.end() == (b"", True), "what was proved by the old password ends"
    assert made.page(password="another-word-9") == INDEX
    assert INDEX not in visited(face), "nor with the old ticket"
    made.logged("wrong name, password or device id")
    made.credentials.write_bytes(b"nonsense\n")
    made.logged("can't be used, the old ones stay in force")
    assert made.page(password="another-word-9") == INDEX


@pytest.mark.parametrize("version", BOTH)
def test_no_tickets_and_one_protocol(modules, box, version):
    number = version.replace("tls1", "1.")
    made = Site(box, modules, f'keyplate.tickets = "disable"\nkeyplate.protocols = "{number}"\n')
    face = box.open(made.at, *BOTH[version])
    assert [visited(face) for _ in range(3)] == [INDEX] * 3
    assert made.log().count("was proved") > 3, made.log()
    (other,) = set(BOTH) - {version}
    assert box.connect(made, request("/"), *BOTH[other]).returncode != 0


# ---- Clients of every kind -------------------------------------------------------------------

def drip(site):
    """A way to the site that passes on a byte at a time, both ways."""
    def talk(sock):
        there = socket.create_connection(("127.0.0.1", site.port))
        for one in (sock, there):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def carry(source, sink):
            while piece := source.recv(1 << 16):
                for byte in piece:
                    sink.sendall(bytes([byte]))
            sink.shutdown(socket.SHUT_WR)
        back = threading.Thread(target=carry, args=(there, sock), daemon=True)
        back.start()
        carry(sock, there)
        back.join()
    return talk


@pytest.mark.parametrize("version", BOTH)
def test_a_byte_at_a_time(box, site, version):
    way = box.upstream(drip(site))
    done = box.connect(way.at, request("/cgi-bin/echo", *GOODBYE, method="POST", body=BYTES[:3000]), *BOTH[version])
    assert hashlib.sha256(BYTES[:3000]).hexdigest().encode() in done.stdout, done.stderr


def test_who_stops_reading_holds_up_nobody(site):
    site.page("/many", "-o", "/dev/null")
    before = rss_kib(site.pid)
    lazy = [site.channel(*BOTH[version]).send(request("/many")) for version in (*BOTH, *BOTH) * 4]
    assert all(one.through(b"\r\n\r\n") for one in lazy)
    time.sleep(1)
    assert site.page() == INDEX and rss_kib(site.pid) - before < 16 * 200
    assert hashlib.sha256(lazy[0].exactly(MANY // 10)).digest() == hashlib.sha256(pattern(MANY // 10)).digest()
    for one in lazy:  # in the midst of it
        one.close()
    until(lambda: site.page() == INDEX and rss_kib(site.pid) - before < 1000, what="memory stays taken")


def test_who_goes_away_leaves_nothing(site):
    opened = len(os.listdir(f"/proc/{site.pid}/fd"))
    for count in range(40):
        sock = socket.create_connection(("127.0.0.1", site.port))
        sock.sendall(bytes.fromhex("1603010200010001fc0303")[:1 + count % 11])
        if count % 2:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        sock.close()
    for version in BOTH:
        one = site.channel(*BOTH[version])
        one.ask(request("/"))
        one.close()
        one = site.channel(*BOTH[version]).send(request("/cgi-bin/echo", "Content-Length: 9000", method="POST"))
        one.close()
    assert site.page() == INDEX
    until(lambda: len(os.listdir(f"/proc/{site.pid}/fd")) <= opened + 1, 15, "sockets stay open")


def test_two_hundred_at_once(site):
    began = time.monotonic()
    urls = [site.url(f"/bytes?{count}", ("PORT", "SAME")[count % 2]) for count in range(199)]
    config = site.box.dir / "urls"
    config.write_text("".join(f'url = "{url}"\nno-progress-meter\noutput = "{site.box.dir}/got{at}"\n'
                              for at, url in enumerate(urls)))
    done = curl(site.url("/bytes"), "-K", config, "--parallel", "--parallel-immediate", "--parallel-max", "200",
                "-o", site.box.dir / "got199", timeout=60)
    assert done.returncode == 0, done.stderr
    assert all((site.box.dir / f"got{at}").read_bytes() == BYTES for at in range(200))
    assert time.monotonic() - began < 60


# ---- Its life --------------------------------------------------------------------------------

@pytest.mark.parametrize("how", ["SIGUSR1", "SIGINT"])
def test_a_download_outlives_a_graceful_end(modules, box, how):
    made = Site(box, modules)
    (made.dir / "www" / "many").write_bytes(pattern(MANY))
    slow = made.channel(*BOTH["tls13"]).send(request("/many", *GOODBYE))
    slow.through(b"\r\n\r\n")
    made.signal(getattr(signal, how))
    time.sleep(1)
    assert hashlib.sha256(slow.to_end()).digest() == hashlib.sha256(pattern(MANY)).digest()
    if how == "SIGINT":
        assert made.wait() == 0
    else:
        until(lambda: made.log().count("server started") == 2)
        made.listens()
        assert made.page() == INDEX
        made.signal(signal.SIGHUP)
        made.logged("logfiles cycled")
        assert made.page() == INDEX


ROOTS = os.geteuid() == 0


def test_it_says_whose_the_files_have_to_be(modules, box):
    """lighttpd that root started reads them as the user whom it became; where nobody is root, a
    folder that can't be written in is the same to it."""
    who = "www-data" if ROOTS else pwd.getpwuid(os.geteuid()).pw_name
    if ROOTS:
        for folder in (box.dir, *box.dir.parents):
            if folder.owner() == "root" and not folder.stat().st_mode & 1:
                folder.chmod(0o711)
    as_user = 'server.username = "www-data"\nserver.groupname = "www-data"\n' if ROOTS else ""
    folder = box.dir / "secrets"
    folder.mkdir(mode=0o755 if ROOTS else 0o700)
    file = folder / "credentials"
    file.touch(0o600)
    file.write_bytes(credentials(box).read_bytes())
    if not ROOTS:
        folder.chmod(0o500)
    text = f'{as_user}keyplate.engine = "enable"\nkeyplate.credentials = "{file}"\n' + PLAIN
    status, said = verdict(modules, box.dir, text)
    assert status != 0 and f"user {who} can't write in {folder}, where guesses" in said and "chown" in said
    if ROOTS:
        os.chown(folder, pwd.getpwnam(who).pw_uid, -1)
        status, said = verdict(modules, box.dir, text)
        assert status != 0 and f"cannot read {file}: Permission denied (lighttpd runs as user {who})" in said
        os.chown(file, pwd.getpwnam(who).pw_uid, -1)
    folder.chmod(0o700)
    assert verdict(modules, box.dir, text)[0] == 0
    made = Site(box, modules, as_user, file=file)
    assert made.page() == INDEX
    box.passwd("change", file, "admin", "another-word-9")
    made.logged("is in force")
    assert made.page(password="another-word-9") == INDEX and os.path.exists(f"{file}.throttle")


def test_no_socket_loses_its_tls_in_a_graceful_restart(modules, box):
    """lighttpd keeps it open, also when nothing in the file names it any more."""
    made = Site(box, modules, '$SERVER["socket"] == "127.0.0.1:@SAME@" { keyplate.engine = "enable" }\n')
    assert made.page(port="SAME") == INDEX
    made.config.write_text(re.sub(r'\$SERVER\["socket"\].*', "", made.config.read_text()))
    made.signal(signal.SIGUSR1)
    made.logged("is open from before the restart that no section names any more")
    assert made.wait() != 0


def test_a_broken_off_answer_does_not_end_in_order(modules, box):
    """A file that became shorter while it was sent: without a length, too, it couldn't look whole."""
    made = Site(box, modules)
    page = made.dir / "www" / "many"
    page.write_bytes(pattern(MANY))
    channel = made.channel(*BOTH["tls13"]).send(request("/many"))
    channel.through(b"\r\n\r\n")
    os.truncate(page, 1000)
    said, in_order = channel.end()
    assert len(said) < MANY and not in_order


PLAIN = 'server.document-root = "/"\nserver.modules = ("mod_keyplate")\n'
ENGINE = 'keyplate.engine = "enable"\n'
FILE = 'keyplate.credentials = "@FILE@"\n'


@pytest.mark.parametrize("text, sentence", [
    (ENGINE, "keyplate.credentials is missing: the file that keyplate passwd makes"),
    (ENGINE + 'keyplate.credentials = "/none/such"', "user .* can't write in /none"),
    (ENGINE + 'keyplate.credentials = "/none/such"\nkeyplate.throttle-file = ""', "/none/such is not there"),
    (ENGINE + 'keyplate.credentials = "/etc/passwd"\nkeyplate.throttle-file = ""', "chmod 600"),
    (ENGINE + 'keyplate.credentials = "@NONSENSE@"', "nonsense, line 1: "),
    (ENGINE + FILE + 'keyplate.protocols = "1.1"', 'keyplate.protocols is "1.2", "1.3" or "any", not "1.1"'),
    (ENGINE + FILE + 'server.max-worker = 2', "server.max-worker must be 0"),
    (ENGINE + FILE + 'server.feature-flags = ("server.graceful-restart-bg" => "enable")', "graceful-restart-bg must be off"),
    (ENGINE + FILE + 'ssl.engine = "enable"\nssl.pemfile = "@PEM@"', "has keyplate.engine and ssl.engine"),
    (FILE, "there are keys of ours, but no keyplate.engine anywhere"),
    ('$SERVER["socket"] == "127.0.0.1:1" { keyplte.engine = "enable"\n' + FILE + '}',
     "a section has keys of ours, but no keyplate.engine"),
    ('server.modules := ("mod_extforward", "mod_keyplate")\n' + ENGINE + FILE, "must stand behind mod_keyplate"),
    (ENGINE + FILE + 'extforward.hap-PROXY = "enable"', "clients would say who they are"),
    (FILE + 'keyplate.engin = "enable"', "there is no key keyplate.engin"),
    (ENGINE + FILE + 'keyplate.tickets = "perhaps"', "unexpected type for key: keyplate.tickets"),
    (FILE + '$HTTP["host"] == "x" { keyplate.engine = "enable" }', 'keyplate.engine belongs to the whole file or to'),
    (FILE + '$SERVER["socket"] != "127.0.0.1:1" { keyplate.engine = "enable" }', "and to no other condition"),
    (ENGINE + FILE + '$SERVER["socket"] == "127.0.0.1:1" { keyplate.protocols = "1.3" }', "differ in keyplate.protocols"),
    (ENGINE + FILE + 'keyplate.throttle-file = "@DIR@/t"\n'
     '$SERVER["socket"] == "127.0.0.1:1" { keyplate.credentials = "@OTHER@" }', "can't have one keyplate.throttle-file"),
])
def test_what_is_not_clear_is_refused(modules, box, text, sentence):
    (box.dir / "nonsense").touch(0o600)
    (box.dir / "nonsense").write_text("nonsense\n")
    for mark, value in (("FILE", credentials(box)), ("OTHER", credentials(box, device_id="K7F3-1")),
                        ("NONSENSE", box.dir / "nonsense"), ("DIR", box.dir), ("PEM", certificate(box.dir))):
        text = text.replace(f"@{mark}@", str(value))
    status, said = verdict(modules, box.dir, PLAIN + text)
    assert status != 0 and re.search(sentence, said), said


def test_two_sections_for_one_address_are_refused(modules, box):
    """lighttpd would take the first, and leave out the TLS of the second."""
    with pytest.raises(AssertionError, match="opened no socket: another one has its address"):
        Site(box, modules, '$SERVER["socket"] == "127.0.0.1:@SAME@" { keyplate.engine = "disable" }\n'
                           '$SERVER["socket"] == "localhost:@SAME@" { }\n')


# ---- Memory ----------------------------------------------------------------------------------

VALGRIND = ("valgrind", "-q", "--leak-check=full", "--errors-for-leak-kinds=definite,indirect",
            "--show-leak-kinds=definite,indirect", "--error-exitcode=9", "--num-callers=30", "--keep-debuginfo=yes")


def test_no_fault_of_memory(modules, box):
    """Under valgrind: pages, programs, a wrong guess, who goes away, a restart, an end with clients
    there.  lighttpd itself, without the module, has nothing to show."""
    made = Site(box, modules, before=VALGRIND, seconds=60)
    (made.dir / "www" / "many").write_bytes(pattern(MANY))
    for version in BOTH:
        one = made.channel(*BOTH[version], seconds=60)
        assert one.ask(request("/bytes")).body == BYTES
        assert b"REMOTE_USER=admin" in one.ask(request("/cgi-bin/echo", *FORGED, method="POST", body=BYTES)).body
        one.ask(request("/.well-known/keyplate"))
        one.send(request("/many")).through(b"\r\n\r\n")
        one.close()
    assert made.fails_by(password="wrong", timeout=60) and curl(f"http://{made.at}/", user=None).stdout
    socket.create_connection(("127.0.0.1", made.port)).close()
    box.passwd("add", made.credentials, "maria", PASSWORD)
    made.logged("is in force", 60)
    made.signal(signal.SIGUSR1)
    until(lambda: made.log().count("server started") == 2, 60)
    made.listens(60)
    staying = made.channel(*BOTH["tls13"], seconds=60)
    staying.ask(request("/"))
    half = socket.create_connection(("127.0.0.1", made.port))
    half.sendall(b"\x16\x03")
    made.signal(signal.SIGTERM)
    assert made.wait(60) != 9 and "==" not in made.log(), made.log()


def test_silence_has_its_time(site):
    """It began with the first test."""
    site.silent.settimeout(45)
    assert site.silent.recv(1) == b""
    assert 25 < time.monotonic() - site.silent_since < 300
    assert "the handshake took too long" in site.log()
