"""Web servers that have an engine inside, or none, and the memory that they hold for connections."""
import asyncio
import contextlib
import pathlib
import re
import shutil
import ssl
import tempfile
from dataclasses import dataclass

from support.ports import free_port
from support.processes import Server, check

from . import engine
from .process import private
from .tools import DEVICE_ID, PASSWORD, Skipped, user

ROOT = pathlib.Path(__file__).resolve().parents[2]
BITS = 2048
WARM, COUNT, HALF = 50, 100, 20
SETTLE = 0.3
TLS12, TLS13 = engine.TLS12, engine.TLS13_A
NAMES = {TLS12: "1.2", TLS13: "1.3"}


@dataclass
class Held:
    """Private bytes: of the process with nobody, and of what one connection adds to it."""

    start: float
    idle: float
    half: float = None  # a full handshake in the middle


# ---- Clients ------------------------------------------------------------------------------------

class Ours:
    """Password TLS."""

    def __init__(self, build, version):
        self.login = engine.Login(engine.Engine(build), version, user(BITS), PASSWORD, DEVICE_ID)
        self.sources = 0

    async def open(self, address):
        return await engine.Connection.open(self.login, address)

    async def begin(self, address):
        """From an address of its own: by TLS 1.3 each has taken a guess by then."""
        self.sources += 1
        return await engine.Connection.begin(self.login, address, f"127.0.1.{self.sources}")


class Bare:
    """No TLS."""

    begin = None

    class Connection:
        def __init__(self, sock):
            self.sock = sock

        def abort(self):
            self.sock.close()

    async def open(self, address):
        return self.Connection(await engine.connect(address))


class Certificates:
    """libssl, which doesn't ask who the server is."""

    def __init__(self, version):
        self.context = ssl.create_default_context()
        self.context.check_hostname = False
        self.context.verify_mode = ssl.CERT_NONE
        self.context.minimum_version = self.context.maximum_version = version

    async def _shake(self, address, to_the_end):
        sock, loop = await engine.connect(address), asyncio.get_running_loop()
        come, go = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls, flights = self.context.wrap_bio(come, go), 0
        while True:
            with contextlib.suppress(ssl.SSLWantReadError):
                tls.do_handshake()
                if to_the_end:
                    await loop.sock_sendall(sock, go.read())
                return Bare.Connection(sock)
            if go.pending and flights and not to_the_end:
                return Bare.Connection(sock)
            if go.pending:
                flights += 1
                await loop.sock_sendall(sock, go.read())
            come.write(await asyncio.wait_for(loop.sock_recv(sock, 65536), engine.TIMEOUT))

    async def open(self, address):
        return await self._shake(address, True)

    async def begin(self, address):
        return await self._shake(address, False)


# ---- Servers ------------------------------------------------------------------------------------

def fresh(bench):
    """Credentials of a server of its own, where nobody has guessed yet."""
    folder = pathlib.Path(tempfile.mkdtemp(dir=bench.directory))
    return shutil.copy(bench.credentials(BITS), folder / "credentials")


def own_server(bench, sources, *arguments):
    """With places for all; sources: the engine, or what stands in its place."""
    folder = pathlib.Path(tempfile.mkdtemp(dir=bench.directory))
    for path in (ROOT / "integrations/own-server").glob("*.[ch]"):
        (folder / path.name).write_text(re.sub(r"CLIENTS = \d+", "CLIENTS = 400", path.read_text()))
    check(["cc", "-O2", "-I", ROOT / "include", "-o", folder / "server", *folder.glob("*.c"), *sources,
           *arguments])
    return on_port(lambda port: [folder / "server", port, fresh(bench)])


def on_port(argv):
    """A server that says nothing when it listens."""
    port = free_port()
    server = Server([str(word) for word in argv(port)], ready=None)
    try:
        asyncio.run(answers(f"127.0.0.1:{port}", server))
    except BaseException:
        server.stop()
        raise
    server.address = f"127.0.0.1:{port}"
    return server


async def answers(address, server):
    for _ in range(200):
        with contextlib.suppress(OSError):
            return (await engine.connect(address)).close()
        if server.process.poll() is not None:
            break
        await asyncio.sleep(0.05)
    raise Skipped(f"it doesn't start: {' '.join(server.lines[-3:])}")


def lighttpd(bench, *lines):
    def argv(port):
        conf = bench.directory / f"lighttpd-{port}.conf"
        conf.write_text("\n".join([
            'server.bind = "127.0.0.1"', f"server.port = {port}",
            f'server.document-root = "{bench.directory}"',
            "server.max-read-idle = 120", "server.max-fds = 2000", *lines, ""]))
        modules = [] if not any("mod_keyplate" in line for line in lines) else [
            "-m", bench.build / "lighttpd"]
        return ["lighttpd", "-D", *modules, "-f", conf]
    return on_port(argv)


