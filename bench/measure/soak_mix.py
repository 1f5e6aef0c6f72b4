"""The mixed load of bench/soak: what honest clients, slow ones, vanishing ones and guessers do, all at
once and at a modest pace, while the gateway is told to read again and its upstream goes and comes.

Each kind of client is a function that does one thing and raises when it went otherwise than it has
to. What meets a gone upstream is excused."""
import asyncio
import base64
import collections
import contextlib
import os
import random
import time

from .engine import TLS12, VERSIONS, Connection, Failed, Login, WrongPassword, connect
from .standing import source
from .tools import DEVICE_ID, PASSWORD

MEGABYTE = 1000 * 1000
HANDSHAKE_SECONDS, HEAD_SECONDS = 10, 30  # serve's defaults
SLACK = 8
ERRORS = (Failed, WrongPassword, OSError, TimeoutError, KeyError, ValueError)


def demand(what, so):
    if not so:
        raise Failed(what)


class Mix:
    def __init__(self, standing):
        self.standing, self.done = standing, collections.Counter()
        self.excused, self.open = collections.Counter(), 0
        self.errors = standing.complaints
        self._guesses, self._tasks, self._ending = {}, [], False
        self._carol, self._changes = PASSWORD, 0

    # ---- Running ------------------------------------------------------------------------------

    async def begin(self):
        """Who is to be let in while guesses are refused has to have been in before."""
        carol = await asyncio.to_thread(self.standing.login, TLS12, "carol", self._carol)
        for login in carol, self._alice(TLS12):
            async with self._connection(login):
                pass
        every = self._every
        for version in VERSIONS:
            every("page loads", 8, 1.0, self.keeps_loading(version))
            every("handshakes", 2, 1.0, self.handshake, version)
            every("resumptions", 1, 0.5, self.resumption(version))
            every("wrong passwords", 1, 1.5, self.wrong, version)
            every("downloads", 1, 4.0, self.download, version)
            every("uploads", 1, 4.0, self.upload, version)
            every("vanishing clients", 1, 5.0, self.vanish, version)
        every("websockets", 2, 1.0, self.websocket)
        every("slow hellos", 3, 1.0, self.slow_hello)
        every("slow heads", 2, 1.0, self.slow_head)
        every("half-open", 4, 2.0, self.half_open)
        every("SIGHUPs", 1, 15.0, self.hang_up)
        every("password changes", 1, 45.0, self.change_password)
        every("upstream restarts", 1, 60.0, self.restart_upstream)

    async def end(self):
        """Whatever waits is cut off and says nothing."""
        self._ending = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _every(self, name, clients, pause, act, *arguments):
        for _ in range(clients):
            self._tasks.append(asyncio.create_task(self._repeat(name, pause, act, arguments)))

    async def _repeat(self, name, pause, act, arguments):
        while not self._ending:
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))
            start = time.monotonic()
            try:
                await act(*arguments)
                self.done[name] += 1
            except ERRORS as error:
                if self.standing.page.excuses(start, time.monotonic()):
                    self.excused[name] += 1
                else:
                    self.errors.append((self.standing.elapsed(), name,
                                        f"{type(error).__name__} {error}"))

    # ---- Honest clients -----------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def _connection(self, login, session=None, address=None):
        connection = await Connection.open(login, self.standing.address, session, address)
        self.open += 1
        try:
            yield connection
        finally:
            self.open -= 1
            with contextlib.suppress(*ERRORS):
                await connection.close()

    def _alice(self, version):
        return self.standing.logins[version]

    async def _load(self, connection, length):
        demand("another page", await connection.request("GET", f"/{length}") == (200, length))

    def keeps_loading(self, version):
        """Twenty pages on one connection."""
        async def act():
            async with self._connection(self._alice(version)) as connection:
                for _ in range(20):
                    await self._load(connection, random.choice([200, 2000, 20000]))
                    self.done["pages"] += 1
                    await asyncio.sleep(random.uniform(0.1, 0.5))
        return act

    async def handshake(self, version):
        async with self._connection(self._alice(version)) as connection:
            demand("resumed without a ticket", not connection.resumed())
            await self._load(connection, 2000)

    def resumption(self, version):
        """Form B has no tickets: there it is a full handshake."""
        kept = [None]

        async def act():
            session, kept[0] = kept[0], None
            async with self._connection(self._alice(version), session) as connection:
                demand("a ticket was refused", connection.resumed() == bool(session))
                await self._load(connection, 200)
                kept[0] = connection.session()
        return act

    async def download(self, version):
        async with self._connection(self._alice(version)) as connection:
            await self._load(connection, 2 * MEGABYTE)

    async def upload(self, version):
        async with self._connection(self._alice(version)) as connection:
            demand("an upload", await connection.request("POST", "/", os.urandom(MEGABYTE))
                   == (200, 0))

    async def vanish(self, version):
        connection = await Connection.open(self._alice(version), self.standing.address)
        try:
            await connection.send(b"GET /50000000 HTTP/1.1\r\nHost: soak\r\n\r\n")
            for _ in range(5):
                await connection.receive()
        finally:
            connection.vanish()

    async def websocket(self):
        key = base64.b64encode(os.urandom(16)).decode()
        async with self._connection(self._alice(random.choice(VERSIONS))) as connection:
            await connection.send(
                f"GET /ws HTTP/1.1\r\nHost: soak\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode())
            status, _ = await connection.read_head()
            demand(f"status {status}", status == 101)
            for _ in range(20):
                await self._echo(connection, b"\x82\x7e\x10\x00" + os.urandom(4096))
                await asyncio.sleep(1)

    async def _echo(self, connection, frame):
        await connection.send(frame)
        back = bytearray()
        while len(back) < len(frame):
            data = await connection.receive()
            demand("a tunnel that ended", data)
            back += data
        demand("other bytes came back", bytes(back) == frame)

    # ---- Others -------------------------------------------------------------------------------

    async def _guess(self, version, user):
        if (version, user) not in self._guesses:
            self._guesses[version, user] = await asyncio.to_thread(
                Login, self.standing.engine, version, user, "wrong-0000", DEVICE_ID)
        return self._guesses[version, user]

    async def wrong(self, version):
        """From anywhere on loopback: guesses are counted by source."""
        login = await self._guess(version, random.choice(["bob", "mallory"]))
        try:
            connection = await Connection.open(login, self.standing.address, None, source())
        except WrongPassword:
            return
        connection.abort()
        raise Failed("a wrong password was taken")

    async def _drip(self, sock, data, seconds):
        """A byte a second; how many seconds until the other side ended it."""
        loop, start, at = asyncio.get_running_loop(), time.monotonic(), 0
        while time.monotonic() - start < seconds + SLACK:
            with contextlib.suppress(TimeoutError):
                if not await asyncio.wait_for(loop.sock_recv(sock, 4096), 1):
                    return time.monotonic() - start
            if at < len(data):
                await loop.sock_sendall(sock, data[at:at + 1])
                at += 1
        raise Failed("a slow client was kept")

    async def slow_hello(self):
        connection = Connection(self._alice(random.choice(VERSIONS)),
                                await connect(self.standing.address, source()))
        try:
            await self._drip(connection.sock, connection.hello(), HANDSHAKE_SECONDS)
        except ConnectionError:
            pass  # a reset is an end
        finally:
            connection.abort()

    async def slow_head(self):
        """One who is in, and then says his request a byte a second: 408."""
        async with self._connection(self._alice(TLS12)) as connection:
            start = time.monotonic()
            for byte in b"GET /2000 HTTP/1.1\r\nX-Slow: " + b"x" * 60:
                await connection.send(bytes([byte]))
                await asyncio.sleep(1)
                if time.monotonic() - start > HEAD_SECONDS + 2:
                    break
            status, _ = await connection.read_head()
            demand(f"a slow head got {status}", status == 408)

    async def half_open(self):
        """Says hello, hears the server's flight, and nothing more."""
        connection = Connection(self._alice(random.choice(VERSIONS)),
                                await connect(self.standing.address, source()))
        loop = asyncio.get_running_loop()
        try:
            await loop.sock_sendall(connection.sock, connection.hello())
            await self._drip(connection.sock, b"", HANDSHAKE_SECONDS)
        except ConnectionError:
            pass
        finally:
            connection.abort()

    # ---- Who runs it --------------------------------------------------------------------------

    async def hang_up(self):
        self.standing.hang_up()

    async def restart_upstream(self):
        await self.standing.page.restart(1)

    async def change_password(self):
        """The new password counts after SIGHUP; the old one and its ticket don't."""
        standing, self._changes = self.standing, self._changes + 1
        before = await asyncio.to_thread(standing.login, TLS12, "carol", self._carol)
        async with self._connection(before) as connection:
            session = connection.session()
        self._carol = f"kestrel-{self._changes:04}"
        await asyncio.to_thread(
            standing.bench.keyplate.passwd, "change", standing.credentials, "--user", "carol",
            "--password-file", standing.bench.keyplate.password_file(self._carol))
        standing.hang_up()
        await asyncio.sleep(2)
        after = await asyncio.to_thread(standing.login, TLS12, "carol", self._carol)
        async with self._connection(after, session) as connection:
            demand("a ticket of the old password was taken", not connection.resumed())
        try:
            async with self._connection(before, None, source()):
                raise Failed("the old password was taken")
        except WrongPassword:
            pass
