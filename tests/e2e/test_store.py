"""What was acknowledged is there: after kill -9, restarts, deletes; old times, special values, refusals."""
import math
import random
import struct
import time

import harness as h
import pytest


def now_ms():
    return int(time.time() * 1000)


def points(d, expr, at, span="1h"):
    """{labels: [(ms, bits)]} of everything stored, bit for bit where the API can say so."""
    got = d.query(f"{expr}[{span}]", at)
    return {r["metric"]["id"]: [(round(t * 1000), float(v)) for t, v in r["values"]] for r in got}


def test_acknowledged_writes_survive_kill_9(run):
    seed = random.randrange(1 << 30)
    rnd = random.Random(seed)
    d = run(h.Tsdbd)
    acked, t = {}, now_ms() - 1800_000
    for kill in range(20):
        d.start()
        if acked:
            assert points(d, "k", t / 1000 + 1) == acked, f"seed {seed}, after kill {kill}"
        for _ in range(rnd.randrange(1, 12)):
            t += 1000
            batch = [(i, [(t, rnd.choice([rnd.random(), float(rnd.randrange(1000)), 0.0, 1e300]))]) for i in rnd.sample(range(40), 10)]
            status, text = d.write([({"__name__": "k", "id": str(i)}, s) for i, s in batch])
            assert status == 204, text
            for i, s in batch:
                acked.setdefault(str(i), []).extend(s)
        d.kill()
    d.start()
    assert points(d, "k", t / 1000 + 1) == acked, f"seed {seed}"
    assert d.stop() == 0          # a clean stop moves everything into day files
    d.start()
    assert points(d, "k", t / 1000 + 1) == acked, f"seed {seed}, after a clean stop"


def test_values_keep_their_meaning_over_a_restart(run):
    d = run(h.Tsdbd).start()
    t = now_ms() // 1000 * 1000 - 60_000
    values = [0.0, -0.0, 1.5, -1e-300, math.inf, -math.inf, math.nan, 1 / 3, 5e-324, 1.7976931348623157e308]
    assert d.write([({"__name__": "v", "id": "x"}, [(t + i * 1000, v) for i, v in enumerate(values)])])[0] == 204
    for _ in range(2):
        got = d.query("v[5m]", (t + 20_000) / 1000)[0]["values"]
        assert [struct.pack("<d", float(v)) if v != "NaN" else v for _, v in got] \
            == [struct.pack("<d", v) if v == v else "NaN" for v in values]
        assert d.stop() == 0
        d.start()


def test_times_from_1970_on_are_taken(run):
    d = run(h.Tsdbd, "storage: {tsdb: {out_of_order_time_window: 31d}}\n", flags=["--storage.tsdb.retention.time=100y"]).start()
    assert d.write([({"__name__": "old", "id": "a"}, [(0, 1.0), (60_000, 2.0)])])[0] == 204
    assert d.write([({"__name__": "old", "id": "b"}, [(1_600_000_000_000, 3.0)])])[0] == 204
    assert d.value('old{id="a"}', 60) == 2
    assert d.stop() == 0
    d.start()
    assert d.value('old{id="a"}', 0) == 1
    assert d.value('old{id="b"}', 1_600_000_000) == 3
    assert d.api("label/id/values") == ["a", "b"]


def test_out_of_order_and_duplicates_answer_as_prometheus(run):
    d = run(h.Tsdbd).start()
    t = now_ms() // 1000 * 1000 - 60_000
    one = {"__name__": "o", "id": "x"}
    assert d.write([(one, [(t, 1.0), (t + 15_000, 2.0)])])[0] == 204
    assert d.write([(one, [(t + 15_000, 2.0)])])[0] == 204
    status, text = d.write([(one, [(t + 15_000, 3.0)])])
    assert status == 400 and "duplicate sample for timestamp" in text
    status, text = d.write([(one, [(t + 5_000, 9.0)]), ({"__name__": "o", "id": "y"}, [(t, 4.0)])])
    assert status == 400 and "out of order sample" in text
    # What fits is stored although something else was refused.
    assert d.value('o{id="y"}', t / 1000) == 4
    assert [v for _, v in d.query('o{id="x"}[5m]', t / 1000 + 60)[0]["values"]] == ["1", "2"]


def test_stale_marker_ends_a_series(run):
    d = run(h.Tsdbd).start()
    t = now_ms() // 1000 * 1000 - 60_000
    assert d.write([({"__name__": "s", "id": "x"}, [(t, 1.0), (t + 15_000, h.STALE)])])[0] == 204
    assert d.value("s", t / 1000 + 14) == 1
    assert d.query("s", t / 1000 + 15) == []
    assert d.stop() == 0
    d.start()
    assert d.query("s", t / 1000 + 15) == []


