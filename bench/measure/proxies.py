"""TLS in front of a plain upstream: keyplate serve and what it is compared with. Each is one
process, AES-256-CBC with HMAC-SHA1 under TLS 1.2, without a log, and otherwise as it comes."""
import pathlib

from support.processes import Server, check, free_port, wait_for_port

from .tools import PASSWORD, Skipped, need, user

BITS = 2048
STREAM_MODULE = pathlib.Path("/usr/lib/nginx/modules/ngx_stream_module.so")


class Serve:
    """keyplate serve, one worker."""

    name = "keyplate serve"
    settings = "one worker; 16 KiB records, 48 KiB a read of the upstream"
    how = ["srp", user(BITS), PASSWORD]

    def __init__(self, bench):
        server = bench.serve(BITS)
        self.address, self.pid = server.address, server.pid


class Stunnel:
    """stunnel 4 with a pre-shared key, a thread a connection."""

    name = "stunnel, PSK"
    settings = "defaults: a thread a connection, 16 KiB buffers"
    key = "a5" * 32
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
    """One process, and an RSA certificate of 2048 bits."""

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
        ssl_certificate {root}/cert.pem;
        ssl_certificate_key {root}/key.pem;
        ssl_protocols TLSv1.2;
        ssl_ciphers ECDHE-RSA-AES256-SHA;
"""
    kind = load = PROXY = ""

    def __init__(self, bench):
        need("nginx")
        root, port = bench.directory / f"nginx-{self.kind}", free_port()
        root.mkdir()
        check(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
               "/CN=127.0.0.1", "-keyout", root / "key.pem", "-out", root / "cert.pem"])
        config = root / "nginx.conf"
        config.write_text(self.MAIN.format(load=self.load, root=root) + self.PROXY.format(
            tls=self.TLS.format(port=port, root=root), upstream=bench.upstream(), root=root))
        self.address, self.pid = _start(
            bench, ["nginx", "-e", "stderr", "-p", root, "-c", config], port)


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


def _start(bench, argv, port):
    """These print nothing when they are ready. Address and process id."""
    server = bench.start(Server(argv, ready=None))
    wait_for_port(port)
    return f"127.0.0.1:{port}", server.pid


PEERS = [Stunnel, NginxStream, NginxHttp]
ALL = [Serve, *PEERS]


def start_all(bench):
    """Those that can run, and {name: why} of the others."""
    running, skipped = [], {}
    for kind in ALL:
        try:
            running.append(kind(bench))
        except Skipped as error:
            skipped[kind.name] = error.why
    return running, skipped
