"""Command line, start, stop, and what is refused before the first sample."""
import os
import signal
import subprocess

import harness as h


def tsdbd(*args, timeout=30):
    p = subprocess.run([h.TSDBD, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=timeout)
    return p.returncode, p.stdout.decode(), p.stderr.decode()


def test_version_names_program_version_and_revision():
    code, out, _ = tsdbd("--version")
    assert code == 0
    assert out.startswith("tsdbd, version ")
    assert "revision: " in out and "platform:" in out


def test_help_lists_every_storage_flag():
    code, out, err = tsdbd("--help")
    assert code == 0
    text = out + err
    for flag in ("--config.file", "--storage.tsdb.path", "--storage.tsdb.retention.time", "--web.listen-address", "--query.timeout"):
        assert flag in text


def test_unknown_flag_is_a_usage_error():
    code, _, err = tsdbd("--no.such.flag=1")
    assert code != 0
    assert "unknown long flag '--no.such.flag'" in err


def test_missing_config_file_is_named(tmp_path):
    code, _, err = tsdbd("--config.file=" + str(tmp_path / "absent.yml"), "--storage.tsdb.path=" + str(tmp_path / "d"))
    assert code == 2
    assert "absent.yml" in err and "no such file or directory" in err


def test_bad_config_names_file_and_line(tmp_path):
    config = tmp_path / "bad.yml"
    config.write_text("global:\n  scrape_interval: 15s\n  no_such_key: 1\n")
    code, _, err = tsdbd(f"--config.file={config}", f"--storage.tsdb.path={tmp_path / 'd'}")
    assert code == 2
    assert "bad.yml" in err and "line 3" in err and "no_such_key" in err


def test_port_in_use_is_said_and_ends_with_1(run, tmp_path):
    first = run(h.Tsdbd).start()
    config = tmp_path / "c.yml"
    config.write_text("{}\n")
    code, _, err = tsdbd(f"--config.file={config}", f"--storage.tsdb.path={tmp_path / 'other'}",
                         f"--web.listen-address=127.0.0.1:{first.port}")
    assert code == 1
    assert "address already in use" in err


def test_second_daemon_on_the_same_data_is_refused(run, tmp_path):
    first = run(h.Tsdbd).start()
    config = tmp_path / "c.yml"
    config.write_text("{}\n")
    code, _, err = tsdbd(f"--config.file={config}", f"--storage.tsdb.path={first.data}",
                         f"--web.listen-address=127.0.0.1:{h.free_port()}")
    assert code == 1
    assert "another process uses this data directory" in err
    assert first.get("/-/ready")[0] == 200


def test_signals_end_it_cleanly(run):
    for sig in (signal.SIGTERM, signal.SIGINT):
        d = run(h.Tsdbd).start()
        assert d.stop(sig) == 0


def test_closed_standard_streams_are_not_taken_by_files(run):
    d = run(h.Tsdbd)
    plain = d.argv()
    d.argv = lambda: ["sh", "-c", "exec \"$@\" 0<&- 1>&- 2>&-", "sh"] + plain
    d.start()
    assert {os.readlink(f"/proc/{d.proc.pid}/fd/{n}") for n in (0, 1, 2)} == {"/dev/null"}


def test_quit_endpoint_ends_it(run):
    d = run(h.Tsdbd).start()
    assert d.request("POST", "/-/quit")[0] == 200
    assert d.proc.wait(30) == 0
    d.proc = None


def test_health_build_and_flags(run):
    d = run(h.Tsdbd, flags=["--query.timeout=17s"]).start()
    assert d.get("/-/healthy") == (200, b"tsdbd is Healthy.\n")
    info = d.api("status/buildinfo")
    assert set(info) == {"version", "revision", "branch", "buildUser", "buildDate", "goVersion"}
    flags = d.api("status/flags")
    assert flags["query.timeout"] == "17s"
    assert flags["storage.tsdb.path"] == d.data
    assert all(isinstance(v, str) for v in flags.values())
    assert d.api("status/runtimeinfo")["storageRetention"] == "15d"


def test_embedded_configuration_scrapes_itself(tmp_path):
    port = h.free_port()
    p = subprocess.Popen([h.TSDBD, "--config.embedded", f"--storage.tsdb.path={tmp_path / 'data'}", f"--web.listen-address=127.0.0.1:{port}"],
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        d = h.Process(tmp_path, "embedded")
        d.port, d.proc = port, p
        h.wait_for("ready", d.is_ready)
        jobs = {t["scrapePool"]: t["labels"]["instance"] for t in d.api("targets")["activeTargets"]}
        assert jobs == {"tsdbd": f"127.0.0.1:{port}", "node": "127.0.0.1:9100"}
    finally:
        p.send_signal(signal.SIGTERM)
        assert p.wait(30) == 0
    assert os.path.isdir(tmp_path / "data")
