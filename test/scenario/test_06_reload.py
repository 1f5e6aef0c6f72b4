"""Goal: a changed credentials file is in force within a second, and only those it concerns notice."""
import os
import signal
import threading
import time

from gateways import PASSWORD, box, curl, limit_descriptors, talk_echo, talk_http, until
from http_peers import Channel, Recorder, request

OTHER = "another-pass-1"
SOON = 6  # seconds: one, and what a busy machine adds


def echo_works(client):
    client.stdin.write(b"ping")
    client.stdin.flush()
    return os.read(client.stdout.fileno(), 4) == b"ping"


def test_users_come_and_go_under_open_tunnels(box):
    serve = box.serve_bytes(box.upstream(talk_echo), "--workers", "2",
                            credentials=box.credentials((("admin", PASSWORD), ("guest", OTHER))))
    admin = box.connecting(serve)
    guest = box.connecting(serve, user="guest", password=OTHER)
    assert echo_works(admin) and echo_works(guest)

    box.passwd("add", serve.credentials, "new", "new-pass-1")
    serve.logged("is in force", SOON)
    until(lambda: curl(f"https://{serve.at}/", "--max-time", "5", user="new",
                       password="new-pass-1").returncode not in (28, 35))
    assert echo_works(admin) and echo_works(guest)

    box.passwd("remove", serve.credentials, "guest")
    began = time.monotonic()
    assert guest.wait(15) == 1
    assert time.monotonic() - began < SOON
    assert b"may not be the whole" in guest.stderr.read()
    assert echo_works(admin)
    assert box.connect(serve, user="guest", password=OTHER).returncode == 3

    box.passwd("change", serve.credentials, "admin", OTHER)
    assert admin.wait(15) == 1
    assert box.connect(serve).returncode == 3
    assert box.connect(serve, b"x", password=OTHER).stdout == b"x"
    assert len(serve.logged("changed or removed")) == 2


def test_users_come_and_go_between_requests_and_within(box):
    """Of who goes, an answer in progress finishes, and the connection with it; one that rests ends
    at once.  Nobody else notices."""
    go = threading.Event()

    def answer(one):
        def reply(sock):
            go.wait(20)
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate")
            return sock.recv(1)
        return reply if one.target == "/slow" else b"HTTP/1.1 204 No Content\r\n\r\n"

    recorder = Recorder(answer)
    serve = box.serve(box.upstream(recorder), "--workers", "2",
                      credentials=box.credentials((("admin", PASSWORD), ("guest", OTHER))))
    admin = Channel(box, serve)
    resting, busy = (Channel(box, serve, user="guest", password=OTHER) for _ in range(2))
    assert admin.ask(request()).status == resting.ask(request()).status == 204
    busy.send(request("/slow") + request("/not-any-more"))
    recorder.came(3)

    box.passwd("add", serve.credentials, "new", "new-pass-1")
    until(lambda: curl(f"https://{serve.at}/", user="new", password="new-pass-1").returncode == 0)
    assert admin.ask(request()).status == resting.ask(request()).status == 204

    box.passwd("remove", serve.credentials, "guest")
    began = time.monotonic()
    assert resting.end() == (b"", True)
    assert time.monotonic() - began < SOON
    assert busy.is_silent(0.5)
    go.set()
    late = busy.response()
    assert (late.status, late.body, late.get("Connection")) == (200, b"late", "close")
    assert busy.end() == (b"", True)
    assert admin.ask(request()).status == 204
    assert box.connect(serve, user="guest", password=OTHER).returncode == 3
    assert len(serve.logged("changed or removed")) == 2
    assert "/not-any-more" not in [one.target for one in recorder.requests]


def test_a_changed_password_is_a_changed_credential(box):
    serve = box.serve(box.upstream(Recorder()))
    channel = Channel(box, serve)
    assert channel.ask(request()).body == b"ok"
    box.passwd("change", serve.credentials, "admin", OTHER)
    assert channel.end() == (b"", True)
    assert box.connect(serve).returncode == 3
    assert Channel(box, serve, password=OTHER).ask(request()).body == b"ok"


def test_a_ticket_dies_with_its_credential(box):
    upstream = box.upstream(talk_http())
    serve = box.serve(upstream, "--verbose")
    face = box.open(serve)
    assert curl(face.url, user=None).stdout == b"hello"
    serve.logged("a ticket was proved")
    box.passwd("change", serve.credentials, "admin", OTHER)
    serve.logged("is in force")
    assert b"502" in curl(face.url, "-i", user=None).stdout
    assert face.wait() == 3


