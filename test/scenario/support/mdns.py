"""Says of services by multicast DNS (RFC 6762) what standard input says, every second until it is
killed: a JSON list of {"label": hex, "host": "name", "address": "192.0.2.9", "port": 1, "txt":
[hex, ...]}."""
import json
import socket
import struct
import sys
import time

GROUP = ("224.0.0.251", 5353)
TTL = 120


def name(*labels):
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def record(owner, kind, data, flush=True):
    return owner + struct.pack("!HHIH", kind, 0x8001 if flush else 1, TTL, len(data)) + data


def records(service):
    kind = (b"_keyplate", b"_tcp", b"local")
    full = name(bytes.fromhex(service["label"]), *kind)
    host = name(service["host"].encode(), b"local")
    txt = b"".join(bytes([len(item) // 2]) + bytes.fromhex(item) for item in service["txt"])
    return [record(name(*kind), 12, full, flush=False),
            record(full, 33, struct.pack("!HHH", 0, 0, service["port"]) + host),
            record(full, 16, txt or b"\0"),
            record(host, 1, socket.inet_aton(service["address"]))]


def packets(services):
    for service in services:
        answers = records(service)
        yield struct.pack("!HHHHHH", 0, 0x8400, 0, len(answers), 0, 0) + b"".join(answers)


def main():
    made = list(packets(json.load(sys.stdin)))
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
    sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(sys.argv[1]))
    sender.bind(("", 5353))
    print("ready", flush=True)
    while True:
        for packet in made:
            sender.sendto(packet, GROUP)
            time.sleep(0.0005)
        print("said", flush=True)
        time.sleep(1)


main()
