"""Clients of the engine for asyncio: the build's libkeyplate.so by its public header, over sockets of
their own. One thread; what a handshake computes, it computes there."""
import asyncio
import contextlib
import ctypes
import socket
import struct
import time

TLS12, TLS13_A, TLS13_B = "1.2", "1.3 A", "1.3 B"
VERSIONS = [TLS12, TLS13_A, TLS13_B]
_USE = {TLS12: (1, 0), TLS13_A: (2, 1), TLS13_B: (2, 2)}  # KP_USE_*, KP_PAKE_*
_CLIENT, _PROVED, _PEER_ENDED = 0, 1 << 7, 1 << 8
_PROOF = -60
_BAD_RECORD_MAC, _DECRYPT_ERROR = 20, 51
_SETTINGS_LEN, _INFO_LEN = 1024, 1024  # more than struct kp_settings and struct kp_info have
TIMEOUT = 30
CHUNK = 65536


class Failed(Exception):
    """A connection ended as it should not have."""


class WrongPassword(Exception):
    """The server refused the password, as one says that it is wrong."""


class _Info(ctypes.Structure):
    """The beginning of struct kp_info."""

    _fields_ = [("version", ctypes.c_uint16), ("suite", ctypes.c_uint16),
                ("version_name", ctypes.c_char_p), ("suite_name", ctypes.c_char_p),
                ("pake", ctypes.c_char_p), ("group", ctypes.c_uint16),
                ("group_name", ctypes.c_char_p), ("group_bits", ctypes.c_uint),
                ("resumed", ctypes.c_bool)]


class Engine:
    def __init__(self, build):
        self.lib = ctypes.CDLL(str(build / "lib/libkeyplate.so"))
        pointer, size = ctypes.c_void_p, ctypes.c_size_t
        for name, result, *arguments in [
                ("kp_context_new", ctypes.c_int, pointer, pointer),
                ("kp_login_new", ctypes.c_int, pointer, pointer, ctypes.c_char_p, size,
                 ctypes.c_char_p, size),
                ("kp_login_device", ctypes.c_int, pointer, ctypes.c_char_p, size,
                 ctypes.c_char_p, size),
                ("kp_login_free", None, pointer),
                ("kp_conn_new", ctypes.c_int, pointer, pointer, ctypes.c_uint64),
                ("kp_conn_connect", ctypes.c_int, pointer, pointer, pointer, ctypes.c_char_p),
                ("kp_conn_free", None, pointer), ("kp_conn_state", ctypes.c_uint, pointer),
                ("kp_conn_error", ctypes.c_int, pointer),
                ("kp_conn_peer_alert", ctypes.c_int, pointer),
                ("kp_wire_in_room", pointer, pointer, pointer),
                ("kp_wire_in_done", ctypes.c_int, pointer, size),
                ("kp_wire_in_end", ctypes.c_int, pointer),
                ("kp_wire_out", pointer, pointer, pointer),
                ("kp_wire_out_done", None, pointer, size),
                ("kp_app_in", ctypes.c_int, pointer, ctypes.c_char_p, size, pointer),
                ("kp_app_in_end", ctypes.c_int, pointer),
                ("kp_app_out", pointer, pointer, pointer),
                ("kp_app_out_done", None, pointer, size),
                ("kp_conn_info", None, pointer, pointer),
                ("kp_conn_session", pointer, pointer), ("kp_session_free", None, pointer),
                ("kp_error_text", ctypes.c_char_p, ctypes.c_int)]:
            function = getattr(self.lib, name)
            function.restype, function.argtypes = result, arguments
        self._contexts = {version: self._context(*_USE[version]) for version in VERSIONS}

    def check(self, error):
        if error != 0:
            raise Failed(self.lib.kp_error_text(error).decode())

    def _context(self, versions, pake):
        settings = ctypes.create_string_buffer(_SETTINGS_LEN)
        struct.pack_into("iII", settings, 0, _CLIENT, versions, pake)
        context = ctypes.c_void_p()
        self.check(self.lib.kp_context_new(ctypes.byref(context), settings))
        return context

    def context(self, version):
        return self._contexts[version]


class Login:
    """A name and a password for one version; for TLS 1.3 scrypt's tenth of a second."""

    def __init__(self, engine, version, user, password, device_id):
        self.engine, self.version, self.handle = engine, version, ctypes.c_void_p()
        lib, name, secret = engine.lib, user.encode(), password.encode()
        engine.check(lib.kp_login_new(ctypes.byref(self.handle), engine.context(version), name,
                                      len(name), secret, len(secret)))
        if version != TLS12:
            device = device_id.encode()
            engine.check(lib.kp_login_device(self.handle, secret, len(secret), device,
                                             len(device)))

    def __del__(self):
        self.engine.lib.kp_login_free(self.handle)


class Session:
    def __init__(self, engine, handle):
        self.engine, self.handle = engine, handle

    def __del__(self):
        self.engine.lib.kp_session_free(self.handle)


async def connect(address, source=None):
    """A socket; source: its own address."""
    host, port = address.rsplit(":", 1)
    sock = socket.socket()
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        if source:
            sock.bind((source, 0))
        await asyncio.wait_for(asyncio.get_running_loop().sock_connect(sock, (host, int(port))),
                               TIMEOUT)
    except BaseException:
        sock.close()
        raise
    return sock


