"""Clients that mean no good, or know no better: what they send, how slowly, how many they are, how they leave."""
import contextlib
import json
import random
import resource
import socket
import ssl
import time

import harness as h
import pytest

T = 1_700_000_000
BACKFILL = "storage: {tsdb: {out_of_order_time_window: 31d}}\n"
OLD = ["--storage.tsdb.retention.time=100y"]
HEALTHY = b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n"
REFUSALS = {400, 404, 405, 408, 413, 414, 417, 431, 501, 505}
FORM = b"POST /api/v1/query HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
CHUNKED = FORM + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def d(run):
    return run(h.Tsdbd, BACKFILL, flags=OLD).start()


def settled(d, fds):
    """All the strangers' connections are gone."""
    h.wait_for("file descriptors are free again", lambda: d.n_fds() <= fds)
    assert d.value("1") == 1


def talk(d, data, timeout=30, fin=True):
    """Sends data (and FIN) and reads what comes until the server closes; the first answer's status, or None."""
    got = b""
    with d.connect(timeout) as s:
        with contextlib.suppress(OSError):
            s.sendall(data)
        with contextlib.suppress(OSError):
            if fin:
                s.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionError):
            while part := s.recv(65536):
                got += part
    return int(got.split(b" ")[1]) if got else None


def test_garbage_on_the_port(d):
    fds = d.n_fds()
    seed = random.randrange(1 << 30)
    rnd = random.Random(seed)
    hello = ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLError):
        ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), hello, server_hostname="x").do_handshake()
    known = [hello.read(), b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"SSH-2.0-OpenSSH_9.2\r\n", b"\r\n" * 5000, b"\0" * 100_000, b"EHLO x\r\n",
             b"GET", b"GET ", b"GET / HTTP/1.1", b"GET / HTTP/1.1\r\nHost", b"GET  / HTTP/1.1\r\nHost: x\r\n\r\n", b"get / http/1.1\r\n\r\n",
             b"GET /\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", b"GET / HTTP/1.1\nHost: x\n\n",
             b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n",
             b"GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n", b"CONNECT a:1 HTTP/1.1\r\nHost: x\r\n\r\n", b"BREW /pot HTTP/1.1\r\nHost: x\r\n\r\n"]
    noise = [rnd.randbytes(rnd.randrange(1, 3000)) for _ in range(100)]
    for data in known + noise:
        assert talk(d, data) in REFUSALS | {None}, (seed, data[:60])
    # A valid request of which some bytes are others.
    good = FORM + b"Content-Length: 9\r\n\r\nquery=1%2B1"
    for _ in range(300):
        bad = bytearray(good)
        for _ in range(rnd.randrange(1, 4)):
            bad[rnd.randrange(len(bad))] = rnd.randrange(256)
        status = talk(d, bytes(bad))
        assert status in REFUSALS | {None, 200, 204, 415}, (seed, bad, status)
    settled(d, fds)


