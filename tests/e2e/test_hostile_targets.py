"""Targets that hang, drip, lie, flood, explode and send in circles: each costs its own scrape and nothing else."""
import contextlib
import gzip
import socket
import time
import zlib

import harness as h
import pytest

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n"
PAGE = b"good 1\n"


def once(data, then=None):
    def answer(c, n):
        h.read_head(c)
        c.sendall(data)
        if then:
            then(c)
    return answer


def reset(c):
    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def forever(data, pause=0):
    def then(c):
        while True:
            c.sendall(data)
            if pause:
                time.sleep(pause)
    return then


def length(body, n=None):
    return b"Content-Length: %d\r\n\r\n" % (len(body) if n is None else n) + body


GZ = OK + b"Content-Encoding: gzip\r\n"


def bomb(parts):
    """parts(): runs of bytes; packed when the first one asks."""
    packed = []

    def answer(c, n):
        if not packed:
            z = zlib.compressobj(1, zlib.DEFLATED, 31)
            packed.append(b"".join(z.compress(p) for p in parts()) + z.flush())
        once(GZ + length(packed[0]))(c, n)
    return answer


def mib(line, n):
    block = line * ((1 << 20) // len(line))
    return lambda: (block for _ in range(n))


def many(line, n):
    return lambda: (b"".join(line.replace(b"%", b"%d" % i) for i in range(k, k + 10_000)) for k in range(0, n, 10_000))
WRONG = {
    # name: (answer, part of lastError)
    "silent": (lambda c, n: h.hang(c), "context deadline exceeded"),
    "closes at once": (lambda c, n: None, ""),
    "resets at once": (lambda c, n: reset(c), ""),
    "resets after the request": (lambda c, n: (h.read_head(c), reset(c)), ""),
    "hangs after the head": (once(OK + b"Content-Length: 7\r\n\r\n", h.hang), "context deadline exceeded"),
    "hangs in the head": (once(b"HTTP/1.1 200 OK\r\nA: ", h.hang), "context deadline exceeded"),
    "hangs in the body": (once(OK + length(b"good 1", 7), h.hang), "context deadline exceeded"),
    "drips the head": (once(b"HTTP/1.1 200 OK\r\n", forever(b"A: b\r\n", 0.02)), "context deadline exceeded"),
    "drips the body": (once(OK + b"Content-Length: 10000\r\n\r\n", forever(b"a", 0.02)), "context deadline exceeded"),
    "drips chunks": (once(OK + b"Transfer-Encoding: chunked\r\n\r\n", forever(b"1\r\n#\r\n", 0.02)), "context deadline exceeded"),
    "body shorter than said": (once(OK + length(PAGE, 100)), "unexpected EOF"),
    "body cut by a reset": (once(OK + length(PAGE, 100), reset), ""),
    "chunked cut": (once(OK + b"Transfer-Encoding: chunked\r\n\r\n7\r\ngood 1\n\r\n"), "unexpected EOF"),
    "chunk size wrong": (once(OK + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\ngood 1\n\r\n0\r\n\r\n"), ""),
    "chunk of 2^64": (once(OK + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", h.hang), ""),
    "length of 2^63": (once(OK + b"Content-Length: 9223372036854775808\r\n\r\n", h.hang), ""),
    "length negative": (once(OK + b"Content-Length: -1\r\n\r\n" + PAGE), ""),
    "lengths disagree": (once(OK + b"Content-Length: 3\r\n" + length(PAGE)), ""),
    "no status line": (once(PAGE), ""),
    "binary": (once(b"\0\1\2\3" * 100), "malformed HTTP"),
    "TLS alert": (once(b"\x15\x03\x01\x00\x02\x02\x46"), "malformed HTTP"),
    "status 99": (once(b"HTTP/1.1 99 X\r\n" + length(PAGE)), ""),
    "status 1e9": (once(b"HTTP/1.1 1000000000 X\r\n" + length(PAGE)), ""),
    "status 500": (once(b"HTTP/1.1 500 Oh\r\n" + length(b"no")), "server returned HTTP status 500 Oh"),
    "status 204": (once(b"HTTP/1.1 204 No Content\r\n\r\n"), "server returned HTTP status 204 No Content"),
    "endless head": (once(b"HTTP/1.1 200 OK\r\n", forever(b"A: " + b"b" * 60_000 + b"\r\n")), ""),
    "a head of lines": (once(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 100_000 + length(PAGE)), ""),
    "endless 100 Continue": (once(b"", forever(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)), "too many 1xx"),
    "endless 103 with headers": (once(b"", forever((b"HTTP/1.1 103 Early Hints\r\nLink: " + b"x" * 10_000 + b"\r\n\r\n") * 10)), "too many 1xx"),
    "endless body": (once(OK + b"\r\n", forever(b"# comment\n" * 10_000)), "body size limit exceeded"),
    "endless line": (once(OK + b"\r\n", forever(b"a" * 100_000)), "body size limit exceeded"),
    "endless trailers": (once(OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", forever(b"A: b\r\n" * 1000)), ""),
    "endless chunk extension": (once(OK + b"Transfer-Encoding: chunked\r\n\r\n1;", forever(b"a" * 10_000)), ""),
    "gzip that is none": (once(GZ + length(PAGE)), "gzip: invalid header"),
    "gzip cut": (once(GZ + length(gzip.compress(PAGE * 100)[:-9])), "unexpected EOF"),
    "gzip with a wrong sum": (once(GZ + length(gzip.compress(PAGE)[:-8] + b"\0" * 8)), "gzip: invalid checksum"),
    "gzip and more": (once(GZ + length(gzip.compress(PAGE) + b"garbage behind it....")), "gzip: invalid header"),
    "gzip of nothing but header": (once(GZ + length(b"\x1f\x8b\x08\0\0\0\0\0\0\3")), "unexpected EOF"),
    "gzip with an endless name": (once(GZ + length(b"\x1f\x8b\x08\x08\0\0\0\0\0\3" + b"n" * 100_000)), "unexpected EOF"),
    "brotli": (once(OK + b"Content-Encoding: br\r\n" + length(b"\x8b\x02\x80" + b"bad{ 1\n")), ""),
    "bomb of zeros": (bomb(mib(b"\0", 200)), "body size limit exceeded"),
    "bomb of one line": (bomb(mib(b"a", 200)), "body size limit exceeded"),
    "bomb of comments": (bomb(mib(b"# 345678\n", 200)), "body size limit exceeded"),
    "bomb of samples": (bomb(mib(b"a 1\n", 100)), "page has more than 1000000 lines"),
    "bomb of series": (bomb(many(b'a{i="%"} 1\n', 1_500_000)), "page has more than 1000000 lines"),
    "bomb of families": (bomb(many(b"# TYPE f% gauge\n# HELP f% help\n", 700_000)), "page has more than 1000000 lines"),
    "bomb of 4 GiB in members": (once(GZ + length(gzip.compress(b"\0" * (16 << 20)) * 256)), "body size limit exceeded"),
    "redirect to itself": (once(b"HTTP/1.1 302 Found\r\nLocation: /metrics\r\n" + length(b"")), "stopped after 10 redirects"),
    "redirect to deeper": (lambda c, n: once(b"HTTP/1.1 307 X\r\nLocation: /%d/%s\r\n" % (n, b"x" * 50_000) + length(b""))(c, n), ""),
    "redirect to a file": (once(b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n" + length(b"")), "unsupported protocol scheme"),
    "redirect to nowhere": (once(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n" + length(b"")), "connection refused"),
    "redirect to nonsense": (once(b"HTTP/1.1 302 Found\r\nLocation: http://[::1\r\n" + length(b"")), ""),
    "redirect without a place": (once(b"HTTP/1.1 302 Found\r\n" + length(b"")), "server returned HTTP status 302 Found"),
}
# Strange, but a page.
RIGHT = {
    "until close": once(OK + b"\r\n" + PAGE),
    "old": once(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n" + PAGE),
    "hints first": once(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + OK + length(PAGE)),
    "chunks of one": once(OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"".join(b"1\r\n%c\r\n" % c for c in PAGE) + b"0\r\n\r\n"),
    "in two members": once(GZ + length(gzip.compress(PAGE[:3]) + gzip.compress(PAGE[3:]))),
    "and an answer too many": once(OK + length(PAGE) + OK + length(b"bad 1\n"), h.hang),
    "by bytes": lambda c, n: (h.read_head(c), c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
                              [c.send(bytes([b])) for b in OK + length(PAGE)]),
}


def config(targets, interval="1s"):
    groups = "\n".join(f"  - targets: ['127.0.0.1:{t.port}']\n    labels: {{what: '{name}'}}" for name, t in targets.items())
    return (f"global: {{scrape_interval: {interval}, scrape_timeout: {interval}}}\nscrape_configs:\n- job_name: t\n  static_configs:\n{groups}\n")


@pytest.fixture
def others(run, tmp_path):
    made = []

    def make(answers):
        made.extend((name, h.RawTarget(a)) for name, a in answers.items())
        return dict(made)

    yield make
    for _, t in made:
        t.stop()


def test_strange_but_right(run, others):
    d = run(h.Tsdbd, config(others(RIGHT))).start()
    h.wait_for("all are up", lambda: {r["metric"]["what"] for r in d.query("good == 1")} == set(RIGHT))
    assert d.query("bad") == []


def test_wrong_in_every_way(run, others, tmp_path):
    """All at once, beside a good target that is scraped as if nothing were."""
    (tmp_path / "other").mkdir()
    good = run(h.Tsdbd, folder=tmp_path / "other").start()
    targets = others({name: answer for name, (answer, _) in WRONG.items()})
    d = run(h.Tsdbd, config(targets, "2s") + f"- job_name: good\n  scrape_interval: 250ms\n  scrape_timeout: 250ms\n"
                                             f"  static_configs: [{{targets: ['127.0.0.1:{good.port}']}}]\n").start()
    h.wait_for("the good one", lambda: d.value('up{job="good"}') == 1)
    since, errors, peak = time.time(), {}, 0

    def all_down_twice():
        nonlocal peak
        peak = max(peak, d.rss_mb())
        rounds = {r["metric"]["what"]: float(r["value"][1]) for r in d.query('count_over_time(up{job="t"}[10m])')}
        for t in d.api("targets")["activeTargets"]:
            errors[t["labels"].get("what")] = t["lastError"]
        return set(rounds) == set(WRONG) and min(rounds.values()) >= 2

    h.wait_for("two rounds of all", all_down_twice, timeout=90, pause=0.1)
    print(*sorted((k or "", v) for k, v in errors.items()), f"peak {peak:.0f} MiB", sep="\n")
    assert d.query('max_over_time(up{job="t"}[10m]) != 0') == []
    assert d.query('{job="t", __name__!~"up|scrape_.*"}') == []      # nothing of a broken page is stored
    for name, (_, text) in WRONG.items():
        assert errors[name] and text in errors[name], (name, errors[name])
    good_times = [t for r in d.query('up{job="good"}[10m]') for t, v in r["values"] if v == "1" and t >= since]
    assert max(b - a for a, b in zip(good_times, good_times[1:])) < 2
    assert peak < 1500 + 4 * h.MEMORY_SLACK_MB
    assert d.n_fds() < 200
    assert d.stop() == 0      # while they hang and drip
