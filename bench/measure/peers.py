"""Other people's TLS in front of a plain upstream, each told what its documentation advises for
throughput, without a log, and with one process or thread at work. A certificate on P-256; one
version, suite and key exchange (proxies.Tls).

Of a proxy: its address, its processes, the library of the load programs' client for it, and how
that one connects (load/client.h)."""
import os
import pathlib
import resource

from support.ports import free_port
from support.processes import Server, wait_for_port

from .process import with_children
from .tools import Skipped, need

STREAM_MODULE = pathlib.Path("/usr/lib/nginx/modules/ngx_stream_module.so")
EVER = 1000000000  # requests a connection
GROUPS = "X25519:P-256"  # the second is the certificate's


def room():
    """Connections that a proxy can have with two descriptors each."""
    return min(8192, (resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 200) // 2)


class _Peer:
    """A program with a configuration file, which prints nothing when it is ready."""

    client = "libssl"
    name = settings = kind = CONFIG = ""

    def __init__(self, bench, tls):
        self.how = [tls.certificate, "-", "-"]
        self.root, port = bench.directory / f"{self.kind}-{tls.number}", free_port()
        self.root.mkdir()
        config = self.root / "config"
        config.write_text(self.CONFIG.format(
            port=port, pem=bench.certificate(), upstream=bench.upstream(), root=self.root,
            upstream_port=bench.upstream().rpartition(":")[2], tls=self.tls(tls), groups=GROUPS,
            room=room(), ever=EVER))
        self._server = bench.start(Server(self.argv(config), ready=None))
        wait_for_port(port)
        self.address = f"127.0.0.1:{port}"

    def pids(self):
        return with_children(self._server.pid)

    def tls(self, tls):
        raise NotImplementedError

    def argv(self, config):
        raise NotImplementedError


class _Nginx(_Peer):
    CONFIG = """
daemon off;
master_process off;
worker_processes 1;
pid {root}/pid;
error_log stderr crit;
events {{ worker_connections {room}; }}
"""
    LISTEN = """
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {pem};
        ssl_certificate_key {pem};
        ssl_ecdh_curve {groups};
        {tls}
"""

    def __init__(self, bench, tls):
        need("nginx")
        super().__init__(bench, tls)

    def tls(self, tls):
        suite = tls.pick("ssl_ciphers {};", "ssl_conf_command Ciphersuites {};")
        return f"ssl_protocols TLSv{tls.number}; {suite}"

    def argv(self, config):
        return ["nginx", "-e", "stderr", "-p", self.root, "-c", config]


class NginxHttp(_Nginx):
    name = "nginx, http"
    settings = ("keepalive 64 to the upstream and no end of requests on a connection; bodies not "
                "through files: proxy_max_temp_file_size 0, proxy_request_buffering off")
    kind = "nginx-http"
    CONFIG = _Nginx.CONFIG + """
http {{
    access_log off;
    client_body_temp_path {root}/body;
    proxy_temp_path {root}/proxy;
    fastcgi_temp_path {root}/fastcgi;
    uwsgi_temp_path {root}/uwsgi;
    scgi_temp_path {root}/scgi;
    client_max_body_size 0;
    client_header_timeout 600;
    keepalive_timeout 600;
    keepalive_requests {ever};
    upstream device {{
        server {upstream};
        keepalive 64;
        keepalive_timeout 600;
        keepalive_requests {ever};
    }}
    server {{ """ + _Nginx.LISTEN + """
        location / {{
            proxy_pass http://device;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_max_temp_file_size 0;
            proxy_request_buffering off;
        }}
    }}
}}
"""


class NginxStream(_Nginx):
    name = "nginx, stream"
    settings = "as it comes"
    kind = "nginx-stream"
    CONFIG = f"load_module {STREAM_MODULE};" + _Nginx.CONFIG + """
stream {{
    server {{ """ + _Nginx.LISTEN + """
        proxy_pass {upstream};
    }}
}}
"""

    def __init__(self, bench, tls):
        if not STREAM_MODULE.exists():
            raise Skipped("libnginx-mod-stream is not installed")
        super().__init__(bench, tls)


class _Haproxy(_Peer):
    CONFIG = """
global
    nbthread 1
    maxconn {room}
defaults
    timeout connect 5s
    timeout client 600s
    timeout server 600s
listen bench
    bind 127.0.0.1:{port} ssl crt {pem} curves {groups} {tls}
    server upstream {upstream}
"""

    def __init__(self, bench, tls):
        need("haproxy")
        super().__init__(bench, tls)

    def tls(self, tls):
        version = f"TLSv{tls.number}"
        return f"ssl-min-ver {version} ssl-max-ver {version} " + tls.pick(
            "ciphers {}", "ciphersuites {}")

    def argv(self, config):
        return ["haproxy", "-db", "-f", config]


class HaproxyHttp(_Haproxy):
    name = "haproxy, http"
    settings = "one thread; http-reuse always"
    kind = "haproxy-http"
    CONFIG = _Haproxy.CONFIG + "    mode http\n    http-reuse always\n"


class HaproxyTcp(_Haproxy):
    name = "haproxy, tcp"
    settings = "one thread"
    kind = "haproxy-tcp"
    CONFIG = _Haproxy.CONFIG + "    mode tcp\n"


class Hitch(_Peer):
    """A process that watches and one that works."""

    name = "hitch"
    settings = "one worker"
    kind = "hitch"
    CONFIG = """
frontend = "[127.0.0.1]:{port}"
backend = "[127.0.0.1]:{upstream_port}"
pem-file = "{pem}"
workers = 1
backlog = 1024
ocsp-dir = ""
ecdh-curve = "{groups}"
{tls}
"""
    if os.geteuid() == 0:  # root must say so
        CONFIG += 'user = "root"\ngroup = "root"\n'

    def __init__(self, bench, tls):
        need("hitch")
        super().__init__(bench, tls)

    def tls(self, tls):
        return f"tls-protos = TLSv{tls.number}\n" + tls.pick('ciphers = "{}"',
                                                            'ciphersuites = "{}"')

    def argv(self, config):
        return ["hitch", f"--config={config}"]


class Stunnel(_Peer):
    name = "stunnel"
    settings = "a thread a connection; TCP_NODELAY on both sides"
    kind = "stunnel"
    CONFIG = """
foreground = yes
pid =
debug = warning
fips = no
socket = l:TCP_NODELAY=1
socket = r:TCP_NODELAY=1
[bench]
accept = 127.0.0.1:{port}
connect = {upstream}
cert = {pem}
curves = {groups}
{tls}
"""

    def __init__(self, bench, tls):
        need("stunnel4")
        super().__init__(bench, tls)

    def tls(self, tls):
        return f"sslVersion = TLSv{tls.number}\n" + tls.pick("ciphers = {}", "ciphersuites = {}")

    def argv(self, config):
        return ["stunnel4", config]


HTTP = [NginxHttp, HaproxyHttp]
TUNNELS = [NginxStream, HaproxyTcp, Hitch, Stunnel]
