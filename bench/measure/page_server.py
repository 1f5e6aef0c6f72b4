"""The small web server behind the gateway of bench/soak, a process of its own so that it can be ended
and started again: page_server.py PORT. Prints a line "listening 127.0.0.1:PORT".

    GET /N      N bytes
    POST        the body is read; an empty answer
    GET /ws     a WebSocket's handshake, then every byte back"""
import asyncio
import base64
import contextlib
import hashlib
import sys

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
CHUNK = 65536


async def answer(writer, length):
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
                 b"Content-Length: %d\r\n\r\n" % length)
    for left in range(length, 0, -CHUNK):
        writer.write(bytes(min(left, CHUNK)))
        await writer.drain()
    await writer.drain()


async def echo(reader, writer, fields):
    accept = base64.b64encode(hashlib.sha1(fields[b"sec-websocket-key"] + GUID).digest())
    writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                 b"Connection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n")
    while data := await reader.read(CHUNK):
        writer.write(data)
        await writer.drain()


async def one(reader, writer):
    """Whether another request may follow."""
    head = await reader.readuntil(b"\r\n\r\n")
    line, *rest = head[:-4].split(b"\r\n")
    method, target, _ = line.split(b" ")
    fields = {name.lower(): value.strip() for name, value in
              (field.split(b":", 1) for field in rest)}
    if target == b"/ws":
        await echo(reader, writer, fields)
        return False
    left = int(fields.get(b"content-length", 0))
    while left > 0:
        data = await reader.read(min(left, CHUNK))
        if not data:
            return False
        left -= len(data)
    await answer(writer, int(target[1:]) if method == b"GET" else 0)
    return fields.get(b"connection", b"").lower() != b"close"


async def serve(reader, writer):
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        while await one(reader, writer):
            pass
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]), backlog=256)
    print("listening 127.0.0.1:%d" % server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