def keyplate_lighttpd(bench):
    if not (bench.build / "lighttpd/mod_keyplate.so").exists():
        raise Skipped("integrations/lighttpd/build hasn't been run for this build")
    return lighttpd(bench, 'server.modules = ("mod_keyplate", "mod_staticfile")',
                    'keyplate.engine = "enable"',
                    f'keyplate.credentials = "{fresh(bench)}"')


def openssl_lighttpd(bench):
    return lighttpd(bench, 'server.modules = ("mod_openssl", "mod_staticfile")',
                    'ssl.engine = "enable"', f'ssl.pemfile = "{bench.certificate()}"')


def harness(name, *words):
    def start(bench):
        program = bench.build / "test/integrations" / name
        if not program.exists():
            raise Skipped(f"{program.name} isn't built")
        return Server([program, *(str(word).format(credentials=fresh(bench),
                                                   folder=bench.directory) for word in words)],
                      cwd=program.parent, env={"LD_LIBRARY_PATH": str(program.parent)})
    return start


def uhttpd(bench):
    folder = bench.build / "test/integrations/uhttpd"
    library, place = folder / "libustream-ssl-11.so", bench.directory / "ustream"
    if not library.exists():
        raise Skipped("it isn't built")
    place.mkdir(exist_ok=True)
    (place / "libustream-ssl.so").write_bytes(library.read_bytes())
    credentials = fresh(bench)
    return Server([folder / "uhttpd-like-11", "-s", "0", "-C", credentials, "-K", credentials,
                   "-h", bench.directory, "-T", "120"],
                  env={"LD_LIBRARY_PATH": str(place)})


def serve(bench):
    return bench.keyplate.serve(fresh(bench), bench.upstream(), "--quiet")


# Of each integration: (row, server, which clients).  The bare ones are what it is compared with.
SERVERS = {
    "own-server": [
        ("own-server, no TLS", lambda bench: own_server(bench, [ROOT / "bench/load/no_tls.c"]),
         "bare"),
        ("own-server", lambda bench: own_server(bench, [bench.build / "lib/libkeyplate.a"],
                                                "-lcrypto", *utf8proc(bench)), "ours")],
    "lighttpd": [
        ("lighttpd, no TLS",
         lambda bench: lighttpd(bench, 'server.modules = ("mod_staticfile")'), "bare"),
        ("lighttpd, mod_openssl", openssl_lighttpd, "certificates"),
        ("lighttpd, mod_keyplate", keyplate_lighttpd, "ours")],
    "goahead": [("goahead", harness("goahead/goahead-harness", 0, "{credentials}"), "ours")],
    "mongoose": [("mongoose", harness("mongoose/mongoose-harness", 0, "{credentials}"), "ours")],
    "uhttpd": [("uhttpd", uhttpd, "ours")],
    "serve": [("serve", serve, "ours")],
}


def utf8proc(bench):
    needs = (bench.build / "meson-private/keyplate.pc").read_text()
    return ["-lutf8proc"] if "libutf8proc" in needs else []


def clients(kind, build):
    if kind == "bare":
        return {"": Bare()}
    if kind == "certificates":
        return {"1.2": Certificates(ssl.TLSVersion.TLSv1_2),
                "1.3": Certificates(ssl.TLSVersion.TLSv1_3)}
    return {NAMES[version]: Ours(build, version) for version in (TLS12, TLS13)}


# ---- Measuring ----------------------------------------------------------------------------------

async def several(make, address, count):
    return [await make(address) for _ in range(count)]


async def hold(server, client):
    """What connections hold, that came one after the other and do nothing; and handshakes that are
    all in the middle at once, on top of them."""
    async def now():
        await asyncio.sleep(SETTLE)
        return private([server.pid])

    start, open_ones = await now(), []
    try:
        open_ones += await several(client.open, server.address, WARM)
        warm = await now()
        open_ones += await several(client.open, server.address, COUNT)
        idle = await now()
        held = Held(start, (idle - warm) / COUNT)
        if client.begin:
            open_ones += await several(client.begin, server.address, HALF)
            held.half = (await now() - idle) / HALF
        return held
    finally:
        for connection in open_ones:
            connection.abort()


def measure(bench, name):
    """Yields (row, version, Held, or why there is none).  A process of its own for each."""
    for row, start, kind in SERVERS[name]:
        try:
            for version, client in clients(kind, bench.build).items():
                server = start(bench)
                try:
                    yield row, version, asyncio.run(hold(server, client))
                finally:
                    server.stop()
        except (Skipped, engine.Failed, engine.WrongPassword, OSError, AssertionError) as why:
            yield row, "", str(why) or type(why).__name__
