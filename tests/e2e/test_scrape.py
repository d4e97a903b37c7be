"""Scraping real and scripted exporters; a real Prometheus beside it is the judge."""
import math

import harness as h
import pytest

NODE = """global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
- job_name: node
  static_configs:
  - targets: ['127.0.0.1:{port}']
"""
# Series whose value cannot change while the two servers scrape a moment apart.
STEADY = ["node_uname_info", "node_memory_MemTotal_bytes", "node_filesystem_size_bytes", "node_network_mtu_bytes",
          "node_boot_time_seconds", "node_exporter_build_info", "node_os_info", "node_dmi_info", "up{job='node'}"]


def keyed(result):
    return {tuple(sorted(r["metric"].items())): r["value"][1] for r in result}


@pytest.mark.skipif(not (h.have("prometheus") and h.have("prometheus-node-exporter")), reason="peers are not installed")
def test_answers_as_prometheus_on_the_same_node_exporter(run):
    node = run(h.NodeExporter).start()
    config = NODE.format(port=node.port)
    ours, theirs = run(h.Tsdbd, config).start(), run(h.Prometheus, config).start()
    for s in (ours, theirs):
        h.wait_for("five scrapes", lambda s=s: (s.value("min(count_over_time(up[1m]))") or 0) >= 5)
    names = [set(s.api("label/__name__/values", **{"match[]": '{job="node"}'})) for s in (ours, theirs)]
    assert names[0] ^ names[1] <= {"scrape_body_size_bytes", "scrape_sample_limit", "scrape_timeout_seconds"}
    assert len(names[0]) > 200
    for expr in STEADY:
        assert keyed(ours.query(expr)) == keyed(theirs.query(expr)), expr
    for expr in ("count({job='node'})", "count by (__name__) ({job='node', __name__=~'node_cpu.*|node_disk.*'})"):
        assert keyed(ours.query(expr)) == keyed(theirs.query(expr)), expr
    # Every CPU spends a second per second, busy or idle: whole windows of two servers with moments of their own agree roughly.
    a, b = (s.value("sum(rate(node_cpu_seconds_total[4s]))") for s in (ours, theirs))
    assert a > 0 and math.isclose(a, b, rel_tol=0.5)
    # Metadata as exposed.
    meta = [s.api("metadata", metric="node_cpu_seconds_total") for s in (ours, theirs)]
    assert meta[0] == meta[1]


def job(port, extra=""):
    return ("global: {scrape_interval: 250ms, scrape_timeout: 250ms}\nscrape_configs:\n- job_name: t\n"
            f"  static_configs: [{{targets: ['127.0.0.1:{port}']}}]\n{extra}")


def test_report_series_and_values(run, target):
    target.page = b'# TYPE c counter\nc{a="1"} 7\nc{a="2"} 8\n'
    d = run(h.Tsdbd, job(target.port)).start()
    h.wait_for("scraped", lambda: d.value("count(c)") == 2)
    assert d.value("up") == 1
    assert d.value("scrape_samples_scraped") == 2
    assert d.value("scrape_samples_post_metric_relabeling") == 2
    assert d.value("scrape_duration_seconds") > 0
    assert d.value('c{a="2"}') == 8
    t = d.api("targets")["activeTargets"][0]
    assert t["health"] == "up" and t["lastError"] == "" and t["scrapeInterval"] == "250ms"


def test_vanished_series_and_failed_scrapes_go_stale(run, target):
    target.page = b"a 1\nb 2\n"
    d = run(h.Tsdbd, job(target.port)).start()
    h.wait_for("both", lambda: len(d.query("{__name__=~'a|b'}")) == 2)
    target.page = b"a 1\n"
    h.wait_for("b gone", lambda: d.query("b") == [])
    assert d.value("a") == 1
    target.status = 500
    h.wait_for("up is 0", lambda: d.value("up") == 0)
    h.wait_for("a gone", lambda: d.query("a") == [])
    error = d.api("targets")["activeTargets"][0]["lastError"]
    assert error == "server returned HTTP status 500 Internal Server Error"
    target.status = 200
    h.wait_for("a back", lambda: d.value("a") == 1)


