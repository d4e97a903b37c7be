"""Real processes for the end-to-end tests: tsdbd, a Prometheus, a node_exporter, a scripted target, remote writes.

Everything listens on 127.0.0.1 at ports the kernel picked; a process that a test started is ended by its pid."""
import contextlib
import http.client
import http.server
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time
import urllib.parse

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TSDBD = os.environ.get("TSDBD", os.path.join(TOP, "build", "tsdbd"))
TSDBCTL = os.environ.get("TSDBCTL", os.path.join(TOP, "build", "tsdbctl"))
STALE = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]


def is_sanitized():
    """Is tsdbd built with AddressSanitizer? It is slower then, and keeps freed memory for a while."""
    with open(TSDBD, "rb") as f:
        return b"__asan_init" in f.read()


MEMORY_SLACK_MB = 500 if os.path.exists(TSDBD) and is_sanitized() else 0


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(what, ok, timeout=30, pause=0.02):
    """Polls ok() until it is true and returns that value; there is no other way of waiting in these tests."""
    end = time.monotonic() + timeout
    while True:
        with contextlib.suppress(OSError, http.client.HTTPException, KeyError, IndexError, ValueError):
            got = ok()
            if got:
                return got
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {timeout} s")
        time.sleep(pause)


class Process:
    """A server on a port of its own, its log in a file."""

    ready_path = "/-/ready"

    def __init__(self, folder, name):
        self.dir, self.name, self.port, self.proc = str(folder), name, free_port(), None
        self.log_path = os.path.join(self.dir, f"{name}.log")

    def argv(self):
        raise NotImplementedError

    def start(self, wait=True, env=None):
        self.log = open(self.log_path, "ab")
        self.proc = subprocess.Popen(self.argv(), stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL, cwd=self.dir,
                                     env=dict(os.environ, **(env or {})))
        if wait:
            wait_for(f"{self.name} ready", self.is_ready)
        return self

    def is_ready(self):
        if self.proc.poll() is not None:
            raise AssertionError(f"{self.name} ended with {self.proc.returncode}:\n{self.log_text()[-3000:]}")
        return self.get(self.ready_path)[0] == 200

    def log_text(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def stop(self, sig=signal.SIGTERM, timeout=30):
        """Ends the process and returns its exit code; a second call is harmless."""
        if not self.proc:
            return None
        if self.proc.poll() is None:
            self.proc.send_signal(sig)
        try:
            code = self.proc.wait(timeout)
        except subprocess.TimeoutExpired:
            self.proc.kill()
            raise AssertionError(f"{self.name} did not stop within {timeout} s:\n{self.log_text()[-3000:]}")
        self.log.close()
        self.proc = None
        return code

    def kill(self):
        return self.stop(signal.SIGKILL)

    # ---- what it costs ----
    def rss_mb(self):
        with open(f"/proc/{self.proc.pid}/statm") as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGESIZE") / 2**20

    def n_fds(self):
        return len(os.listdir(f"/proc/{self.proc.pid}/fd"))

    def metric(self, name):
        """A sample of its own /metrics page (name with labels as printed), or None."""
        for line in self.get("/metrics")[1].decode().splitlines():
            if line.startswith(name + " "):
                return float(line.rsplit(" ", 1)[1])
        return None

    # ---- HTTP ----
    def connect(self, timeout=60):
        return socket.create_connection(("127.0.0.1", self.port), timeout=timeout)

    def request(self, method, path, body=None, headers=None, timeout=60):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            c.request(method, path, body=body, headers=headers or {})
            r = c.getresponse()
            return r.status, r.read(), dict((k.lower(), v) for k, v in r.getheaders())
        finally:
            c.close()

    def get(self, path, **params):
        q = "?" + urllib.parse.urlencode(params, doseq=True) if params else ""
        status, body, _ = self.request("GET", path + q)
        return status, body

    def api(self, path, **params):
        """The "data" of a successful answer."""
        status, body = self.get("/api/v1/" + path, **params)
        answer = json.loads(body)
        assert status == 200 and answer["status"] == "success", (path, params, status, body[:500])
        return answer["data"]

    def error(self, path, **params):
        """(status, errorType, error) of a refused request."""
        status, body = self.get("/api/v1/" + path, **params)
        answer = json.loads(body)
        assert answer["status"] == "error", (path, params, body[:500])
        return status, answer["errorType"], answer["error"]

    def query(self, expr, at=None):
        return self.api("query", query=expr, **({} if at is None else {"time": at}))["result"]

    def value(self, expr, at=None):
        """The one value of a vector or scalar, as a float; None where there is no result."""
        data = self.api("query", query=expr, **({} if at is None else {"time": at}))
        if data["resultType"] == "scalar":
            return float(data["result"][1])
        return float(data["result"][0]["value"][1]) if data["result"] else None


class Tsdbd(Process):
    def __init__(self, folder, config="global: {scrape_interval: 15s}\n", flags=()):
        super().__init__(folder, "tsdbd")
        self.flags, self.data = list(flags), os.path.join(self.dir, "data")
        self.config_path = os.path.join(self.dir, "tsdbd.yml")
        self.write_config(config)

    def write_config(self, text):
        with open(self.config_path, "w", encoding="utf-8") as f:
            f.write(text)

    def argv(self):
        return [TSDBD, f"--config.file={self.config_path}", f"--storage.tsdb.path={self.data}",
                f"--web.listen-address=127.0.0.1:{self.port}", "--web.enable-lifecycle", "--web.enable-admin-api",
                "--web.enable-remote-write-receiver"] + self.flags

    def write(self, series):
        """Remote-writes [(labels, [(ms, value), ...]), ...]; (status, text)."""
        status, body, _ = self.request("POST", "/api/v1/write", snappy(write_request(series)),
                                       {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy",
                                        "X-Prometheus-Remote-Write-Version": "0.1.0"})
        return status, body.decode("utf-8", "replace")


class Prometheus(Process):
    def __init__(self, folder, config):
        super().__init__(folder, "prometheus")
        self.config_path = os.path.join(self.dir, "prometheus.yml")
        with open(self.config_path, "w", encoding="utf-8") as f:
            f.write(config)

    def argv(self):
        return ["prometheus", f"--config.file={self.config_path}", f"--storage.tsdb.path={os.path.join(self.dir, 'prom-data')}",
                f"--web.listen-address=127.0.0.1:{self.port}", "--web.enable-remote-write-receiver", "--log.level=warn"]


class NodeExporter(Process):
    ready_path = "/"

    def __init__(self, folder):
        super().__init__(folder, "node_exporter")

    def argv(self):
        return ["prometheus-node-exporter", f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=error"]


class Target:
    """A scripted exporter: `page` is what it answers (bytes, or a function of the request), with `status`."""

    def __init__(self, page=b"", content_type="text/plain; version=0.0.4"):
        self.page, self.content_type, self.status, self.hits, self.delay = page, content_type, 200, 0, 0
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer.hits += 1
                time.sleep(outer.delay)
                body = outer.page(self) if callable(outer.page) else outer.page
                with contextlib.suppress(OSError):
                    self.send_response(outer.status)
                    self.send_header("Content-Type", outer.content_type)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

            def log_message(self, *args):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class RawTarget:
    """A server by hand: answer(connection, number) is called with every accepted connection, in a thread of its own."""

    def __init__(self, answer):
        self.answer, self.hits, self.over = answer, 0, False
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while not self.over:
            try:
                c, _ = self.listener.accept()
            except OSError:
                return
            self.hits += 1
            threading.Thread(target=self.serve, args=(c, self.hits), daemon=True).start()

    def serve(self, c, n):
        with c, contextlib.suppress(OSError):
            self.answer(c, n)

    def stop(self):
        self.over = True
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def read_head(c):
    """One request's head from a connection."""
    got = b""
    while b"\r\n\r\n" not in got:
        part = c.recv(65536)
        if not part:
            raise ConnectionError
        got += part
    return got


def hang(c):
    """Reads and says nothing until the other side closes."""
    while c.recv(65536):
        pass


# ---- remote write 1.0 ----

def varint(n):
    out = bytearray()
    n &= (1 << 64) - 1
    while n >= 0x80:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def field(number, payload):
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def write_request(series):
    out = bytearray()
    for labels, samples in series:
        ts = bytearray()
        for name in sorted(labels):
            ts += field(1, field(1, name.encode()) + field(2, labels[name].encode()))
        for ms, value in samples:
            ts += field(2, b"\x09" + struct.pack("<d", value) + b"\x10" + varint(ms))
        out += field(1, bytes(ts))
    return bytes(out)


def snappy(data):
    """A snappy block of literals only."""
    out, i = bytearray(varint(len(data))), 0
    while i < len(data):
        part = data[i:i + 65536]
        n = len(part) - 1
        out += bytes([n << 2]) if n < 60 else bytes([61 << 2]) + struct.pack("<H", n)
        out += part
        i += len(part)
    return bytes(out)


def read_answer(f):
    """One HTTP answer from a binary file: (status, headers, body); (None, {}, b"") where the connection ends before it."""
    line = f.readline()
    if not line:
        return None, {}, b""
    head, status = {}, int(line.split(b" ")[1])
    while (line := f.readline()) not in (b"\r\n", b""):
        name, _, value = line.decode("latin-1").partition(":")
        head[name.lower()] = value.strip()
    if head.get("transfer-encoding") == "chunked":
        body = b""
        while n := int(f.readline(), 16):
            body += f.read(n)
            f.readline()
        f.readline()
        return status, head, body
    return status, head, f.read(int(head.get("content-length", 0)))


def in_threads(n, fn):
    """fn(0), ... fn(n - 1), each in a thread of its own; the first exception of any is raised here."""
    faults = []

    def one(i):
        try:
            fn(i)
        except BaseException as e:  # noqa: B902
            faults.append(e)

    threads = [threading.Thread(target=one, args=(i,)) for i in range(n)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if faults:
        raise faults[0]


def ctl(*args, stdin=b"", timeout=60):
    """Runs tsdbctl; (exit code, stdout, stderr)."""
    p = subprocess.run([TSDBCTL, *args], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout)
    return p.returncode, p.stdout.decode("utf-8", "replace"), p.stderr.decode("utf-8", "replace")


def have(program):
    return shutil.which(program) is not None


__all__ = [n for n in globals() if not n.startswith("_")]
