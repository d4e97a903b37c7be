"""Queries that ask for too much get an error or an answer in bounded time and memory, and scrapes go on beside them."""
import json
import threading
import time
import urllib.parse

import harness as h
import pytest

T = 1_700_000_000
N_SERIES, N_SAMPLES = 2000, 240     # at 15 s: an hour


@pytest.fixture
def busy(run, tmp_path):
    """A server with half a million samples that scrapes another four times a second."""
    (tmp_path / "other").mkdir()
    other = run(h.Tsdbd, folder=tmp_path / "other").start()
    d = run(h.Tsdbd, "global: {scrape_interval: 250ms, scrape_timeout: 250ms}\nstorage: {tsdb: {out_of_order_time_window: 31d}}\n"
            f"scrape_configs:\n- job_name: t\n  static_configs: [{{targets: ['127.0.0.1:{other.port}']}}]\n",
            flags=["--storage.tsdb.retention.time=100y", "--query.timeout=5s"]).start()
    for part in range(0, N_SERIES, 200):
        series = [({"__name__": "h", "i": str(i), "j": str(i % 10), "host": f"host-{i % 50}.example.net"},
                   [((T + k * 15) * 1000, float(i * k % 1009)) for k in range(N_SAMPLES)]) for i in range(part, part + 200)]
        assert d.write(series)[0] == 204
    h.wait_for("scraped", lambda: d.value("up") == 1)
    return d


def gaps(d, since, until):
    """Seconds between good scrapes, the ends included."""
    up = d.query("up[%dms]" % ((until - since) * 1000), until)
    times = [since] + [t for r in up for t, v in r["values"] if v == "1"] + [until]
    return [b - a for a, b in zip(times, times[1:])]


def ask(d, q, **params):
    """(status, errorType or None, seconds) of a query by POST."""
    form = urllib.parse.urlencode(dict(query=q, **params))
    began = time.monotonic()
    status, body, _ = d.request("POST", "/api/v1/query_range" if "step" in params else "/api/v1/query", form,
                                {"Content-Type": "application/x-www-form-urlencoded"}, timeout=120)
    kind = json.loads(body)["errorType"] if body.startswith(b'{"status":"error"') else None
    return status, kind, time.monotonic() - began


RANGE = {"start": T, "end": T + 10_999, "step": 1}
DEATH = [
    # (expression, parameters)
    ('{__name__=~".+"} * on() group_left() {__name__=~".+"}', {"time": T + 60}),
    ('{__name__=~".+"}', RANGE),
    ('h * on(i) group_left() h', RANGE),
    ('h + on(j) group_right() h', RANGE),
    ('h[10y]', {"time": T + 3600}),
    ('h[1h:1ms]', {"time": T + 3600}),
    ('max_over_time(h[1h:1ms])', {"time": T + 3600}),
    ('sum(max_over_time(min_over_time(h[30m:1s])[30m:1s]))', RANGE),
    ('sum_over_time(sum_over_time(sum_over_time(sum_over_time(count(h)[1h:1s])[1h:1s])[1h:1s])[1h:1s])', {"time": T + 3600}),
    ('count_over_time(vector(1)[10y:1ms])', {"time": T}),
    ('sum_over_time(vector(1)[1000y:1s])', {"time": T}),
    ('quantile(0.5, h)', RANGE),
    ('quantile by (i) (0.9, h)', RANGE),
    ('quantile_over_time(0.99, h[1h])', RANGE),
    ('topk(2000, h)', RANGE),
    ('count_values("v", h)', RANGE),
    ('sort_desc(h)', RANGE),
    ('label_replace(h, "x", "$1$1$1$1$1$1$1$1", "host", "(.*)")', RANGE),
    ('label_join(' * 200 + 'h' + ', "i", ",", "i", "i")' * 200, {"time": T + 60}),
    ('label_join(' * 30 + 'h' + ', "i", ",", "i", "i", "i", "i")' * 30, {"time": T + 60}),
    ('h{host=~"(a*)*b|.*(x|y|z){1,1000}.*|(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)[xyz]"}', {"time": T + 60}),
    ('{host=~"((((((((((x?){30}){30}){30}){30}){30}){30}){30}){30}){30}){30}"}', {"time": T + 60}),
    ('{host=~"' + "|".join("host-%d.*" % i for i in range(8000)) + '"}', {"time": T + 60}),
    ('{host=~"' + "(" * 30_000 + ")" * 30_000 + '"}', {"time": T + 60}),
    ('{host=~"[' + "".join(map(chr, range(0x4E00, 0x4E00 + 15_000))) + ']+"}', {"time": T + 60}),
    ('{' + ",".join('l%d!=""' % i for i in range(20_000)) + '}', {"time": T + 60}),
    ('+'.join(["h"] * 900), RANGE),
    (' or '.join(["h"] * 900), RANGE),
    ('sum by (' + ",".join("l%d" % i for i in range(50_000)) + ') (h)', {"time": T + 60}),
    ('h offset 300y', RANGE), ('h @ 9999999999999', RANGE), ('h[290y] offset -290y', {"time": T}),
    ('absent_over_time(h{i="x"}[1h:1s])', RANGE), ('histogram_quantile(0.5, h)', RANGE),
    ('predict_linear(h[1h], 1e308)', RANGE), ('1e308 * 1e308 - 1e308 * 1e308', RANGE), ('round(h, 1e-308)', {"time": T + 60}),
]


