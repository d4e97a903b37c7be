"""tsdbctl beside promtool, and on its own."""
import json
import subprocess

import harness as h
import pytest

T = 1_700_000_000


@pytest.fixture
def server(run):
    d = run(h.Tsdbd, "storage: {tsdb: {out_of_order_time_window: 31d}}\n", flags=["--storage.tsdb.retention.time=100y"]).start()
    series = [({"__name__": "m", "a": a}, [((T + i * 15) * 1000, i + 0.5) for i in range(20)]) for a in ("x", "y z", 'q"\n')]
    assert d.write(series)[0] == 204
    return f"http://127.0.0.1:{d.port}"


def promtool(*args):
    p = subprocess.run(["promtool", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    return p.returncode, p.stdout.decode(), p.stderr.decode()


@pytest.mark.skipif(not h.have("promtool"), reason="promtool is not installed")
@pytest.mark.parametrize("args", [
    ["query", "instant", "--time=%d" % (T + 60), "{S}", "m"],
    ["query", "instant", "--time=%d" % (T + 60), "{S}", "m[1m]"],
    ["query", "instant", "--time=%d" % (T + 60), "{S}", "1/3"],
    ["query", "instant", "--time=%d" % (T + 60), "{S}", "nothing"],
    ["query", "range", "--start=%d" % T, "--end=%d" % (T + 60), "--step=15s", "{S}", "sum by (a) (m)"],
    ["query", "series", "--match=m", "--start=%d" % T, "--end=%d" % (T + 60), "{S}"],
    ["query", "labels", "--start=%d" % T, "--end=%d" % (T + 60), "{S}", "a"],
])
def test_same_lines_as_promtool(server, args):
    args = [a.replace("{S}", server) for a in args]
    ours, theirs = h.ctl(*args), promtool(*args)
    assert ours[0] == theirs[0] == 0, (ours, theirs)
    assert sorted(ours[1].splitlines()) == sorted(theirs[1].splitlines())


def test_other_formats(server):
    base = ["query", "instant", "--time=%d" % (T + 60), server, "m"]
    code, out, _ = h.ctl(*base, "-o", "json")
    assert code == 0 and len(json.loads(out)) == 3
    code, out, _ = h.ctl(*base, "--format=csv")
    lines = out.splitlines()
    assert lines[0] == "__name__,a,time,value" and "m,x,%d,4.5" % (T + 60) in lines
    code, out, _ = h.ctl(*base, "-otable")
    assert out.splitlines()[0].split() == ["__name__", "a", "time", "value"]


def test_query_errors_exit_1(server):
    code, out, err = h.ctl("query", "instant", server, "sum(")
    assert code == 1 and out == "" and "parse error" in err
    code, _, err = h.ctl("query", "instant", f"http://127.0.0.1:{h.free_port()}", "up")
    assert code == 1 and "connection refused" in err
    code, _, err = h.ctl("query", "instant", "--time=yesterday", server, "up")
    assert code == 1 and "yesterday" in err


def test_usage():
    code, out, _ = h.ctl()
    assert code == 0 and out.startswith("usage: tsdbctl ")
    code, out, _ = h.ctl("query", "instant", "--help")
    assert code == 0 and out.startswith("usage: tsdbctl query instant ") and "--time" in out
    assert h.ctl("--version")[1].startswith("tsdbctl, version ")
    for args, text in ((["nope"], "nope"), (["query"], "subcommand"), (["query", "instant"], "server"), (["check", "config", "--lnt=1", "x"], "lnt"),
                       (["query", "instant", "a", "b", "c"], "unexpected c"), (["query", "series", "x"], "--match")):
        code, _, err = h.ctl(*args)
        assert code == 1 and text in err and err.startswith("tsdbctl: error: "), (args, err)
    for shell in ("bash", "zsh", "fish"):
        assert "instant" in h.ctl("completion", shell)[1]
    script = h.ctl("completion", "bash")[1]
    assert subprocess.run(["bash", "-n"], input=script.encode()).returncode == 0


def test_check_config(tmp_path):
    good, bad, rules = tmp_path / "good.yml", tmp_path / "bad.yml", tmp_path / "rules.yml"
    rules.write_text("groups:\n- name: g\n  rules:\n  - record: a:b\n    expr: sum(up)\n")
    good.write_text("rule_files: [rules.yml]\nscrape_configs:\n- job_name: a\n  static_configs: [{targets: ['x:1']}]\n")
    bad.write_text("scrape_configs:\n- job_name: a\n- job_name: a\n")
    code, out, _ = h.ctl("check", "config", str(good))
    assert code == 0 and "SUCCESS: 1 rule files found" in out and "is valid prometheus config file syntax" in out and "SUCCESS: 1 rules found" in out
    code, _, err = h.ctl("check", "config", str(bad))
    assert code == 1 and 'found multiple scrape configs with job name "a"' in err
    rules.write_text("groups:\n- name: g\n  rules:\n  - record: a:b\n    expr: sum(\n")
    code, _, err = h.ctl("check", "config", str(good))
    assert code == 1 and "parse error" in err


def test_check_metrics():
    assert h.ctl("check", "metrics", stdin=b"# HELP a_total A.\n# TYPE a_total counter\na_total 1\n")[0] == 0
    code, _, err = h.ctl("check", "metrics", stdin=b"# TYPE jobs counter\njobs 1\n")
    assert code == 3 and "no help text" in err and '"_total" suffix' in err
    assert h.ctl("check", "metrics", stdin=b"broken{ 1\n")[0] == 1


def test_check_health(server):
    assert h.ctl("check", "healthy", f"--url={server}")[0] == 0
    assert h.ctl("check", "ready", f"--url=http://127.0.0.1:{h.free_port()}")[0] == 1


def test_answers_that_are_none(tmp_path):
    """A server that says anything: an error or odd lines, never a crash."""
    answers = [b"", b"{", b"[]", b"\0\xff", b'{"status":1}', b'{"status":"success"}', b'{"status":"success","data":null}', b'{"status":"error"}',
               b'{"status":"success","data":{"resultType":"vector","result":[{"metric":[1],"value":["x"]},7,null]},"warnings":[1,null],"infos":{"a":2}}',
               b'{"status":"success","data":{"resultType":7,"result":[{"metric":{"a":{}},"value":null}]}}', b'{"status":"success","data":["a",1,{}]}',
               b'{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"m"},"values":[[1e300,[[]]],[2]]}]}}', b"[" * 100_000]

    def answer(c, n):
        h.read_head(c)
        body = answers[(n - 1) // 2 % len(answers)]
        c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    target = h.RawTarget(answer)
    url = f"http://127.0.0.1:{target.port}"
    for args in (["instant", url, "m"], ["range", "--start=1", "--end=2", "--step=1s", url, "m"], ["series", "--match=m", url], ["labels", url, "a"]):
        for _ in answers:
            for form in ("csv", "promql"):
                code, _, err = h.ctl("query", *args, "-o", form)
                assert code in (0, 1) and "runtime error" not in err and "Sanitizer" not in err, (args, err)
    target.stop()