def test_a_damaged_file_changes_nothing(box):
    serve = box.serve(box.upstream(talk_http()))
    good = serve.credentials.read_bytes()
    serve.credentials.write_bytes(good.replace(b"user admin", b"user bdmin"))
    line = serve.logged("old ones stay in force")[0]
    assert " error " in line and ", line " in line
    assert curl(f"https://{serve.at}/").stdout == b"hello"
    serve.credentials.unlink()
    until(lambda: serve.log().count("old ones stay in force") == 2)
    assert curl(f"https://{serve.at}/").stdout == b"hello"
    time.sleep(0.7)
    assert serve.log().count("old ones stay in force") == 2, "said once, not at every look"
    serve.credentials.touch(0o600)
    serve.credentials.write_bytes(good)
    serve.logged("is in force")


def test_a_removed_user_ends_though_no_descriptor_is_left(box):
    """Whoever takes all descriptors must not keep the change from being read."""
    serve = box.serve_bytes(box.upstream(talk_echo), "--max-connections", "1000",
                            credentials=box.credentials((("admin", PASSWORD), ("guest", OTHER))),
                            preexec_fn=limit_descriptors(48))
    guest = box.connecting(serve, user="guest", password=OTHER)
    assert echo_works(guest)
    idle = [serve.raw() for _ in range(80)]
    serve.logged("no file descriptors left")
    box.passwd("remove", serve.credentials, "guest")
    assert guest.wait(15) == 1
    for sock in idle:
        sock.close()


def test_world_readable_is_not_taken(box):
    serve = box.serve(box.upstream(talk_http()))
    os.chmod(serve.credentials, 0o644)
    serve.logged("old ones stay in force")
    assert curl(f"https://{serve.at}/").stdout == b"hello"


def test_hangup_loads_at_once(box):
    serve = box.serve(box.upstream(talk_http()))
    serve.signal(signal.SIGHUP)
    assert serve.logged("is in force")[0].endswith("is in force: 1 user")
    assert "configuration" not in serve.log(), "there is none"
    assert curl(f"https://{serve.at}/").stdout == b"hello"


def test_hangup_reads_the_configuration(box):
    """New connections go by the new rules; those that are open stay, and keep the old ones."""
    config = box.dir / "keyplate.conf"
    config.write_text("[serve]\nidle-timeout = 3600\nlog = text\n")
    serve = box.serve_bytes(box.upstream(talk_echo), "--config", config, "--workers", "2")
    before = box.connecting(serve)
    assert echo_works(before)

    config.write_text("[serve]\nidle-timeout = 3\nlog = json\n")
    serve.signal(signal.SIGHUP)
    assert serve.logged("the configuration was read again")[0].startswith("{")
    after = box.connecting(serve)
    assert echo_works(after)
    assert after.wait(20) == 1
    assert echo_works(before)

    config.write_text("[serve]\nidle-timeout = never\n")
    serve.signal(signal.SIGHUP)
    serve.logged("the old one stays in force")
    assert echo_works(before)
    again = box.connecting(serve)
    assert echo_works(again)
    assert again.wait(20) == 1


def test_hangup_leads_to_another_upstream(box):
    """For the connections that begin then; nobody's request is lost."""
    old, new = (box.upstream(Recorder(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n" + body))
                for body in (b"old", b"new"))
    config = box.dir / "keyplate.conf"
    config.write_text(f"[serve]\nupstream = {old.at}\n")
    serve = box.serve(None, "--config", config)
    before = Channel(box, serve)
    assert before.ask(request()).body == b"old"
    config.write_text(f"[serve]\nupstream = {new.at}\n")
    serve.signal(signal.SIGHUP)
    serve.logged("the configuration was read again")
    until(lambda: curl(f"https://{serve.at}/").stdout == b"new")
    assert before.ask(request()).body in (b"old", b"new")


def test_hangup_and_the_time_of_requests(box):
    """New connections go by the new rules."""
    config = box.dir / "keyplate.conf"
    config.write_text("[serve]\nidle-timeout = 3600\n")
    serve = box.serve(box.upstream(Recorder()), "--config", config, "--workers", "2")
    config.write_text("[serve]\nidle-timeout = 3\n")
    serve.signal(signal.SIGHUP)
    serve.logged("the configuration was read again")

    def is_short():
        channel = Channel(box, serve)
        assert channel.ask(request()).body == b"ok"
        return not channel.is_silent(8) and channel.end() == (b"", True)

    until(is_short, 30)
