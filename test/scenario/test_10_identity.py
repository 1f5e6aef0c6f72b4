"""Goal: with --identity proxy-v2 the upstream knows who was proved, from the first byte on."""
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import time

import pytest

from gateways import BUILD, Plain, box, curl, free_port, read_all, until

BOTH = pytest.mark.parametrize("http", ["on", "off"])
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def parse(header):
    assert header[:12] == SIGNATURE and header[12] == 0x21
    family, length = header[13], struct.unpack(">H", header[14:16])[0]
    assert len(header) == 16 + length
    size = {0x11: 12, 0x21: 36, 0x00: 0}[family]
    addresses, rest = header[16:16 + size], header[16 + size:]
    kind, length = struct.unpack(">BH", rest[:3])
    assert kind == 0x20 and len(rest) == 3 + length
    client, verify = struct.unpack(">BI", rest[3:8])
    subs, rest = [], rest[8:]
    while rest:
        kind, length = struct.unpack(">BH", rest[:3])
        subs.append((kind, rest[3:3 + length]))
        rest = rest[3 + length:]
    return family, addresses, client, verify, subs


def talk_header(sock):
    head = sock.recv(16, socket.MSG_WAITALL)
    head += sock.recv(struct.unpack(">H", head[14:16])[0], socket.MSG_WAITALL)
    rest = read_all(sock)
    sock.sendall(b"seen")
    return head, rest


@pytest.mark.parametrize("listen, family", [("127.0.0.1:0", 0x11), ("[::1]:0", 0x21)])
@pytest.mark.parametrize("by_unix", [False, True])
def test_every_byte(box, listen, family, by_unix):
    upstream = box.upstream(talk_header, **({"path": box.dir / "up"} if by_unix else {}))
    name = "Ädmin of " + "x" * 200
    serve = box.serve_bytes(upstream, "--identity", "proxy-v2", listen=(listen,),
                            credentials=box.credentials(((name, "pass-word-1"),)))
    done = box.connect(serve, b"first bytes", user=name, password="pass-word-1")
    assert done.stdout == b"seen", done.stderr
    header, rest = upstream.seen[0]
    assert rest == b"first bytes"
    got, addresses, client, verify, subs = parse(header)
    assert (got, client, verify) == (family, 0x05, 0)
    assert subs == [(0, b""), (0x21, b"TLSv1.2"), (0x22, name.encode()),
                    (0x23, b"SRP-AES-256-CBC-SHA")]
    if family == 0x11:
        assert addresses[:8] == socket.inet_aton("127.0.0.1") * 2
    else:
        assert addresses[:32] == socket.inet_pton(socket.AF_INET6, "::1") * 2
    assert struct.unpack(">H", addresses[-2:])[0] == serve.port


def test_none_is_the_default(box):
    upstream = box.upstream(read_all)
    box.connect(box.serve_bytes(upstream), b"only this")
    until(lambda: upstream.seen)
    assert upstream.seen == [b"only this"]


def lighttpd(box, bind):
    program = shutil.which("lighttpd") or "/usr/sbin/lighttpd"
    if not os.path.exists(program):
        pytest.skip("lighttpd isn't installed")
    root = box.dir / "root"
    root.mkdir()
    script = root / "who.cgi"
    script.write_text("#!/bin/sh\nprintf 'Content-Type: text/plain\\r\\n\\r\\n'\n"
                      "echo \"$REMOTE_USER|$REMOTE_ADDR|$SSL_CLIENT_VERIFY|$AUTH_TYPE\"\n")
    script.chmod(0o755)
    config = box.dir / "lighttpd.conf"
    config.write_text(f'''
server.modules = ("mod_extforward", "mod_cgi")
server.document-root = "{root}"
server.errorlog = "{box.dir}/lighttpd.log"
{bind}
cgi.assign = (".cgi" => "")
extforward.forwarder = ("all" => "trust")
extforward.hap-PROXY = "enable"
extforward.hap-PROXY-ssl-client-verify = "enable"
''')
    process = subprocess.Popen([program, "-D", "-f", str(config)])
    box.programs.append(Plain(process))


@BOTH
@pytest.mark.parametrize("by_unix", [False, True])
def test_lighttpd_knows_the_user(box, by_unix, http):
    if by_unix:
        at = f"unix:{box.dir}/lighttpd.sock"
        lighttpd(box, f'server.bind = "{box.dir}/lighttpd.sock"')
        until(lambda: (box.dir / "lighttpd.sock").exists())
    else:
        port = free_port()
        at = f"127.0.0.1:{port}"
        lighttpd(box, f'server.port = {port}\nserver.bind = "127.0.0.1"')
        until(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)
    serve = box.serve(at, "--identity", "proxy-v2", "--http", http)
    done = curl(f"https://{serve.at}/who.cgi")
    assert done.stdout.startswith(b"admin|127.0.0.1|SUCCESS|"), done.stdout


@BOTH
def test_demo_device_knows_the_user(box, http):
    program = next((path for path in (BUILD / "demo" / "keyplate-demo-device",
                                      BUILD / "keyplate-demo-device") if path.exists()), None)
    if program is None:
        pytest.skip("a build without the demo")
    port = free_port()
    process = subprocess.Popen([str(program), "--listen", f"127.0.0.1:{port}", "--proxy-v2"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    box.programs.append(Plain(process))
    until(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)
    serve = box.serve(f"127.0.0.1:{port}", "--identity", "proxy-v2", "--http", http)
    done = curl(f"https://{serve.at}/whoami")
    assert b"admin" in done.stdout and b"SRP-AES-256-CBC-SHA" in done.stdout, done.stdout