def test_delete_series_is_complete_and_lasts(run):
    d = run(h.Tsdbd).start()
    t = now_ms() // 1000 * 1000 - 60_000
    series = [({"__name__": "gone", "id": str(i), "only_here": "x"}, [(t, float(i))]) for i in range(5)]
    assert d.write(series + [({"__name__": "kept", "id": "k"}, [(t, 1.0)])])[0] == 204
    status, _, _ = d.request("POST", "/api/v1/admin/tsdb/delete_series?match[]=gone")
    assert status == 204
    for again in range(3):
        assert d.query("gone", t / 1000 + 1) == []
        assert d.api("series", **{"match[]": "gone"}) == []
        assert "only_here" not in d.api("labels")
        assert d.api("label/__name__/values", **{"match[]": '{id!=""}'}) == ["kept"]
        assert d.value("kept", t / 1000 + 1) == 1
        if again == 0:
            d.kill()
            d.start()
        elif again == 1:
            assert d.stop() == 0
            d.start()
    # The same times may be written anew.
    assert d.write(series[:2])[0] == 204
    assert len(d.query("gone", t / 1000 + 1)) == 2


def test_wiped_server_takes_old_times_again(run):
    d = run(h.Tsdbd, "storage: {tsdb: {out_of_order_time_window: 31d}}\n", flags=["--storage.tsdb.retention.time=100y"]).start()
    for round_ in range(3):
        assert d.write([({"__name__": "m", "id": "x"}, [(i * 10_000, float(i + round_)) for i in range(50)])])[0] == 204
        assert d.value("m", 490) == 49 + round_
        assert d.request("POST", "/api/v1/admin/tsdb/delete_series?match[]=%7B__name__%3D~%22.%2B%22%7D")[0] == 204
        assert d.request("POST", "/api/v1/admin/tsdb/clean_tombstones")[0] == 204
        assert d.query('{__name__=~".+"}[1y]', 500) == []
        if round_ == 1:
            assert d.stop() == 0
            d.start()


def test_malformed_writes_are_refused_whole(run):
    d = run(h.Tsdbd).start()
    t = now_ms() - 60_000
    head = {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy"}
    for body in (b"", b"this is not snappy", h.snappy(b"\x0a\x05\xff\xff\xff\xff\xff"), h.snappy(b"\x0a\x02\x0a\x7f"), b"\xff" * 100,
                 h.snappy(h.write_request([({"__name__": "w", "id": "1"}, [(t, 1.0)])]))[:-4]):
        status, text, _ = d.request("POST", "/api/v1/write", body, head)
        assert status in (204, 400) and (status == 400 or body == b""), (body[:20], status, text)
    big = h.varint(1 << 31) + b"\x00"
    assert d.request("POST", "/api/v1/write", big, head)[0] in (400, 413)
    # As Prometheus: series that no store could name are left out and counted, the request goes on.
    unfit = ({"id": "x"}, {"__name__": ""}, {"__name__": "a", "": "x"})
    for labels in unfit:
        assert d.write([(labels, [(t, 1.0)])])[0] == 204, labels
    assert d.api("label/__name__/values") == []
    assert f"prometheus_api_remote_write_invalid_labels_samples_total {len(unfit)}\n".encode() in d.get("/metrics")[1]
    assert d.write([({"__name__": "w", "id": "1"}, [(t, 1.0)])])[0] == 204


def test_20k_sample_request(run):
    d = run(h.Tsdbd).start()
    t = now_ms() // 1000 * 1000 - 600_000
    series = [({"__name__": "big", "id": str(i)}, [(t + k * 15_000, float(k)) for k in range(20)]) for i in range(1000)]
    assert d.write(series)[0] == 204
    assert d.value("sum(count_over_time(big[1h]))", t / 1000 + 600) == 20_000


@pytest.mark.parametrize("clean", [True, False])
def test_ready_again_with_many_series(run, clean):
    d = run(h.Tsdbd).start()
    t = now_ms() // 1000 * 1000 - 120_000
    for part in range(4):
        series = [({"__name__": "n", "id": f"{part}-{i}", "job": "j"}, [(t, 1.0), (t + 15_000, 2.0)]) for i in range(5000)]
        assert d.write(series)[0] == 204
    d.stop() if clean else d.kill()
    d.start()
    assert d.value("count(n)", t / 1000 + 15) == 20_000
    assert d.value("sum(n)", t / 1000 + 15) == 40_000
