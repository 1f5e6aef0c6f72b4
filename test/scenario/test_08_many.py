"""Goal: many clients, few descriptors: everyone is served in turn and the processor rests."""
import resource
import socket
import threading
import time

import pytest

from faults import address
from gateways import (PASSWORD, SANITIZED, box, cpu_seconds, curl, forged_flight, limit_descriptors, pattern,
                      read_all, rss_kib, talk_echo, talk_http, until, upgraded)
from http_peers import Reader, Recorder, request

BOTH = pytest.mark.parametrize("http", ["on", "off"])


def test_200_in_parallel_over_workers(box):
    serve = box.serve_bytes(box.upstream(upgraded(talk_echo)), "--workers", "4")
    face = box.open(serve)
    data = pattern(100_000)
    wrong = []

    def one():
        with face.tunnel() as browser:
            browser.sendall(data)
            browser.shutdown(socket.SHUT_WR)
            if read_all(browser) != data:
                wrong.append(1)

    threads = [threading.Thread(target=one) for _ in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not wrong
    until(lambda: serve.log().count("both sides were done") >= 200)
    assert serve.log().count("the password was proved") == 1, "the rest came by ticket"


def visiting(face):
    """A browser's connection that is kept alive: (the socket, a reader of it)."""
    sock = face.visit()
    return sock, Reader(lambda: sock.recv(65536))


def get(face, to, target="/"):
    sock, reader = to
    sock.sendall(request(target, f"Cookie: {face.cookie}", host=face.host))
    return reader.response()


def test_200_browsers_over_workers(box):
    """Each has its own answers, on connections that stay."""
    recorder = Recorder(lambda one: b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s"
                        % (len(one.target), one.target.encode()))
    serve = box.serve(box.upstream(recorder), "--workers", "4")
    face = box.open(serve)
    wrong = []

    def one(name):
        to = visiting(face)
        for target in (f"/{name}/first", f"/{name}/second"):
            if get(face, to, target).body.decode() != target:
                wrong.append(target)
        to[0].close()

    threads = [threading.Thread(target=one, args=(name,)) for name in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not wrong and len(recorder.requests) == 400 and not recorder.faults
    assert len(recorder.connections) == 200, "one upstream connection for each"
    assert serve.log().count("the password was proved") == 1, "the rest came by ticket"
    until(lambda: recorder.open == 0)


@BOTH
def test_without_descriptors_it_waits_and_rests(box, http):
    serve = box.serve(box.upstream(talk_http()), "--http", http, "--max-connections", "1000",
                      preexec_fn=limit_descriptors(48))
    idle = [serve.raw() for _ in range(80)]
    serve.logged("no file descriptors left")
    before = cpu_seconds(serve.pid)
    time.sleep(1)
    assert cpu_seconds(serve.pid) - before < 0.3
    assert serve.log().count("no file descriptors left") == 1
    for sock in idle:
        sock.close()
    assert curl(f"https://{serve.at}/").stdout == b"hello"


@BOTH
def test_idle_strangers_keep_nobody_out(box, http):
    serve = box.serve(box.upstream(talk_http()), "--http", http, "--max-connections", "5",
                      "--max-per-source", "6", "--max-handshakes", "6", "--handshake-timeout", "60",
                      "--verbose")
    idle = [serve.raw() for _ in range(12)]
    for sock in idle[:7]:
        sock.settimeout(15)
        with pytest.raises(ConnectionResetError):
            sock.recv(1)
    assert curl(f"https://{serve.at}/").stdout == b"hello"
    assert "gave way to a new connection" in serve.log()
    (line,) = [one for one in serve.log().splitlines() if "--max-connections: the oldest" in one]
    assert "times=1" in line and "connections=5" in line
    for sock in idle:
        sock.close()


def test_most_connections(box):
    """Tunnels of who is proved keep their places, when nobody has more than half of them."""
    users = (("admin", PASSWORD), ("guest", "another-word-5"))
    serve = box.serve_bytes(box.upstream(talk_http()), "--max-connections", "4", "--max-handshakes",
                            "4", "--max-per-source", "4", credentials=box.credentials(users))
    idle = [box.connecting(serve, user=user, password=password) for user, password in users * 2]
    until(lambda: serve.log().count("the password was proved") == 4)
    late = {}
    thread = threading.Thread(target=lambda: late.update(done=curl(f"https://{serve.at}/")))
    thread.start()
    serve.logged("--max-connections")
    assert not late
    for client in idle:
        assert client.poll() is None
        client.stdin.close()
    thread.join(30)
    assert late["done"].stdout == b"hello"


def test_wrong_passwords_in_parallel(box):
    serve = box.serve(box.upstream(talk_http()), "--workers", "2")
    results = []
    threads = [threading.Thread(target=lambda: results.append(
        curl(f"https://{serve.at}/", "--interface", address(), password="wrong").returncode))
               for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [35] * 30
    assert curl(f"https://{serve.at}/").stdout == b"hello"


def test_a_burst_of_handshakes_stops_nobody_who_is_proved(box):
    """Its arithmetic is done in slices: a tunnel's bytes go through in between."""
    count = 200
    serve = box.serve_bytes(box.upstream(upgraded(talk_echo)))
    face = box.open(serve)
    done = []

    def refused():
        return serve.log().count("proof-failed")

    with face.tunnel() as tunnel:
        def ping():
            tunnel.sendall(b"\0")
            assert tunnel.recv(1) == b"\0"

        ping()
        while len(done) < 5 and all(one >= count / 2 for one in done):  # we may be the slow ones
            before = refused()
            burst = [come(serve) for _ in range(count)]
            until(lambda: not unaccepted(serve.port))
            for sock, flight in [(sock, forged_flight()) for sock in burst]:
                sock.sendall(flight)
            ping()
            done.append(refused() - before)
            until(lambda so_many=before + count: refused() == so_many, 60)
            for sock in burst:
                sock.close()
    assert min(done) < count / 2, done


def come(serve):
    """A connection from where nobody came from yet."""
    return socket.create_connection(("127.0.0.1", serve.port), timeout=15,
                                    source_address=(address(), 0))


def unaccepted(port):
    """Connections in the listener's backlog."""
    for line in open("/proc/net/tcp", encoding="ascii").readlines()[1:]:
        fields = line.split()
        if fields[3] == "0A" and int(fields[1].split(":")[1], 16) == port:
            return int(fields[4].split(":")[1], 16)
    raise AssertionError("no listener")


@BOTH
def test_who_goes_away_while_the_arithmetic_waits(box, http):
    """Nor does whoever comes by the password he was proved by before pay for their guesses."""
    serve = box.serve(box.upstream(talk_http()), "--http", http, "--handshake-timeout", "5")
    assert curl(f"https://{serve.at}/").stdout == b"hello"
    burst = [come(serve) for _ in range(100)]
    for sock in burst:
        sock.sendall(forged_flight())
    for sock in burst:
        sock.close()
    until(lambda: curl(f"https://{serve.at}/").stdout == b"hello", 30)
    until(lambda: sum(" client=" in line for line in serve.log().splitlines()) >= 102)


@BOTH
def test_an_idle_connection_is_small(box, http):
    if SANITIZED:
        pytest.skip("a sanitizer's memory says nothing")
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    count = min(440, (most - 100) // 4)  # with the first 50: fewer than a face takes
    serve = box.serve(box.upstream(Recorder() if http == "on" else upgraded(talk_echo)), "--http", http)
    face = box.open(serve)

    def visit_bytes():
        sock = face.tunnel()
        sock.sendall(b"\0")
        assert sock.recv(1) == b"\0"
        return sock

    def visit_http():
        to = visiting(face)
        assert get(face, to).body == b"ok"
        return to[0]

    visit = visit_http if http == "on" else visit_bytes
    idle = [visit() for _ in range(50)]
    before = rss_kib(serve.pid), rss_kib(face.pid)
    idle += [visit() for _ in range(count)]
    after = rss_kib(serve.pid), rss_kib(face.pid)
    for sock in idle:
        sock.close()
    assert (after[0] - before[0]) / count < 6
    assert (after[1] - before[1]) / count < 6
    print("KiB an idle connection:", (after[0] - before[0]) / count, (after[1] - before[1]) / count)