def test_strange_targets(d):
    for target in ("/api/v1/query?query=" + "a" * 2_000_000, "/" + "x/" * 200_000, "/api/v1/label/" + "%C3%A9" * 150_000 + "/values/",
                   "/api/v1/label/" + "%22" * 300_000 + "/values/", "/api/v1/query?" + "&".join("a=b" for _ in range(50_000)),
                   "/" + "../" * 100_000 + "etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/api/v1/label/%00/values", "/api/v1/label/%ff/values", "/%",
                   "/?%zz", "*", "x", "http://evil.test/api/v1/labels", "//evil.test/api/v1/labels/", "/\\\\evil.test/", "/api/v1/labels#f"):
        status = talk(d, b"GET " + target.encode() + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", fin=False)
        assert status in REFUSALS | {200, 301}, (target[:50], status)
        assert d.value("1") == 1


def test_giant_heads_are_refused_early(d):
    before = d.rss_mb()
    for line in (b"A: " + b"b" * 1000 + b"\r\n", b"A:\r\n", b"Content-Length: 1\r\n", b"Cookie: " + b"c" * 100_000 + b"\r\n"):
        sent = 0
        with d.connect() as s, contextlib.suppress(ConnectionError):
            s.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
            while sent < 64 << 20:      # the end comes long before
                s.sendall(line * 100)
                sent += len(line) * 100
        assert sent < 32 << 20, line[:20]
    assert talk(d, b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 5000 + b"\r\n") == 431
    assert d.rss_mb() < before + 40 + h.MEMORY_SLACK_MB
    assert d.value("1") == 1


def test_chunked_bodies_good_and_bad(d):
    form = b"query=1%2B1&time=0"
    ones = b"".join(b"1\r\n%c\r\n" % c for c in form)
    for body in (ones + b"0\r\n\r\n", b"%x;ext=\"1\"\r\n%s\r\n0\r\nTrailer: x\r\n\r\n" % (len(form), form), b"00012\r\n" + form + b"\r\n000\r\n\r\n"):
        with d.connect() as s:
            s.sendall(CHUNKED + body + HEALTHY)
            f = s.makefile("rb")
            assert json.loads(h.read_answer(f)[2])["data"]["result"] == [0, "2"]
            assert h.read_answer(f)[0] == 200     # the next request begins right behind
    for body in (b"zz\r\n", b"-1\r\n", b"ffffffffffffffffff\r\n", b"5\r\nabcdefgh\r\n", b"1\nq\n0\n\n", b"0x5\r\nquery\r\n0\r\n\r\n", b" 5\r\nquery\r\n0\r\n\r\n",
                 b"5 \r\n\0", b"5;" + b"x" * 200_000 + b"\r\nquery\r\n0\r\n\r\n", b"0\r\n" + b"T: x\r\n" * 50_000 + b"\r\n"):
        assert talk(d, CHUNKED + body) in (400, 413, 431), body[:30]
    for head in (b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: identity", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
                 b"Transfer-Encoding: xchunked", b"Transfer-Encoding: chunked\r\nContent-Length: 3", b"Content-Length: +3", b"Content-Length: 3, 3",
                 b"Content-Length: 0x3", b"Content-Length: 99999999999999999999", b"Content-Length: -1", b"Transfer-Encoding:\x0bchunked"):
        assert talk(d, b"POST /api/v1/query HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n\r\n0\r\n\r\nGET /") in (400, 413, 501), head
    # More than a route takes: refused while it comes.
    sent = 0
    with d.connect() as s, contextlib.suppress(ConnectionError):
        s.sendall(CHUNKED.replace(b"query", b"write", 1).replace(b"x-www-form-urlencoded", b"x-protobuf"))
        while sent < 256 << 20:
            s.sendall(b"100000\r\n" + b"x" * (1 << 20) + b"\r\n")
            sent += 1 << 20
    assert sent < 100 << 20
    assert d.value("1") == 1


def test_one_byte_at_a_time(d):
    text = FORM + b"Content-Length: 18\r\n\r\nquery=1%2B1&time=0" + CHUNKED + b"12\r\nquery=1%2B2&time=0\r\n0\r\n\r\n" + HEALTHY
    with d.connect() as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(len(text)):
            s.send(text[i:i + 1])
        f = s.makefile("rb")
        assert json.loads(h.read_answer(f)[2])["data"]["result"] == [0, "2"]
        assert json.loads(h.read_answer(f)[2])["data"]["result"] == [0, "3"]
        assert h.read_answer(f)[0] == 200


def test_pipelines_of_all_kinds(d):
    fds = d.n_fds()
    query = b"GET /api/v1/query?query=%d&time=0 HTTP/1.1\r\nHost: x\r\n\r\n"
    # Far more than is kept for later, sent before the first answer is read.
    n = 20_000
    with d.connect() as s:
        f = s.makefile("rb")

        def send():
            s.sendall(b"".join(query % i for i in range(n)))

        def read():
            for i in range(n):
                status, _, body = h.read_answer(f)
                assert status == 200 and json.loads(body)["data"]["result"] == [0, str(i)]

        h.in_threads(2, lambda k: (send, read)[k]())
    # Sent, and gone without a look at the answers.
    for _ in range(20):
        with d.connect() as s:
            s.sendall(b"".join(query % i for i in range(500)))
    # A bad one in the middle ends the connection behind the good ones' answers.
    with d.connect() as s:
        s.sendall(query % 1 + query % 2 + b"BAD\r\n\r\n" + query % 3)
        f = s.makefile("rb")
        assert [h.read_answer(f)[0] for _ in range(4)] == [200, 200, 400, None]
    settled(d, fds)


def test_slow_loris_is_shown_the_door(run):
    """Heads that never end, bodies that stop, silence: all are closed by deadlines while others are served."""
    d = run(h.Tsdbd, flags=["--web.max-connections=40"]).start()
    fds = d.n_fds()
    socks = []
    for i in range(30):
        s = d.connect()
        s.sendall([b"", b"GET / HTTP/1.1\r\nHost: x\r\nX-a: ", CHUNKED + b"5\r\n", b"\r\n"][i % 4])
        s.setblocking(False)
        socks.append(s)
    began = time.monotonic()

    def all_heads_closed():
        asked = time.monotonic()
        assert d.value("1") == 1
        assert time.monotonic() - asked < 2
        n = 0
        for i, s in enumerate(socks):
            if i % 4 == 2:
                n += 1      # bodies may take longer: 30 s
                continue
            try:
                if i % 4 == 1:
                    s.send(b"y")
                n += not s.recv(4096).startswith(b"HTTP/1.1 408") and not s.recv(4096)
            except BlockingIOError:
                pass
            except OSError:
                n += 1
        return n == len(socks)

    h.wait_for("slow heads are closed", all_heads_closed, timeout=25, pause=0.2)
    assert time.monotonic() - began > 5      # but not at once
    for s in socks:
        s.close()
    settled(d, fds)


def test_half_open_connections_do_not_lock_others_out(d):
    """Ten thousand connections that say nothing, or half a sentence; scrapers and people still get through."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    fds, rss, socks = d.n_fds(), d.rss_mb(), []
    try:
        for i in range(min(10_000, hard - 1000)):
            s = socket.socket()
            s.setblocking(False)
            s.connect_ex(("127.0.0.1", d.port))
            socks.append(s)
        for s in socks[::2]:
            with contextlib.suppress(OSError):
                s.send(b"GET / HTTP/1.1\r\nHost: ")
        for _ in range(3):
            h.wait_for("an answer in the crowd", lambda: d.request("GET", "/api/v1/query?query=1", timeout=30)[0] == 200, timeout=40)
        assert d.n_fds() < fds + 700
        assert d.rss_mb() < rss + 100 + h.MEMORY_SLACK_MB
    finally:
        for s in socks:
            s.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    settled(d, fds)


def load(d, n_series, n_samples, step=15):
    for part in range(0, n_series, 500):
        series = [({"__name__": "h", "i": str(i), "pad": "p" * 50}, [((T + k * step) * 1000, float((i * k) % 97)) for k in range(n_samples)])
                  for i in range(part, min(part + 500, n_series))]
        assert d.write(series)[0] == 204


def test_backpressure_of_a_client_that_does_not_read(d):
    """Large answers nobody reads cost their bytes, not more, and hold up no other; the next request finds all as before."""
    load(d, 500, 100)
    fds = d.n_fds()
    q = b"GET /api/v1/query_range?query=h&start=%d&end=%d&step=1 HTTP/1.1\r\nHost: x\r\n\r\n" % (T, T + 1500)
    socks = []
    for _ in range(4):
        s = d.connect()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.sendall(q * 20)
        socks.append(s)
    for _ in range(20):
        assert d.value("count(h)", T + 60) == 500
    with d.connect() as s:
        s.sendall(q)
        status, _, body = h.read_answer(s.makefile("rb"))
    assert status == 200 and len(json.loads(body)["data"]["result"]) == 500
    assert d.rss_mb() < 100 + 8 * len(body) / 2**20 + h.MEMORY_SLACK_MB
    for s in socks:
        s.close()
    settled(d, fds)


# Some ten seconds of work on a fast machine.
HEAVY = "/api/v1/query_range?query=%s&start=%d&end=%d&step=1" % (
    "%2B".join("sum(quantile_over_time(0.%d,h[20m]))" % i for i in range(60)), T, T + 10_000)


@pytest.mark.parametrize("how", ["fin", "rst", "with pipeline"])
def test_aborted_queries_free_their_worker(run, how):
    d = run(h.Tsdbd, BACKFILL, flags=OLD + ["--query.max-concurrency=1"]).start()
    load(d, 500, 100)
    fds = d.n_fds()
    for _ in range(3):
        with d.connect() as s:
            if how == "rst":
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            s.sendall(f"GET {HEAVY} HTTP/1.1\r\nHost: x\r\n\r\n".encode() * (3 if how == "with pipeline" else 1))
            h.wait_for("the query runs", lambda: d.metric("prometheus_engine_queries") >= 1)
        began = time.monotonic()
        assert d.value("1") == 1     # waits for the only place
        assert time.monotonic() - began < 2
        h.wait_for("no query is left", lambda: d.metric("prometheus_engine_queries") == 0, timeout=2)
    settled(d, fds)
