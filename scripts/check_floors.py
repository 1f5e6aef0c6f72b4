"""Fails on an include that goes up a floor, sideways where that is not allowed, or in a circle.

The floors of the engine, lowest first; a file may include its own floor and those below.  The
public header is the ground that everybody stands on.
"""
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent
FLOORS = {
    "lib/base": 0,
    "lib/crypto": 1,
    "lib/pake": 2,
    "lib/key": 2,
    "lib/record": 3,
    "lib/message": 4,
    "lib/creds": 4,
    "lib/handshake": 5,
    "lib/conn": 6,
    "gateway": 7,
    "gateway/net": 8,
    "gateway/http": 8,
    "gateway/device": 9,
    "gateway/client": 9,
    "factory": 9,
    "cmd": 10,
    "app": 10,
    "integrations/common": 7,
    "integrations/lighttpd": 8,
    "integrations/goahead": 8,
    "integrations/mongoose": 8,
    "integrations/uhttpd": 8,
    "integrations/own-server": 8,
}
# On one floor, but strangers to each other.
APART = [{"lib/pake", "lib/key"}, {"lib/message", "lib/creds"}, {"gateway/device", "gateway/client"},
         {"gateway/net", "gateway/http"},
         # Of the gateways the factory knows what is general.
         *({"factory", f"gateway/{room}"} for room in ("net", "http", "device", "client"))]
# The gateways and commands stand on the public header and the credentials; of the engine's inside
# only what is general.
# Integrations stand on the public header and on what they share, each by itself.
INTEGRATIONS_STAND_ON = "integrations/common"
ENGINE_INSIDE = {"lib/pake", "lib/key", "lib/record", "lib/message", "lib/handshake", "lib/conn"}
OPENSSL_HOME = "lib/crypto"
# The app's web view speaks to the app in TLS of the ordinary kind, which the engine has not.
OPENSSL_GUESTS = {"app/certificate.c", "app/proxy_tls.c"}
SOCKETS_HOME = ("gateway", "integrations", "demo", "cmd", "test", "bench")


def room_of(path):
    folder = path.parent.relative_to(TOP).as_posix()
    return folder if folder in FLOORS else None


def resolve(path, name):
    """The project's file that an include means, or None for a system header."""
    for base in (path.parent, TOP / "lib", TOP / "gateway", TOP / "cmd", TOP):
        if (base / name).is_file():
            return (base / name).resolve()
    return None


def faults_of(path, graph):
    room = room_of(path)
    for number, line in enumerate(path.read_text().splitlines(), 1):
        found = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if not found:
            continue
        where, name = f"{path.relative_to(TOP)}:{number}", found.group(2)
        if (name.startswith("openssl/") and room != OPENSSL_HOME
                and path.relative_to(TOP).as_posix() not in OPENSSL_GUESTS):
            yield f"{where}: <{name}> outside {OPENSSL_HOME}"
        if room.startswith("lib/") and re.match(r"(sys/socket|uv|netinet/)", name):
            yield f"{where}: <{name}>: the engine owns no socket"
        target = resolve(path, name) if found.group(1) == '"' else None
        if target is None:
            continue
        graph.setdefault(path, set()).add(target)
        other = room_of(target)
        if other is None:
            yield f"{where}: {name} is in no room"
        elif FLOORS[other] > FLOORS[room]:
            yield f"{where}: {name} is upstairs"
        elif room.startswith("integrations/") and other not in (room, INTEGRATIONS_STAND_ON):
            yield f"{where}: {name}: an integration stands on the public header alone"
        elif any(room in pair and other in pair and room != other for pair in APART):
            yield f"{where}: {room} and {other} don't know each other"
        elif FLOORS[room] >= FLOORS["gateway"] and other in ENGINE_INSIDE:
            yield f"{where}: {name} is the engine's inside"


def circles(graph):
    done, open_now = set(), []

    def visit(node):
        if node in open_now:
            yield " -> ".join(p.name for p in open_now[open_now.index(node):] + [node])
            return
        if node in done:
            return
        open_now.append(node)
        for target in sorted(graph.get(node, ())):
            yield from visit(target)
        open_now.pop()
        done.add(node)

    for node in sorted(graph):
        yield from visit(node)


def main():
    graph, faults, count = {}, [], 0
    for room in FLOORS:
        for path in sorted((TOP / room).glob("*.[ch]")):
            count += 1
            faults += faults_of(path, graph)
    faults += [f"a circle: {circle}" for circle in circles(graph)]
    for fault in faults:
        print(fault)
    print(f"{count} files, {len(faults)} faults")
    return 1 if faults or count < 40 else 0


if __name__ == "__main__":
    sys.exit(main())
