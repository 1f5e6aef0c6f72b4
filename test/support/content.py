"""The bodies the tests send and fetch, and just enough HTTP for clients that are mere pipes."""
import functools
import hashlib

BLOCK = 65536
BIG = 20_000_000


@functools.lru_cache(maxsize=4)
def pattern(n):
    """n bytes; byte i is (i + i/256 + 3*(i/65536)) mod 256, so that a lost, doubled or swapped
    record shows."""
    base = bytes((i + i // 256) % 256 for i in range(BLOCK))
    blocks = []
    for block in range((n + BLOCK - 1) // BLOCK):
        # Inside a block i/256 grows on from 256*block, which is 0 mod 256.
        shift = 3 * block % 256
        blocks.append(base.translate(bytes((b + shift) % 256 for b in range(256))))
    return b"".join(blocks)[:n]


def digest(data):
    return hashlib.sha256(data).hexdigest()


def get(path, host="device"):
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()


def post(path, body, host="device"):
    head = (f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/octet-stream\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n")
    return head.encode() + body


def parse_answer(raw):
    """(status code, body) of the one answer in raw; raises ValueError when it is cut short."""
    head, end, body = bytes(raw).partition(b"\r\n\r\n")
    if not end:
        raise ValueError(f"no HTTP head in {bytes(raw[:200])!r}")
    lines = head.decode("latin-1").split("\r\n")
    code = int(lines[0].split()[1])
    if code == 100:
        return parse_answer(body)
    fields = {name.strip().lower(): value.strip()
              for name, _, value in (line.partition(":") for line in lines[1:])}
    if fields.get("transfer-encoding", "").lower() == "chunked":
        return code, _unchunk(body)
    length = int(fields.get("content-length", len(body)))
    if len(body) != length:
        raise ValueError(f"{len(body)} bytes of body where {length} were announced")
    return code, body


def _unchunk(body):
    out, at = [], 0
    while True:
        line_end = body.index(b"\r\n", at)
        size = int(body[at:line_end].split(b";")[0], 16)
        at = line_end + 2
        if size == 0:
            return b"".join(out)
        if len(body) < at + size + 2:
            raise ValueError("chunk cut short")
        out.append(body[at:at + size])
        at += size + 2
