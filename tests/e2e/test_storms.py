"""Everything at once, and then a signal, or no descriptors, or no power: clean ends, nothing acknowledged lost."""
import contextlib
import http.client
import os
import random
import resource
import signal
import socket
import threading
import time

import harness as h
import pytest

HEAVY = "/api/v1/query_range?query=%s&start=%d&end=%d&step=1"


def now_ms():
    return int(time.time() * 1000)


class Ledger:
    """What was sent, {(by, id): {ms: {values}}}, and what of it was acknowledged, {(by, id): {ms: value}}."""

    def __init__(self):
        self.sent, self.acked, self.lock = {}, {}, threading.Lock()


class Storm:
    """Clients of all kinds, until stop()."""

    def __init__(self, d, ledger, seed):
        self.d, self.ledger, self.rnd, self.over, self.n_acked = d, ledger, random.Random(seed), threading.Event(), 0
        acts = (self.write, self.write, self.query, self.heavy, self.abandon, self.loris, self.unread, self.other)
        self.threads = [threading.Thread(target=self.loop, args=(act, i), daemon=True) for i, act in enumerate(acts)]
        for t in self.threads:
            t.start()

    def loop(self, act, i):
        while not self.over.is_set():
            with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
                act(str(i))

    def stop(self):
        self.over.set()
        for t in self.threads:
            t.join()

    def write(self, name):
        t, series = now_ms(), []
        for i in range(20):
            value = self.rnd.choice([float(self.rnd.randrange(1000)), self.rnd.random()])
            series.append(({"__name__": "storm", "by": name, "id": str(i)}, [(t, value)]))
        book = self.ledger
        with book.lock:
            for labels, ((ms, v),) in series:
                book.sent.setdefault((labels["by"], labels["id"]), {}).setdefault(ms, set()).add(v)
        status, _ = self.d.write(series)
        if status == 204:
            with book.lock:
                for labels, ((ms, v),) in series:
                    book.acked.setdefault((labels["by"], labels["id"]), {})[ms] = v
                self.n_acked += 1
        time.sleep(0.002)

    def query(self, _):
        q = self.rnd.choice(["sum(storm)", "rate(storm[1m])", "count({__name__!=''})", "topk(3, storm)", "storm[10s]"])
        self.d.request("GET", "/api/v1/query?query=" + h.urllib.parse.quote(q), timeout=10)

    def heavy(self, _):
        t = int(time.time())
        q = "%2B".join("sum(quantile_over_time(0.%d,{by!=''}[1m]))" % i for i in range(40))
        self.d.request("GET", HEAVY % (q, t - 5000, t, ), timeout=10)

    def abandon(self, _):
        t = int(time.time())
        with self.d.connect(5) as s:
            s.sendall((f"GET {HEAVY % ('storm', t - 10_000, t)} HTTP/1.1\r\nHost: x\r\n\r\n" * 3).encode())
            time.sleep(self.rnd.random() / 20)

    def loris(self, _):
        with self.d.connect(5) as s:
            s.sendall(b"POST /api/v1/write HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n")
            for _ in range(5):
                time.sleep(0.02)
                s.sendall(b"x")

    def unread(self, _):
        t = int(time.time())
        with self.d.connect(5) as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            s.sendall(f"GET {HEAVY % ('storm%20or%20up', t - 10_000, t)} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            self.over.wait(1)

    def other(self, _):
        for path in ("labels", "label/by/values", "series?match[]=storm", "targets", "metadata", "status/tsdb", "status/config"):
            self.d.request("GET", "/api/v1/" + path, timeout=10)
        self.d.request("GET", "/metrics", timeout=10)


@pytest.fixture
def targets():
    def drip(c, n):
        h.read_head(c)
        c.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
        while True:
            c.sendall(b"# x\n")
            time.sleep(0.05)

    def page(c, n):
        while True:
            h.read_head(c)
            body = b"".join(b'scraped{i="%d"} %d\n' % (i, n * i) for i in range(n % 7 * 100)) + b"beat %d\n" % n
            c.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    made = [h.RawTarget(a) for a in (page, page, drip, lambda c, n: h.hang(c))]
    yield made
    for t in made:
        t.stop()


def config(targets, extra=""):
    return ("global: {scrape_interval: 200ms, scrape_timeout: 200ms}\nscrape_configs:\n- job_name: t\n"
            f"  static_configs: [{{targets: {['127.0.0.1:%d' % t.port for t in targets]}}}]\n{extra}")


def check(d, book, at_s, what):
    """All that was acknowledged is there, and nothing that was never sent."""
    got = {(r["metric"]["by"], r["metric"]["id"]): {round(t * 1000): float(v) for t, v in r["values"]} for r in d.query("storm[1h]", at_s)}
    for key, samples in book.acked.items():
        stored = got.get(key, {})
        missing = [ms for ms in samples if ms not in stored]
        assert not missing, (what, key, missing[:3], len(missing), len(samples))
    for key, samples in got.items():
        for ms, v in samples.items():
            assert v in book.sent[key].get(ms, ()), (what, key, ms, v)


def test_sigterm_in_the_middle(run, targets):
    seed = random.randrange(1 << 30)
    d, book = run(h.Tsdbd, config(targets)), Ledger()
    for round_ in range(6):
        d.start()
        storm = Storm(d, book, seed + round_)
        h.wait_for("it storms", lambda: storm.n_acked > 20 + 20 * round_)
        began = time.monotonic()
        d.proc.send_signal(signal.SIGTERM if round_ % 2 else signal.SIGINT)
        code = d.proc.wait(40)
        took = time.monotonic() - began
        storm.stop()
        assert code == 0, (seed, round_, d.log_text()[-3000:])
        assert took < (30 if h.MEMORY_SLACK_MB else 12), (round_, took)
        d.proc = None
        d.start()
        check(d, book, time.time() + 1, (seed, round_))
        assert d.stop() == 0


def test_second_signal_ends_it_at_once(run):
    d = run(h.Tsdbd).start()
    with d.connect() as s:      # an answer nobody reads holds up the first
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        t = now_ms()
        assert d.write([({"__name__": "x", "i": str(i)}, [(t, 1.0)]) for i in range(500)])[0] == 204
        s.sendall(f"GET {HEAVY % ('x', t // 1000 - 1, t // 1000 + 10_000)} HTTP/1.1\r\nHost: x\r\n\r\n".encode() * 10)
        h.wait_for("asked", lambda: d.metric("prometheus_engine_query_duration_seconds_count{slice=\"inner_eval\"}"))
        d.proc.send_signal(signal.SIGTERM)
        h.wait_for("stopping", lambda: "Stopping" in d.log_text())
        began = time.monotonic()
        d.proc.send_signal(signal.SIGTERM)
        code = d.proc.wait(10)
        assert code in (0, 1) and time.monotonic() - began < 4
        d.proc = None
    d.start()
    assert d.value("count(x)", t / 1000) == 500


def test_kill_9_twenty_times_in_the_middle(run, targets):
    seed = random.randrange(1 << 30)
    d, book = run(h.Tsdbd, config(targets[:2])), Ledger()
    for round_ in range(20):
        d.start()
        storm = Storm(d, book, seed + round_)
        h.wait_for("it storms", lambda: storm.n_acked > 5 + round_ * 10)
        d.kill()
        storm.stop()
        d.start()
        check(d, book, time.time() + 1, (seed, round_))
        # Scrapes: times only grow, the beat too.
        for r in d.query("beat[1h]", time.time() + 1):
            times = [t for t, _ in r["values"]]
            assert times == sorted(set(times)), (seed, round_)
        if round_ % 5 == 4:
            assert d.stop() == 0
        else:
            d.kill()
    d.start()
    check(d, book, time.time() + 1, (seed, "end"))


def test_sighup_storm(run, targets, tmp_path):
    """Reloads by the hundred, good and bad, by signal and by HTTP: the last one counts, scrapes and answers go on."""
    rules = tmp_path / "rules.yml"
    rules.write_text("groups:\n- name: g\n  rules:\n  - record: a:b\n    expr: sum(up)\n")
    good = [config(targets[:2], f"  metric_relabel_configs: [{{target_label: v, replacement: '{i}'}}]\n") for i in range(3)]
    good.append(config(targets[:2]) + f"rule_files: ['{rules}']\n")
    bad = ["global: {nonsense: 1}\n", "\0", "scrape_configs: 7\n", "", "scrape_configs:\n- job_name: a\n- job_name: a\n", "&a [*a, *a]\n" * 10]
    d = run(h.Tsdbd, good[0]).start()
    h.wait_for("scraped", lambda: len(d.query("beat")) == 2)
    fds, seed = d.n_fds(), random.randrange(1 << 30)
    over, slowest = threading.Event(), [0]

    def signals():
        rnd = random.Random(seed)
        while not over.is_set():
            text = rnd.choice(good + bad)
            with open(d.config_path + ".new", "w", encoding="utf-8") as f:
                f.write(text)
            os.replace(d.config_path + ".new", d.config_path)
            d.proc.send_signal(signal.SIGHUP)
            time.sleep(rnd.random() / 100)

    def posts(_):
        for _ in range(60):
            assert d.request("POST", "/-/reload")[0] in (200, 500)

    def asks(_):
        for _ in range(200):
            began = time.monotonic()
            assert d.value("1") == 1 and d.api("targets")["activeTargets"] is not None and d.api("status/config")
            slowest[0] = max(slowest[0], time.monotonic() - began)

    t = threading.Thread(target=signals)
    t.start()
    try:
        h.in_threads(6, lambda k: (posts if k < 4 else asks)(k))
    finally:
        over.set()
        t.join()
    assert slowest[0] < 2
    d.write_config(good[2])
    assert d.request("POST", "/-/reload")[0] == 200
    h.wait_for("the last one", lambda: len(d.query("beat{v='2'}")) == 2 and d.value("count(up == 1)") == 2)
    h.wait_for("nothing is left over", lambda: d.n_fds() <= fds + 4)
    h.wait_for("others are stale", lambda: d.query("beat{v!='2'}") == [])


def test_without_descriptors(run, targets):
    """`ulimit -n 64`, all taken by others: it waits, and is well again when they are back."""
    d = run(h.Tsdbd, config(targets[:2]))
    plain = d.argv()
    d.argv = lambda: ["sh", "-c", "ulimit -n 64; exec \"$@\"", "sh"] + plain
    d.start()
    h.wait_for("scraped", lambda: d.value("count(beat)") == 2)
    one = http.client.HTTPConnection("127.0.0.1", d.port, timeout=20)     # its place is taken before
    one.connect()
    socks = []
    try:
        for _ in range(100):
            s = socket.socket()
            s.settimeout(5)
            s.connect(("127.0.0.1", d.port))
            s.sendall(b"GET /-/healthy HTTP/1.1\r\n")
            socks.append(s)
        h.wait_for("all descriptors are taken", lambda: d.n_fds() >= 62)
        body = h.snappy(h.write_request([({"__name__": "tight"}, [(now_ms(), 1.0)])]))
        one.request("POST", "/api/v1/write", body, {"Content-Encoding": "snappy"})
        r = one.getresponse()
        assert r.status in (204, 503), r.read()
    finally:
        for s in socks:
            s.close()
        one.close()
    h.wait_for("well again", lambda: d.value("count(beat)") == 2 and d.value("sum(up)") == 2)
    since = time.time()
    h.wait_for("scrapes go on", lambda: (d.value("min(count_over_time(beat[%dms]))" % ((time.time() - since) * 1000 + 1)) or 0) >= 3)
    h.wait_for("written again", lambda: d.write([({"__name__": "tight"}, [(now_ms(), 2.0)])])[0] == 204, timeout=10)
    text = d.log_text()
    assert text.count("Accepting connections fails") < 20     # said, but not for each
    assert d.stop() == 0
    d.start()
    assert d.value("max_over_time(tight[1h])") == 2


def test_disk_full_and_well_again(run, targets):
    """Files may not grow for a while (as on a full disk): asking and scraping go on, writes are refused until it is over; nothing acknowledged is lost."""
    d, book = run(h.Tsdbd, config(targets[:2])), Ledger()
    plain = d.argv()
    d.argv = lambda: ["sh", "-c", "trap '' XFSZ; exec \"$@\"", "sh"] + plain     # too large: an error, not a signal
    d.start()
    for round_ in range(3):
        storm = Storm(d, book, round_)
        h.wait_for("it storms", lambda: storm.n_acked > 20)
        largest = max(os.path.getsize(os.path.join(top, f)) for top, _, files in os.walk(d.data) for f in files)
        resource.prlimit(d.proc.pid, resource.RLIMIT_FSIZE, (largest + 777, resource.RLIM_INFINITY))
        status, text = h.wait_for("writes are refused", lambda: next((x for x in [d.write([({"__name__": "w"}, [(now_ms(), 1.0)])])] if x[0] != 204), None))
        assert status == 503 and "too large" in text, text
        at = d.value("max(timestamp(beat))")
        h.wait_for("scrapes go on in memory", lambda: d.value("max(timestamp(beat))") > at + 0.5)
        storm.stop()
        check(d, book, time.time() + 1, round_)
        resource.prlimit(d.proc.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        h.wait_for("written again", lambda: d.write([({"__name__": "w"}, [(now_ms(), 1.0)])])[0] == 204, timeout=10)
        d.kill() if round_ < 2 else d.stop()
        d.start()
        check(d, book, time.time() + 1, (round_, "after kill -9"))
