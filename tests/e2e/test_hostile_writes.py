"""Remote write from senders that are broken: every cut, every flipped bit, frames that lie. All or nothing, and no harm."""
import contextlib
import http.client
import math
import random
import struct
import time

import harness as h
import pytest

HEAD = {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy", "X-Prometheus-Remote-Write-Version": "0.1.0"}
OPEN = "storage: {tsdb: {out_of_order_time_window: 31d}}\n"
OLD = ["--storage.tsdb.retention.time=100y"]
T = 1_700_000_000_000


class Sender:
    """Posts on one kept connection."""

    def __init__(self, d):
        self.c = http.client.HTTPConnection("127.0.0.1", d.port, timeout=60)

    def post(self, body, headers=HEAD):
        try:
            self.c.request("POST", "/api/v1/write", body, headers)
            r = self.c.getresponse()
            return r.status, r.read().decode("utf-8", "replace")
        except (ConnectionError, http.client.HTTPException):
            self.c.close()      # refused early, with the body unread
            raise


@pytest.fixture
def d(run):
    return run(h.Tsdbd, OPEN, flags=OLD).start()


def request(name, n_series=6, n_samples=3):
    """A request as Prometheus sends it, with metadata, an exemplar and a field of a later version in it."""
    out = bytearray()
    for i in range(n_series):
        series = h.write_request([({"__name__": name, "id": str(i), "host": "host-1.example.net", "empty_": "é" * (i % 3)},
                                   [(T + k * 1000, i + k / 8) for k in range(n_samples)])])
        inner = series[2:] if series[1] < 0x80 else series[3:]
        exemplar = h.field(3, h.field(1, h.field(1, b"trace_id") + h.field(2, b"abc")) + b"\x11" + struct.pack("<d", 1.5) + b"\x18" + h.varint(T))
        out += h.field(1, inner + (exemplar if i == 1 else b""))
    out += h.field(3, b"\x08\x01" + h.field(2, name.encode()) + h.field(4, b"some help"))
    out += h.field(999, b"from the future")
    return bytes(out)


def with_copies(data):
    """A snappy block as compressors write it: literals and copies of all three kinds."""
    out, i, lit, seen = bytearray(h.varint(len(data))), 0, 0, {}

    def literals(end):
        nonlocal lit
        while lit < end:
            part = data[lit:min(end, lit + 60)]
            out.append((len(part) - 1) << 2)
            out.extend(part)
            lit += len(part)

    while i + 4 <= len(data):
        at = seen.get(data[i:i + 4])
        seen[data[i:i + 4]] = i
        n = 4
        if at is None:
            i += 1
            continue
        while n < 60 and i + n < len(data) and data[at + n] == data[i + n]:
            n += 1
        literals(i)
        off = i - at
        if n <= 11 and off < 2048:
            out.extend(bytes([1 | (n - 4) << 2 | off >> 8 << 5, off & 255]))
        elif i % 2:
            out.extend(bytes([2 | (n - 1) << 2]) + struct.pack("<H", off))
        else:
            out.extend(bytes([3 | (n - 1) << 2]) + struct.pack("<I", off))
        i += n
        lit = i
    literals(len(data))
    return bytes(out)


def names(d):
    return d.api("label/__name__/values")


def test_the_encoders_of_this_test_are_right(d):
    s = Sender(d)
    assert s.post(with_copies(request("a")))[0] == 204
    assert s.post(h.snappy(request("b")))[0] == 204
    assert d.value("count(a)", T / 1000 + 2) == 6 and d.value("sum(a)", T / 1000 + 2) == d.value("sum(b)", T / 1000 + 2)
    assert d.api("label/empty_/values") == ["é", "éé"]


def test_every_cut_of_a_compressed_request(d):
    s = Sender(d)
    for encode in (with_copies, h.snappy):
        whole = encode(request("cut"))
        for n in range(1, len(whole)):
            status, text = s.post(whole[:n])
            assert status == 400, (encode.__name__, n, status, text)
    assert names(d) == []
    assert s.post(whole)[0] == 204 and names(d) == ["cut"]


def test_every_cut_of_a_message(d):
    """A message may end between two fields; everywhere else it is refused, and nothing of it is stored."""
    s = Sender(d)
    whole = request("part")
    bounds, at = {0}, 0
    while at < len(whole):
        def varint():
            nonlocal at
            v = shift = 0
            while True:
                b = whole[at]
                at += 1
                v |= (b & 127) << shift
                shift += 7
                if b < 128:
                    return v
        varint()
        n = varint()
        at += n
        bounds.add(at)
    for n in range(len(whole)):
        if n not in bounds:
            status, text = s.post(h.snappy(whole[:n]))
            assert status == 400, (n, status, text)
    assert names(d) == []
    for n in sorted(bounds):
        assert s.post(h.snappy(whole[:n]))[0] == 204, n
    assert d.value("count(part)", T / 1000 + 2) == 6


def test_every_flipped_bit(d):
    s = Sender(d)
    good = with_copies(request("flip", 3, 2))
    for i in range(len(good) * 8):
        bad = bytearray(good)
        bad[i // 8] ^= 1 << i % 8
        with contextlib.suppress(ConnectionError):
            status, text = s.post(bytes(bad))
            assert status in (204, 400, 413), (i, status, text)
    seed = random.randrange(1 << 30)
    rnd = random.Random(seed)
    for _ in range(1000):
        bad = bytearray(good)
        for _ in range(rnd.randrange(2, 8)):
            bad[rnd.randrange(len(bad))] = rnd.randrange(256)
        with contextlib.suppress(ConnectionError):
            assert s.post(bytes(bad))[0] in (204, 400, 413), (seed, bad)
    assert Sender(d).post(h.snappy(request("fine")))[0] == 204
    for _ in range(2):
        assert d.value("count(fine)", T / 1000 + 2) == 6
        assert d.stop() == 0        # whatever the flips stored can be written to disk and read again
        d.start()


def series(*fields):
    return h.field(1, b"".join(fields))


def label(name, value):
    return h.field(1, h.field(1, name) + h.field(2, value))


def sample(v, ms):
    return h.field(2, b"\x09" + struct.pack("<d", v) + b"\x10" + h.varint(ms))


NAME = label(b"__name__", b"x")
LIES = {
    # what: (decoded message or None, body)
    "declared 4 GiB": b"\xff\xff\xff\xff\x0f" + b"\x00a",
    "declared 64 MiB of nothing": h.varint(64 << 20) + b"\x00a",
    "length of ten bytes": b"\xff" * 9 + b"\x01" + b"\x00a",
    "copy from before the beginning": b"\x08" + b"\x00a" + b"\x0d\x05",
    "copy at offset 0": b"\x08" + b"\x00a" + b"\x0d\x00",
    "literal beyond the end": b"\x05" + b"\xf0\xff" + b"a",
    "literal length of four bytes": b"\x05" + b"\xfc\xff\xff\xff\xff" + b"a",
    "more than declared": b"\x01" + b"\x04ab",
    "snappy frame format": b"\xff\x06\x00\x00sNaPpY" + b"\x01\x05\x00\x00abcde",
    "gzip": b"\x1f\x8b\x08" + b"\0" * 30,
    "field 0": h.snappy(b"\x02\x00"),
    "wire type 7": h.snappy(b"\x0f\x00"),
    "end group alone": h.snappy(b"\x0c"),
    "groups without end": h.snappy(b"\x0b" * 10_000),
    "varint of eleven bytes": h.snappy(b"\x08" + b"\xff" * 11),
    "tag of ten bytes": h.snappy(b"\xff" * 9 + b"\x7f"),
    "length over the end": h.snappy(b"\x0a\xff\xff\xff\xff\x07"),
    "length of 2^63": h.snappy(b"\x0a" + b"\xff" * 9 + b"\x01"),
    "series as a number": h.snappy(b"\x08\x01"),
    "labels as a number": h.snappy(h.field(1, b"\x08\x01")),
    "sample as a number": h.snappy(h.field(1, NAME + b"\x10\x01")),
    "value as a string": h.snappy(h.field(1, NAME + h.field(2, h.field(1, b"12345678")))),
    "time as a string": h.snappy(h.field(1, NAME + h.field(2, h.field(2, b"1")))),
}


def test_frames_that_lie(d):
    s = Sender(d)
    before = d.rss_mb()
    for what, body in LIES.items():
        status, text = s.post(body)
        assert status in (400, 413), (what, status, text)
        assert text.strip(), what
    assert names(d) == [] and d.rss_mb() < before + 80 + h.MEMORY_SLACK_MB


def test_odd_but_possible_series(d):
    """What a message can say although no sender should: the good beside it is stored, twice the same way."""
    s = Sender(d)
    odd = [
        series(NAME), series(), series(sample(1, T)), series(NAME, NAME, sample(1, T)),                    # no samples, no labels, twice a name
        series(label(b"z", b"1"), NAME, label(b"a", b"2"), sample(1, T)),                                  # unsorted
        series(label(b"__name__", b"\xff\xfe"), sample(1, T)), series(NAME, label(b"\xff", b"x"), sample(1, T)), series(NAME, label(b"b", b"\xc3"), sample(1, T)),
        series(NAME, label(b"nul", b"a\0b"), sample(1, T)), series(NAME, label(b"long", b"v" * 1_000_000), sample(1, T)),
        series(NAME, label(b"n" * 100_000, b"v"), sample(1, T)), series(NAME, *[label(b"l%d" % i, b"v") for i in range(5000)], sample(1, T)),
        series(label(b"__name__", "größe µ".encode()), sample(1, T)), series(label(b"__name__", b""), sample(1, T)), series(NAME, label(b"e", b""), sample(2, T + 9)),
        series(NAME, label(b"t", b"1"), sample(1, (1 << 63) - 1)), series(NAME, label(b"t", b"2"), sample(1, -(1 << 63))), series(NAME, label(b"t", b"3"), sample(1, -1)),
        series(NAME, label(b"t", b"4"), sample(1, T), sample(1, T), sample(2, T), sample(3, T - 1)), series(NAME, label(b"t", b"5"), h.field(2, b"")),
        series(NAME, label(b"t", b"6"), *[sample(math.nan, T + i) for i in range(1000)]), series(NAME, label(b"t", b"7"), h.field(4, b"\x08\x01")),
    ]
    for n, one in enumerate(odd):
        for body in (one, one + request("beside%d" % n, 1, 1)):
            status, text = s.post(h.snappy(body))
            assert status in (204, 400), (n, status, text)
        assert d.value("beside%d" % n, T / 1000) == 0, n
    stored = sorted(map(str, d.api("series", **{"match[]": '{__name__!~"beside.*",__name__!=""}', "start": 0, "end": 9e12})))
    assert d.stop() == 0
    d.start()
    assert sorted(map(str, d.api("series", **{"match[]": '{__name__!~"beside.*",__name__!=""}', "start": 0, "end": 9e12}))) == stored


def test_large_and_many(run):
    """The largest request that is taken, one byte more, a bomb, a million series: errors say so, memory stays in bounds."""
    d = run(h.Tsdbd, OPEN, flags=OLD).start()
    before = d.rss_mb()
    # 32 MiB of zeros (a field of zeros), packed by copies to 1.5 MiB; and one that would unpack to more.
    for size, wanted in ((31 << 20, {204, 400}), (33 << 20, {400, 413}), (2 << 30, {400, 413})):
        msg_head = h.varint(15 << 3 | 2) + h.varint(size)
        total = len(msg_head) + size
        body = bytearray(h.varint(total) + bytes([(len(msg_head)) << 2]) + msg_head + b"\0")
        left = size - 1
        copies = min(left // 64, 1_000_000)
        body += b"\xfe\x01\x00" * copies
        left -= copies * 64
        if left > 0:
            for _ in range(min(left, 64)):
                body += b"\x00\x00"
        with contextlib.suppress(ConnectionError):
            status, text = Sender(d).post(bytes(body))
            assert status in wanted, (size, status, text)
    many = h.field(1, b"") * 2_000_000
    with contextlib.suppress(ConnectionError):
        assert Sender(d).post(h.snappy(many))[0] in (204, 400, 413)
    tiny = series(NAME, *[b"\x12\x00"] * 3_000_000)
    with contextlib.suppress(ConnectionError):
        assert Sender(d).post(h.snappy(tiny))[0] in (204, 400, 413)
    assert d.rss_mb() < before + 400 + h.MEMORY_SLACK_MB
    assert Sender(d).post(h.snappy(request("fine")))[0] == 204


def test_wrong_headers_and_bodies(d):
    s, body = Sender(d), h.snappy(request("x"))
    for headers, wanted in (({"Content-Encoding": "gzip"}, 415), ({"Content-Type": "text/plain"}, 415),
                            ({"Content-Type": "application/x-protobuf;proto=io.prometheus.write.v2.Request"}, 415), ({"Content-Encoding": "SNAPPY"}, 204),
                            ({"Content-Type": "application/x-protobuf;proto=prometheus.WriteRequest"}, 204)):
        status, text = s.post(body, dict(HEAD, **headers))
        assert status == wanted, (headers, status, text)
    assert d.request("GET", "/api/v1/write")[0] == 405
    assert d.request("POST", "/api/v1/write", b"", HEAD)[0] in (204, 400)


def test_the_future_is_refused(d):
    now = int(time.time() * 1000)
    status, text = d.write([({"__name__": "soon"}, [(now, 1.0), (now + 540_000, 2.0)])])
    assert status == 204, text
    status, text = d.write([({"__name__": "later"}, [(now, 1.0), (now + 700_000, 2.0)]), ({"__name__": "last"}, [(1 << 62, 1.0)]), ({"__name__": "ok"}, [(now, 1.0)])])
    assert status == 400 and text == "out of bounds: timestamp is too far in the future\n"
    assert names(d) == ["later", "ok", "soon"]
    assert d.metric('tsdbd_remote_write_rejected_samples_total{reason="out_of_bounds"}') == 2


def test_writers_that_leave_in_the_middle(d):
    """Cut connections at all stages of a request; then many at once, so that commits wait for each other."""
    body = h.snappy(request("leave", 50, 20))
    head = ("POST /api/v1/write HTTP/1.1\r\nHost: x\r\nContent-Encoding: snappy\r\nContent-Type: application/x-protobuf\r\n"
            f"Content-Length: {len(body)}\r\n\r\n").encode()
    fds = d.n_fds()
    for n in range(0, len(body) + len(head) + 1, 997):
        with d.connect() as s:
            s.sendall((head + body)[:n])
    with d.connect() as s:
        s.sendall(head + body)

    def one(k):
        for n in range(40):
            with d.connect() as c:
                c.sendall(head + h.snappy(request("leave", 50, 20))[:len(body) - (n + k) % 3])
                if (n + k) % 3 == 0:
                    c.settimeout(10)
                    with contextlib.suppress(OSError):
                        c.recv(100)

    h.in_threads(8, one)
    h.wait_for("descriptors are free again", lambda: d.n_fds() <= fds + 1)
    h.wait_for("stored", lambda: d.value("count(leave)", T / 1000 + 19) == 50)
    assert d.value("sum(count_over_time(leave[1m]))", T / 1000 + 30) == 1000
