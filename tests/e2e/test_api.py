"""The HTTP API as its clients meet it: parameters, errors, limits, hostile requests, clients that leave."""
import gzip
import http.client
import json
import socket
import threading
import time

import harness as h
import pytest

T = 1_700_000_000


@pytest.fixture
def loaded(run):
    d = run(h.Tsdbd, "global: {evaluation_interval: 1m}\nstorage: {tsdb: {out_of_order_time_window: 31d}}\n",
            flags=["--storage.tsdb.retention.time=100y"]).start()
    series = []
    for host in "abc":
        labels = {"__name__": "req_total", "host": host, "job": "j"}
        series.append((labels, [((T + i * 15) * 1000, float(i * (ord(host) - 96))) for i in range(241)]))
    assert d.write(series)[0] == 204
    return d


def test_instant_and_range_shapes(loaded):
    d = loaded
    assert d.api("query", query="1+1", time=4) == {"resultType": "scalar", "result": [4, "2"]}
    assert d.api("query", query='"a"', time=4) == {"resultType": "string", "result": [4, "a"]}
    data = d.api("query", query='req_total{host="a"}', time=T + 60)
    assert data == {"resultType": "vector", "result": [{"metric": {"__name__": "req_total", "host": "a", "job": "j"}, "value": [T + 60, "4"]}]}
    data = d.api("query_range", query="sum(rate(req_total[1m]))", start=T + 600, end=T + 900, step="1m")
    assert data["resultType"] == "matrix" and len(data["result"][0]["values"]) == 6
    assert float(data["result"][0]["values"][0][1]) == pytest.approx(6 / 15)
    assert d.api("query", query="nothing", time=T) == {"resultType": "vector", "result": []}


def test_post_form_is_the_same(loaded):
    status, body, _ = loaded.request("POST", "/api/v1/query", "query=count(req_total)&time=%d" % (T + 60),
                                     {"Content-Type": "application/x-www-form-urlencoded"})
    assert status == 200 and json.loads(body)["data"]["result"][0]["value"] == [T + 60, "3"]


@pytest.mark.parametrize("path,params,status,kind,text", [
    ("query", {"query": "sum("}, 400, "bad_data", 'invalid parameter "query": 1:5: parse error: unclosed left parenthesis'),
    ("query", {"query": "1", "time": "x"}, 400, "bad_data", 'invalid parameter "time": invalid time value for \'time\': cannot parse "x" to a valid timestamp'),
    ("query_range", {"query": "1", "start": "0", "end": "11001", "step": "1"}, 400, "bad_data", "exceeded maximum resolution of 11,000 points"),
    ("query_range", {"query": "1", "start": "9", "end": "1", "step": "1"}, 400, "bad_data", "end timestamp must not be before start time"),
    ("query_range", {"query": "1", "start": "0", "end": "1", "step": "0"}, 400, "bad_data", "zero or negative query resolution step widths"),
    ("query", {"query": 'req_total * on(job) req_total', "time": str(T)}, 422, "execution", "many-to-many matching not allowed"),
    ("series", {}, 400, "bad_data", "no match[] parameter provided"),
    ("series", {"match[]": '{a=""}'}, 400, "bad_data", "match[] must contain at least one non-empty matcher"),
    ("labels", {"match[]": "{"}, 400, "bad_data", "1:2: parse error: unexpected end of input inside braces"),
    ("query", {"query": "1", "timeout": "?"}, 400, "bad_data", 'invalid parameter "timeout": cannot parse "?" to a valid duration'),
    ("query", {"query": "1", "limit": "-1"}, 400, "bad_data", "limit must be non-negative"),
])
def test_errors_read_as_prometheus(loaded, path, params, status, kind, text):
    got = loaded.error(path, **params)
    assert got[:2] == (status, kind) and text in got[2], got


def test_labels_series_and_limits(loaded):
    d = loaded
    assert d.api("labels") == ["__name__", "host", "job"]
    assert d.api("label/host/values") == ["a", "b", "c"]
    assert d.api("label/host/values", **{"match[]": 'req_total{host=~"b|c"}'}) == ["b", "c"]
    assert [s["host"] for s in d.api("series", **{"match[]": ['req_total{host="a"}', "req_total"]})] == ["a", "b", "c"]
    assert d.api("labels", start=1, end=2) == []
    status, body = d.get("/api/v1/label/host/values", limit=2)
    answer = json.loads(body)
    assert answer["data"] == ["a", "b"] and answer["warnings"] == ["results truncated due to limit"]


def test_format_and_parse_query(loaded):
    assert loaded.api("format_query", query="foo/bar") == "foo / bar"
    assert loaded.api("parse_query", query="foo")["type"] == "vectorSelector"


def test_gzip_cors_options_404_405(loaded):
    q = "/api/v1/query_range?query=req_total&start=%d&end=%d&step=15" % (T, T + 3600)
    plain = loaded.request("GET", q)[1]
    status, body, head = loaded.request("GET", q, headers={"Accept-Encoding": "gzip"})
    assert head["content-encoding"] == "gzip" and gzip.decompress(body) == plain
    assert loaded.request("GET", "/api/v1/labels", headers={"Origin": "https://x.test"})[2]["access-control-allow-origin"] == "https://x.test"
    assert loaded.request("OPTIONS", "/api/v1/query")[0] == 204
    assert loaded.request("GET", "/api/v1/no_such")[0] == 404
    assert loaded.request("DELETE", "/api/v1/labels")[0] == 405


