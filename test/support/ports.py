"""Ports for programs that can't pick one themselves.

Many tests run at a time, so a port that was free a moment ago may be anybody's by the time a
program listens there.  Two things keep it: it lies below the range from which the system takes
ports for outgoing connections and for listeners on port 0, and a name held in the abstract
namespace of Unix sockets, which ends with its process, tells other test runs that it is given
away.
"""

import pathlib
import random
import socket

LOWEST = 10240
_held = []


def _end():
    text = pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text()
    first = int(text.split()[0])
    return first if first > LOWEST + 4096 else 32768


def _listens_nobody(port):
    for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
        try:
            with socket.socket(family) as sock:
                if family == socket.AF_INET6:
                    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sock.bind((address, port))
        except OSError as error:
            if family == socket.AF_INET or error.errno not in (97, 99):  # a machine without IPv6
                return False
    return True


def free_port():
    for port in random.SystemRandom().sample(range(LOWEST, _end()), 200):
        name = socket.socket(socket.AF_UNIX)
        try:
            name.bind(f"\0keyplate-test-port-{port}")
        except OSError:
            name.close()
            continue
        if _listens_nobody(port):
            _held.append(name)
            return port
        name.close()
    raise AssertionError("no port is free")