class Connection:
    """One connection, from its handshake on; every wait has a deadline."""

    def __init__(self, login, sock):
        self.login, self.sock, self._lib = login, sock, login.engine.lib
        self._conn, self._size = ctypes.c_void_p(), ctypes.c_size_t()
        self._loop, self._early = asyncio.get_running_loop(), bytearray()
        login.engine.check(self._lib.kp_conn_new(
            ctypes.byref(self._conn), login.engine.context(login.version), int(time.monotonic())))

    def hello(self, session=None):
        """Plans the handshake; the ClientHello's bytes, which are not sent by this."""
        self.login.engine.check(self._lib.kp_conn_connect(
            self._conn, self.login.handle, session.handle if session else None, None))
        return self._waiting()

    @classmethod
    async def open(cls, login, address, session=None, source=None):
        self = cls(login, await connect(address, source))
        try:
            self.hello(session)
            while not self._state() & _PROVED:
                await self._flush()
                await self._take()
            await self._flush()
        except BaseException:
            self.abort()
            raise
        return self

    @classmethod
    async def begin(cls, login, address, source=None):
        """A full handshake up to what the client says last, which isn't sent."""
        self = cls(login, await connect(address, source))
        try:
            self.hello()
            await self._flush()
            while not self._waiting():
                await self._take()
        except BaseException:
            self.abort()
            raise
        return self

    def _state(self):
        return self._lib.kp_conn_state(self._conn)

    def _waiting(self):
        at = self._lib.kp_wire_out(self._conn, ctypes.byref(self._size))
        return ctypes.string_at(at, self._size.value) if self._size.value else b""

    async def _flush(self):
        while data := self._waiting():
            await asyncio.wait_for(self._loop.sock_sendall(self.sock, data), TIMEOUT)
            self._lib.kp_wire_out_done(self._conn, len(data))

    async def _take(self):
        """What comes next, given to the engine. An end without close_notify is an error."""
        self._lib.kp_wire_in_room(self._conn, ctypes.byref(self._size))
        data = await asyncio.wait_for(
            self._loop.sock_recv(self.sock, min(self._size.value, CHUNK)), TIMEOUT)
        at = self._lib.kp_wire_in_room(self._conn, ctypes.byref(self._size))
        ctypes.memmove(at, data, len(data))
        await self._check(self._lib.kp_wire_in_done(self._conn, len(data)) if data
                          else self._lib.kp_wire_in_end(self._conn))

    async def _check(self, error):
        if error == 0:
            return
        with contextlib.suppress(OSError, TimeoutError):
            await self._flush()  # our alert
        alert = self._lib.kp_conn_peer_alert(self._conn)
        if error == _PROOF or alert in (_BAD_RECORD_MAC, _DECRYPT_ERROR):
            raise WrongPassword()
        raise Failed(f"{self._lib.kp_error_text(error).decode()}, alert {alert}")

    async def send(self, data):
        used = ctypes.c_size_t()
        for at in range(0, len(data), CHUNK):
            part = data[at:at + CHUNK]
            while part:
                self.login.engine.check(self._lib.kp_app_in(self._conn, part, len(part),
                                                            ctypes.byref(used)))
                part = part[used.value:]
                await self._flush()

    async def receive(self):
        """Some bytes, or b"" at the server's orderly end."""
        if self._early:
            data, self._early = bytes(self._early), bytearray()
            return data
        while True:
            at = self._lib.kp_app_out(self._conn, ctypes.byref(self._size))
            if self._size.value:
                data = ctypes.string_at(at, self._size.value)
                self._lib.kp_app_out_done(self._conn, len(data))
                return data
            if self._state() & _PEER_ENDED:
                return b""
            await self._take()

    async def read_head(self):
        head = bytearray()
        while b"\r\n\r\n" not in head:
            if not (data := await self.receive()):
                raise Failed("the server ended instead of answering")
            head += data
        end = head.index(b"\r\n\r\n") + 4
        self._early = head[end:]
        lines = bytes(head[:end]).decode("latin-1").split("\r\n")
        fields = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
        return int(lines[0].split()[1]), fields

    async def request(self, method, target, body=b""):
        """The status of the answer, and how long its body was; a body without length fails."""
        await self.send(f"{method} {target} HTTP/1.1\r\nHost: soak\r\n"
                        f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        status, fields = await self.read_head()
        left = length = int(fields["content-length"])
        while left > 0:
            if not (data := await self.receive()):
                raise Failed(f"an answer ended {left} bytes early")
            left -= len(data)
        if left < 0:
            raise Failed("more than the answer came")
        return status, length

    def resumed(self):
        buffer = ctypes.create_string_buffer(_INFO_LEN)
        self._lib.kp_conn_info(self._conn, buffer)
        return _Info.from_buffer(buffer).resumed

    def session(self):
        handle = self._lib.kp_conn_session(self._conn)
        return Session(self.login.engine, handle) if handle else None

    async def close(self):
        """close_notify, then the socket's end."""
        try:
            self.login.engine.check(self._lib.kp_app_in_end(self._conn))
            await self._flush()
        finally:
            self.abort()

    def vanish(self):
        """A reset, without a word."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.abort()

    def abort(self):
        self.sock.close()
        self._lib.kp_conn_free(self._conn)
        self._conn = ctypes.c_void_p()