def test_metrics_page_is_exposition_text(loaded):
    status, body = loaded.get("/metrics")
    assert status == 200
    code, _, err = h.ctl("check", "metrics", "--extended", "--lint=none", stdin=body)
    assert code == 0, err
    for name in (b"prometheus_tsdb_head_series 3", b"process_resident_memory_bytes ", b"prometheus_build_info{", b"prometheus_http_requests_total{"):
        assert name in body


def test_flags_close_admin_lifecycle_and_write(run):
    d = run(h.Tsdbd)
    plain = [a for a in d.argv() if "enable" not in a]
    d.argv = lambda: plain
    d.start()
    assert d.request("POST", "/api/v1/admin/tsdb/delete_series?match[]=a")[0] == 503
    assert d.request("POST", "/-/reload")[0] == 403
    assert d.write([({"__name__": "a"}, [(1, 1.0)])])[0] == 404


def test_reload_keeps_the_old_configuration_on_error(run):
    d = run(h.Tsdbd, "global: {scrape_interval: 11s}\n").start()
    d.write_config("global: {scrape_interval: 12s}\n")
    assert d.request("POST", "/-/reload")[0] == 200
    assert "scrape_interval: 12s" in d.api("status/config")["yaml"]
    d.write_config("global:\n  nonsense: 1\n")
    status, body, _ = d.request("POST", "/-/reload")
    assert status == 500 and b"line 2" in body and b"nonsense" in body
    assert "scrape_interval: 12s" in d.api("status/config")["yaml"]
    assert d.api("status/runtimeinfo")["reloadConfigSuccess"] is False
    d.write_config("global: {scrape_interval: 13s}\n")
    d.proc.send_signal(1)   # SIGHUP
    h.wait_for("reloaded", lambda: "scrape_interval: 13s" in d.api("status/config")["yaml"])


# ---- hostile ----

def raw(d, data, timeout=20):
    """What the server answers to these bytes until it closes."""
    with socket.create_connection(("127.0.0.1", d.port), timeout=timeout) as s:
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)
        got = b""
        while part := s.recv(65536):
            got += part
        return got


def test_hostile_queries_are_errors(loaded):
    d = loaded
    deep = [("(" * 10_000 + "1" + ")" * 10_000), "-" * 10_000 + "1", "abs(" * 10_000 + "x" + ")" * 10_000, "1" + "+1" * 100_000,
            "x" + "[1m:1m]" * 1, "{a=~\"" + "(" * 10_000 + "\"}", "a" * 2_000_000, "\x00", "{__name__=~\"(a|b){1000}{1000}\"}"]
    for q in deep:
        status, body, _ = d.request("POST", "/api/v1/query", "query=" + h.urllib.parse.quote(q), {"Content-Type": "application/x-www-form-urlencoded"})
        assert status in (200, 400, 413, 422), (q[:30], status)
        json.loads(body)
    assert d.value("1") == 1


def test_malformed_http_never_hurts(loaded):
    ok = b"GET /-/healthy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert raw(loaded, ok).startswith(b"HTTP/1.1 200")
    for bad in (b"\x00\x01\x02\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET / HTTP/1.1\r\nA:" + b"b" * 2_000_000 + b"\r\n\r\n",
                b"POST /api/v1/query HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                b"POST /api/v1/query HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
                b"POST /api/v1/query HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"):
        try:
            answer = raw(loaded, bad)
        except OSError:
            answer = b""
        assert answer == b"" or answer.split(b" ")[1] in (b"400", b"413", b"431", b"501", b"505"), (bad[:40], answer[:60])
    for path in ("/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd", "/api/v1/label/%00/values", "/api/v1/query?query=%zz"):
        assert loaded.request("GET", path)[0] in (200, 301, 307, 400, 404), path
    assert loaded.value("1") == 1


def test_pipelined_requests_are_answered_in_order(loaded):
    one = b"GET /api/v1/query?query=%d&time=0 HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.create_connection(("127.0.0.1", loaded.port), timeout=20) as s:
        s.sendall(b"".join(one % i for i in range(50)))
        f = s.makefile("rb")
        for i in range(50):
            r = f.readline()
            assert r.startswith(b"HTTP/1.1 200"), r
            length = 0
            while (line := f.readline()) != b"\r\n":
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            assert json.loads(f.read(length))["data"]["result"] == [0, str(i)]


def test_many_clients_at_once(loaded):
    faults = []

    def client(k):
        c = http.client.HTTPConnection("127.0.0.1", loaded.port, timeout=60)
        for i in range(40):
            c.request("GET", "/api/v1/query?query=sum(req_total)&time=%d" % (T + 15 * i))
            r = c.getresponse()
            got = json.loads(r.read())["data"]["result"][0]["value"][1]
            if got != str(i * 6):
                faults.append((k, i, got))
        c.close()

    threads = [threading.Thread(target=client, args=(k,)) for k in range(16)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert faults == []
