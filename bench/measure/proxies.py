"""TLS in front of a plain upstream: keyplate serve and what it is compared with. Each is one
process, without a log, and otherwise as it comes; all of a field use the same version and cipher.

Of a proxy: its address and process id, the library of the load programs' client for it, and how
that one connects (load/client.h)."""
import pathlib
from dataclasses import dataclass

from support.processes import Server, free_port, wait_for_port

from .shaking import start
from .tools import PASSWORD, Skipped, need, user

BITS = 2048
GCM = "TLS_AES_128_GCM_SHA256"
STREAM_MODULE = pathlib.Path("/usr/lib/nginx/modules/ngx_stream_module.so")


class Serve:
    """keyplate serve, one worker."""

    name = "keyplate serve"
    settings = "one worker; 16 KiB records, 48 KiB a read of the upstream"
    client = "libssl"
    how = ["srp", user(BITS), PASSWORD]
    versions = "1.2"

    def __init__(self, bench):
        server = bench.serve(BITS, self.versions)
        self.address, self.pid = server.address, server.pid


class Serve13(Serve):
    client = "keyplate"
    how = ["ietf", user(BITS), PASSWORD]
    versions = "1.3"


class Stunnel:
    """stunnel 4 with a pre-shared key, a thread a connection."""

    name = "stunnel, PSK"
    settings = "defaults: a thread a connection, 16 KiB buffers"
    key = "a5" * 32
    client = "libssl"
    how = ["psk", "bench", key]
    CONFIG = """
foreground = yes
pid =
debug = warning
fips = no
sslVersion = TLSv1.2
[bench]
accept = 127.0.0.1:{port}
connect = {upstream}
ciphers = PSK-AES256-CBC-SHA
PSKsecrets = {secrets}
"""

    def __init__(self, bench):
        need("stunnel4")
        secrets = bench.directory / "stunnel.secrets"
        secrets.touch(mode=0o600)
        secrets.write_text(f"bench:{self.key}\n")
        config, port = bench.directory / "stunnel.conf", free_port()
        config.write_text(self.CONFIG.format(port=port, upstream=bench.upstream(),
                                             secrets=secrets))
        self.address, self.pid = _start(bench, ["stunnel4", config], port)


class _Nginx:
    """One process, and for TLS 1.2 an RSA certificate of 2048 bits."""

    client = "libssl"
    how = ["certificate", "-", "-"]
    MAIN = """
{load}
daemon off;
master_process off;
worker_processes 1;
pid {root}/pid;
error_log stderr crit;
events {{ worker_connections 4096; }}
"""
    TLS = """
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {pem};
        ssl_certificate_key {pem};
        {suite}
"""
    SUITE = "ssl_protocols TLSv1.2; ssl_ciphers ECDHE-RSA-AES256-SHA;"
    kind = load = PROXY = ""

    def __init__(self, bench):
        need("nginx")
        root, port = bench.directory / f"nginx-{self.kind}", free_port()
        root.mkdir()
        tls = self.TLS.format(port=port, suite=self.SUITE, pem=self._pem(bench))
        config = root / "nginx.conf"
        config.write_text(self.MAIN.format(load=self.load, root=root) + self.PROXY.format(
            tls=tls, upstream=bench.upstream(), root=root))
        self.address, self.pid = _start(
            bench, ["nginx", "-e", "stderr", "-p", root, "-c", config], port)

    @staticmethod
    def _pem(bench):
        return bench.certificate("rsa:2048")


class _Nginx13:
    """What TLS 1.3 changes."""

    how = ["certificate13", "-", "-"]
    SUITE = f"ssl_protocols TLSv1.3; ssl_conf_command Ciphersuites {GCM}; ssl_ecdh_curve X25519;"

    @staticmethod
    def _pem(bench):
        return bench.certificate()


class NginxStream(_Nginx):
    name = "nginx, stream"
    settings = "defaults: 16 KiB proxy_buffer_size"
    kind = "stream"
    load = f"load_module {STREAM_MODULE};"
    PROXY = """
stream {{
    server {{ {tls}
        proxy_pass {upstream};
    }}
}}
"""

    def __init__(self, bench):
        if not STREAM_MODULE.exists():
            raise Skipped("libnginx-mod-stream is not installed")
        super().__init__(bench)


class NginxHttp(_Nginx):
    name = "nginx, http"
    settings = ("defaults (8 proxy_buffers of 4 KiB, 16 KiB ssl_buffer_size), but nothing through "
                "files: proxy_max_temp_file_size 0, proxy_request_buffering off")
    kind = "http"
    PROXY = """
http {{
    access_log off;
    client_body_temp_path {root}/body;
    proxy_temp_path {root}/proxy;
    fastcgi_temp_path {root}/fastcgi;
    uwsgi_temp_path {root}/uwsgi;
    scgi_temp_path {root}/scgi;
    client_max_body_size 0;
    keepalive_timeout 600;
    server {{ {tls}
        location / {{
            proxy_pass http://{upstream};
            proxy_max_temp_file_size 0;
            proxy_request_buffering off;
            proxy_http_version 1.1;
        }}
    }}
}}
"""


class NginxStream13(_Nginx13, NginxStream):
    kind = "stream13"


class NginxHttp13(_Nginx13, NginxHttp):
    kind = "http13"


class Haproxy13:
    """One process of one thread, relaying bytes as serve does; a certificate on P-256."""

    name = "haproxy, tcp"
    settings = "one thread; defaults: 16 KiB buffers"
    client = "libssl"
    how = ["certificate13", "-", "-"]
    CONFIG = """
global
    nbthread 1
    maxconn 4096
defaults
    mode tcp
    timeout connect 5s
    timeout client 600s
    timeout server 600s
listen bench
    bind 127.0.0.1:{port} ssl crt {pem} ssl-min-ver TLSv1.3 ciphersuites {suite} curves X25519
    server upstream {upstream}
"""

    def __init__(self, bench):
        need("haproxy")
        config, port = bench.directory / "haproxy.conf", free_port()
        config.write_text(self.CONFIG.format(port=port, pem=bench.certificate(), suite=GCM,
                                             upstream=bench.upstream()))
        self.address, self.pid = _start(bench, ["haproxy", "-db", "-f", config], port)


def _start(bench, argv, port):
    """These print nothing when they are ready. Address and process id."""
    server = bench.start(Server(argv, ready=None))
    wait_for_port(port)
    return f"127.0.0.1:{port}", server.pid


@dataclass(frozen=True)
class Field:
    """What is compared with each other. floor: a load program's arguments and what it measures."""

    title: str
    kinds: list  # the first is ours
    floor: tuple
    floor_name: str
    limit: float  # of our CPU time a byte, in parts of the cheapest other's

    @property
    def peers(self):
        return [kind.name for kind in self.kinds[1:]]


TLS12 = Field("TLS 1.2", [Serve, Stunnel, NginxStream, NginxHttp], ("floor", 2048, 100),
              "floor: AES-256-CBC and HMAC-SHA1", 0.9)
TLS13 = Field("TLS 1.3", [Serve13, NginxStream13, NginxHttp13, Haproxy13], ("floor13", 100),
              "floor: AES-128-GCM", 1.0)


class Running:
    """A field's proxies, started: those that can run."""

    def __init__(self, field, bench):
        self.field, self.skipped = field, {}
        self.proxies = start(field.kinds, bench, self.skipped)
