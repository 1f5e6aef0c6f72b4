"""Goal: a client may vanish after any byte of a handshake or a request, either way round and in any
way - by FIN, by RST, in silence - and serve keeps nothing of it."""
import itertools
import threading
import time

import pytest

from faults import LONG, Calm, Cutting, Wire, address, boundaries, dismiss
from gateways import PASSWORD, SANITIZED, box, until
from http_peers import BY_TLS12, BY_TLS13, Channel, Cut, Recorder, gateway, request

UP, DOWN = b"u" * 30_000, b"d" * 30_000
ASK = request("/", method="POST", body=UP)
AT_ONCE = 8
PEOPLE = [f"user{i}" for i in range(8)]  # as long as admin: the flows are of one length
WAYS = ("fin", "rst", "silence")
BOTH = pytest.mark.parametrize("by", [BY_TLS12, BY_TLS13], ids=["1.2", "1.3"])


def whole(box, serve, by, source):
    """The wire of a request that nobody cuts."""
    wire = Wire(serve.port, source=source)
    channel = Channel(box, wire, *by, seconds=LONG)
    assert channel.ask(ASK).body == DOWN
    assert channel.finish() == (b"", True)
    dismiss(box, channel)
    return wire


def steps(flow):
    """Where to cut it, and how: at every boundary of records in every way, and around each and
    within in one way or another."""
    edges = boundaries(flow)
    within = set()
    for before, after in zip(edges, edges[1:]):
        within |= {before + 1, before + 5, before + 6, (before + after) // 2, after - 1}
    return ([(count, way) for count in edges for way in WAYS]
            + list(zip(sorted(within), itertools.cycle(WAYS))))


def one(box, serve, by, user, cutting, left):
    wire = Wire(serve.port, cutting)
    left.append(wire)
    channel = Channel(box, wire, *by, user=user, seconds=LONG)
    try:
        channel.send(ASK)
        assert channel.response().body == DOWN
        channel.finish()
    except (Cut, BrokenPipeError):
        pass
    finally:
        dismiss(box, channel)


def vanish(box, serve, by, cuttings):
    """All of them, some at a time."""
    todo, left, faults = list(zip(itertools.cycle(PEOPLE), cuttings)), [], []

    def run():
        while todo and not faults:
            try:
                one(box, serve, by, *todo.pop(), left)
            except IndexError:
                return
            except BaseException as fault:  # pylint: disable=broad-except
                faults.append(fault)

    threads = [threading.Thread(target=run, daemon=True) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(4 * LONG)
        assert not thread.is_alive(), "a client hangs"
    if faults:
        raise faults[0]
    return left


@BOTH
@pytest.mark.parametrize("to", ["up", "down"])
def test_at_every_step(box, by, to):
    """Bytes of the client that don't come any more, and bytes of serve that nobody takes."""
    recorder = Recorder(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(DOWN), DOWN))
    serve = gateway(box, recorder, "--handshake-timeout", "5", "--idle-timeout", "5",
                    "--workers", "2",
                    users=[(user, PASSWORD) for user in ("admin", *PEOPLE)])
    source = address()  # of one who was proved before, and so isn't hindered by others
    calm = Calm(serve, source=source)
    flow = whole(box, serve, by, source).passed[to]
    cuttings = [Cutting(to, *step) for step in steps(flow)[::2 if SANITIZED else 1]]
    began = time.monotonic()
    left = vanish(box, serve, by, cuttings)
    cut = sum(wire.is_cut.is_set() for wire in left)
    print(f"{len(cuttings)} in {time.monotonic() - began:.1f} s, {cut} of them cut; "
          f"{len(boundaries(flow)) - 1} records, {len(flow)} bytes")
    assert cut > len(cuttings) * 9 // 10, "the flow isn't what it was"
    until(lambda: recorder.open == 0, LONG, "the upstream still has a connection")
    calm.again(kib=2048)
    assert whole(box, serve, by, source).passed[to], "and others come in as before"
    for wire in left:
        wire.close()