def test_removed_target_goes_stale(run, target):
    target.page = b"a 1\n"
    d = run(h.Tsdbd, job(target.port)).start()
    h.wait_for("scraped", lambda: d.value("a") == 1)
    d.write_config("global: {scrape_interval: 1s}\n")
    assert d.request("POST", "/-/reload")[0] == 200
    h.wait_for("gone", lambda: d.query("a") == [] and d.query("up") == [])


def test_timeout_is_said(run, target):
    target.page, target.delay = b"a 1\n", 1
    d = run(h.Tsdbd, job(target.port)).start()
    h.wait_for("up is 0", lambda: d.value("up") == 0)
    assert "context deadline exceeded" in d.api("targets")["activeTargets"][0]["lastError"]


def test_garbage_pages_store_nothing(run, target):
    d = run(h.Tsdbd, job(target.port)).start()
    for page in (b"good 1\nbad{ 2\n", b"\xff\xfe\x00", b'x{a="' + b"y" * 100000, b"good 1\n# TYPE\n}\n", b"good 1\nwrong value\n"):
        target.page = page
        hits = target.hits
        h.wait_for("scraped twice", lambda: target.hits >= hits + 3)
        h.wait_for("up is 0", lambda: d.value("up") == 0)
        assert d.query("good") == []
    target.page = b"good 1\n"
    h.wait_for("recovers", lambda: d.value("good") == 1)


def test_limits_drop_the_whole_scrape(run, target):
    target.page = b"".join(b"m%d 1\n" % i for i in range(20))
    d = run(h.Tsdbd, job(target.port, "  sample_limit: 10\n")).start()
    h.wait_for("up is 0", lambda: d.value("up") == 0)
    assert "sample limit exceeded" in d.api("targets")["activeTargets"][0]["lastError"]
    assert d.query("m1") == []


def test_relabelling_of_targets_and_metrics(run, target):
    target.page = b'keep_me{x="1"} 1\ndrop_me 2\n'
    d = run(h.Tsdbd, job(target.port, """  relabel_configs:
  - {target_label: site, replacement: north}
  metric_relabel_configs:
  - {source_labels: [__name__], regex: drop_.*, action: drop}
  - {source_labels: [x], regex: (.+), target_label: y, replacement: v$1}
""")).start()
    got = h.wait_for("scraped", lambda: d.query("keep_me"))
    assert got[0]["metric"] == {"__name__": "keep_me", "x": "1", "y": "v1", "site": "north", "job": "t", "instance": f"127.0.0.1:{target.port}"}
    assert d.query("drop_me") == []
    assert d.value("scrape_samples_scraped") == 2 and d.value("scrape_samples_post_metric_relabeling") == 1


def test_file_discovery_follows_the_file(run, target, tmp_path):
    target.page = b"a 1\n"
    sd = tmp_path / "sd.json"
    sd.write_text("[]")
    d = run(h.Tsdbd, "global: {scrape_interval: 250ms, scrape_timeout: 250ms}\nscrape_configs:\n- job_name: f\n"
                     f"  file_sd_configs: [{{files: ['{sd}'], refresh_interval: 1s}}]\n").start()
    assert d.query("a") == []
    new = tmp_path / "new.json"
    new.write_text('[{"targets": ["127.0.0.1:%d"], "labels": {"zone": "z"}}]' % target.port)
    new.rename(sd)
    h.wait_for("discovered", lambda: d.value('a{zone="z"}') == 1, timeout=40)
    new.write_text("{ not json")
    new.rename(sd)
    h.wait_for("the broken file is seen", lambda: d.metric("prometheus_sd_file_read_errors_total") >= 2)
    hits = target.hits
    h.wait_for("it changes nothing", lambda: target.hits > hits + 2 and d.value('a{zone="z"}') == 1)
    new.write_text("[]")
    new.rename(sd)
    h.wait_for("gone", lambda: d.query("a") == [], timeout=40)