def test_queries_of_death(busy):
    d = busy
    slowest, over = [], threading.Event()

    def watch():
        """Small questions are answered, whatever else runs."""
        while not over.wait(0.1):
            began = time.monotonic()
            assert d.value("1") == 1
            slowest.append(time.monotonic() - began)

    watcher = threading.Thread(target=watch)
    watcher.start()
    outcomes, before, since = [], d.rss_mb(), time.time()
    try:
        for q, params in DEATH:
            status, kind, seconds = ask(d, q, **params)
            outcomes.append((q[:60], status, kind, round(seconds, 2), round(d.rss_mb())))
            assert (status, kind) in ((200, None), (422, "execution"), (400, "bad_data"), (503, "timeout"), (503, "canceled")), outcomes[-1]
            assert seconds < 10, outcomes[-1]     # 5 s are the time-out
    finally:
        over.set()
        watcher.join()
        print(*outcomes, sep="\n")
    assert max(gaps(d, since, time.time())) < 2
    assert max(slowest) < 3
    # What they took has been given back, but for what the allocator keeps.
    assert d.rss_mb() < before + 600 + 4 * h.MEMORY_SLACK_MB
    assert d.value("up") == 1


def test_many_at_once_and_scrapes_go_on(busy):
    """All query places taken by the worst for some seconds, more waiting: scrapes, writes and the rest of the API go on."""
    d = busy
    since, statuses = time.time(), []

    def one(k):
        q, params = DEATH[(k * 5) % 20]
        statuses.append(ask(d, q, timeout="3s", **params)[0])

    def writer(_):
        for n in range(100):
            assert d.write([({"__name__": "w", "id": str(i)}, [(T * 1000 + n, 1.0)]) for i in range(50)])[0] == 204
            assert d.get("/-/healthy")[0] == 200
            assert d.api("targets")["activeTargets"][0]["health"] == "up"

    h.in_threads(25, lambda k: writer(k) if k == 24 else one(k))
    assert set(statuses) <= {200, 400, 422, 503}
    assert max(gaps(d, since, time.time())) < 2
    assert d.value("count_over_time(w{id='7'}[1s])", T + 0.5) == 100
    h.wait_for("all is well", lambda: d.value("sum(up)") == 1)


def test_the_sample_budget_is_an_error(run):
    d = run(h.Tsdbd, "storage: {tsdb: {out_of_order_time_window: 31d}}\n",
            flags=["--storage.tsdb.retention.time=100y", "--query.max-samples=1000"]).start()
    assert d.write([({"__name__": "s", "i": str(i)}, [((T + k) * 1000, 1.0) for k in range(200)]) for i in range(10)])[0] == 204
    for q, params in (("s[5m]", {"time": T + 200}), ("s", dict(start=T, end=T + 199, step=1)), ("sum(s)[10m:100ms]", {"time": T + 300})):
        status, kind, _ = ask(d, q, **params)
        assert (status, kind) == (422, "execution"), q
    assert ask(d, "sum(s)", time=T + 100)[0] == 200


def test_the_time_limit_is_an_error(busy):
    q = "+".join("sum(quantile_over_time(0.%d, h[1h]))" % i for i in range(100))
    status, kind, seconds = ask(busy, q, timeout="500ms", **RANGE)
    assert (status, kind) == (503, "timeout") and seconds < 3
