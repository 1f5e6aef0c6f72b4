"""A client that is in already, as a person with an open page: a process of its own, so that no other
client's work is in its times. probe.py BUILD ADDRESS USER PASSWORD DEVICE SECONDS asks for a page every
so many seconds on a connection that is kept, and prints "AT MILLISECONDS", or "AT failed WHY" and begins
again; AT is of time.monotonic."""
import asyncio
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from measure.engine import TLS13_A, Connection, Engine, Failed, Login, WrongPassword  # noqa: E402

PAGE = 10000


async def ask(login, address, every):
    connection = await Connection.open(login, address)
    while True:
        start = time.monotonic()
        status, length = await connection.request("GET", f"/{PAGE}")
        if (status, length) != (200, PAGE):
            raise Failed(f"status {status}, {length} bytes")
        print(f"{start} {(time.monotonic() - start) * 1000:.3f}", flush=True)
        await asyncio.sleep(every)


async def main():
    build, address, user, password, device, every = sys.argv[1:]
    login = Login(Engine(pathlib.Path(build)), TLS13_A, user, password, device)
    while True:
        try:
            await ask(login, address, float(every))
        except (Failed, WrongPassword, OSError, TimeoutError) as error:
            print(f"{time.monotonic()} failed {error or type(error).__name__}", flush=True)
            await asyncio.sleep(0.3)


if __name__ == "__main__":
    asyncio.run(main())
