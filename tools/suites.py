#!/usr/bin/python3
"""Runs the test suites of tsdbd on an existing release build and closes with the line `N passed, N failed`.

    tools/test                   every suite
    tools/test unit e2e          some of them
    tools/test kit-parser        one conformance kit of the shared folder (skipped where there is none)
"""
import argparse
import json
import os
import re
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SHARED = os.environ.get("TSDBD_SHARED", os.path.join(os.path.dirname(TOP), "shared"))
TSDBD = os.path.join(TOP, "build", "tsdbd")
FLOORS = os.path.join(TOP, "tests", "floors.json")
# A shared machine may be slow at any moment: limits are for hangs only.
PATIENT = {"CK_DEFAULT_TIMEOUT": "120", "CK_TIMEOUT_MULTIPLIER": "20"}
ASAN = {"ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:exitcode=99", "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1"}


class Tally:
    """What the suites found; a failure carries the lines to show."""

    def __init__(self):
        self.passed, self.failed, self.skipped = 0, 0, 0

    def add(self, passed, failed, what):
        self.passed += passed
        self.failed += failed
        print(f"{what}: {passed} passed, {failed} failed", flush=True)

    def skip(self, what, why):
        self.skipped += 1
        print(f"{what}: skipped, {why}", flush=True)


def run(argv, env=None, timeout=1800, **kw):
    """stdout and stderr as one text, and the exit code (124: timed out)."""
    try:
        p = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                           env=dict(os.environ, **(env or {})), timeout=timeout, **kw)
        return p.returncode, p.stdout.decode("utf-8", "replace")
    except subprocess.TimeoutExpired as e:
        return 124, (e.stdout or b"").decode("utf-8", "replace") + f"\ntimed out after {timeout} s"


def configure(folder, options, env=None):
    path = os.path.join(TOP, folder)
    if not os.path.exists(os.path.join(path, "build.ninja")):
        code, out = run(["meson", "setup", path, TOP] + options, env)
        if code:
            sys.exit(out)
    code, out = run(["ninja", "-C", path], env, 3600)
    if code:
        sys.exit("\n".join(out.splitlines()[-60:]))
    return path


def meson_tests(tally, what, folder, suites, env=None):
    """Each libcheck case counts; a program without such a count is one."""
    argv = ["meson", "test", "-C", folder, "--no-rebuild", "--timeout-multiplier", "60"]
    for s in suites:
        argv += ["--suite", s]
    run(argv, dict(PATIENT, **(env or {})))
    passed = failed = 0
    with open(os.path.join(folder, "meson-logs", "testlog.json"), encoding="utf-8") as f:
        for line in f:
            t = json.loads(line)
            text = t.get("stdout") or ""
            counts = re.findall(r"Checks: (\d+), Failures: (\d+), Errors: (\d+)", text)
            bad = sum(int(c[1]) + int(c[2]) for c in counts)
            n = sum(int(c[0]) for c in counts) or 1
            if t["result"] != "OK":
                bad = max(bad, 1)
                print(f"--- {t['name']}: {t['result']}\n" + text[-6000:] + (t.get("stderr") or "")[-6000:])
            passed, failed = passed + n - bad, failed + bad
    tally.add(passed, failed, what)


def suite_unit(tally):
    meson_tests(tally, "unit", os.path.join(TOP, "build"), ["unit", "promql"])


def suite_corpus(tally):
    meson_tests(tally, "corpus", os.path.join(TOP, "build"), ["fuzz"])


def asan_build():
    return configure("build-asan", ["-Dbuildtype=debugoptimized", "-Db_sanitize=address,undefined", "-Db_lundef=false",
                                    "-Db_ndebug=false"])


def suite_asan(tally):
    meson_tests(tally, "asan", asan_build(), ["unit", "promql", "fuzz"], ASAN)


def pytest(tally, what, build, env=None):
    env = dict(env or {}, TSDBD=os.path.join(build, "src/server/tsdbd"), TSDBCTL=os.path.join(build, "src/ctl/tsdbctl"))
    code, out = run(["/usr/bin/python3", "-m", "pytest", "-q", "-x" if what == "e2e-asan" else "-rf", "-p", "no:cacheprovider",
                     os.path.join(TOP, "tests", "e2e")], env, 2400)
    m = re.search(r"(\d+) passed", out)
    passed = int(m[1]) if m else 0
    failed = sum(int(x) for x in re.findall(r"(\d+) (?:failed|errors?)\b", out.splitlines()[-1] if out else ""))
    if code and not failed:
        failed = 1
    if code:
        print(out[-12000:])
    tally.add(passed, failed, what)


def suite_e2e(tally):
    pytest(tally, "e2e", os.path.join(TOP, "build"))


def suite_e2e_asan(tally):
    pytest(tally, "e2e-asan", asan_build(), ASAN)


def suite_fuzz(tally):
    """20 s for each libFuzzer target, from its kept corpus; what it finds is written to tests/fuzz/out."""
    build = configure("build-fuzz", ["-Dfuzz=true", "-Dbuildtype=debugoptimized", "-Db_lundef=false", "-Db_pie=false"],
                      {"CC": "clang", "CXX": "clang++"})
    out_dir = os.path.join(TOP, "tests", "fuzz", "out")
    os.makedirs(out_dir, exist_ok=True)
    programs = sorted(n for n in os.listdir(os.path.join(build, "tests", "fuzz")) if re.fullmatch(r"fuzz_\w+", n))
    seconds = int(os.environ.get("FUZZ_SECONDS", "20"))
    passed = failed = 0
    procs = []

    def reap(limit):
        nonlocal passed, failed
        while len(procs) > limit:
            name, p, log = procs.pop(0)
            code = p.wait()
            log.seek(0)
            text = log.read().decode("utf-8", "replace")
            runs = re.search(r"stat::number_of_executed_units:\s*(\d+)", text)
            print(f"  {name}: {runs[1] if runs else '?'} runs, exit {code}", flush=True)
            passed, failed = passed + (code == 0), failed + (code != 0)
            if code:
                print(text[-4000:])
            log.close()

    for name in programs:
        corpus = os.path.join(TOP, "tests", "fuzz", "corpus", name[5:])
        new = os.path.join(out_dir, name)
        os.makedirs(new, exist_ok=True)
        log = open(os.path.join(out_dir, name + ".log"), "w+b")
        p = subprocess.Popen([os.path.join(build, "tests", "fuzz", name), f"-max_total_time={seconds}", "-timeout=10",
                              "-rss_limit_mb=2048", "-print_final_stats=1", f"-artifact_prefix={out_dir}/{name}-", new, corpus],
                             stdout=log, stderr=subprocess.STDOUT, env=dict(os.environ, **ASAN))
        procs.append((name, p, log))
        reap(1)
    reap(0)
    tally.add(passed, failed, "fuzz")


def kit(name, argv, unit):
    """One shared kit: passes while it reaches the floor kept in tests/floors.json, which may only rise."""
    def suite(tally):
        script = os.path.join(SHARED, argv[0])
        if not os.path.exists(script):
            return tally.skip(f"kit {name}", "no shared conformance kits beside the project")
        code, out = run(["/usr/bin/python3", script] + argv[1:], None, 1500)
        found = re.findall(r"(\d+) passed, (\d+) failed", out)
        passed, failed = (int(found[-1][0]), int(found[-1][1])) if found else (0, 0)
        with open(FLOORS, encoding="utf-8") as f:
            floor = json.load(f)[name]
        good = passed >= floor
        print(f"  {passed} of {passed + failed} {unit}, floor {floor}", flush=True)
        if not good:
            print("\n".join(out.splitlines()[-40:]))
        tally.add(int(good), int(not good), f"kit {name}")
    return suite


SUITES = {
    "unit": suite_unit,
    "corpus": suite_corpus,
    "e2e": suite_e2e,
    "kit-parser": kit("parser", ["conformance/parser/parserdiff.py", "--preset", "tsdbd", "--binary", TSDBD], "cases"),
    "kit-promql": kit("promql", ["conformance/promql/promqltest.py", "--preset", "tsdbd", "--binary", TSDBD, "--classes", "classic"],
                      "evals"),
    "kit-realworld": kit("realworld", ["conformance/realworld/promdiff.py", "--candidate", "tsdbd", "--binary", TSDBD], "queries"),
    "kit-api": kit("api", ["conformance/api/apidiff.py", "--candidate", TSDBD], "cases"),
    "kit-scrape": kit("scrape", ["conformance/scrape/scrapediff.py", "--candidate", TSDBD], "cases"),
    "asan": suite_asan,
    "e2e-asan": suite_e2e_asan,
    "fuzz": suite_fuzz,
}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("suite", nargs="*", help="one or more of: " + ", ".join(SUITES))
    args = p.parse_args()
    unknown = [s for s in args.suite if s not in SUITES]
    if unknown:
        p.error("no such suite: " + ", ".join(unknown))
    tally = Tally()
    for name in args.suite or SUITES:
        start = time.monotonic()
        print(f"== {name}", flush=True)
        SUITES[name](tally)
        print(f"   {time.monotonic() - start:.0f} s", flush=True)
    skipped = f", {tally.skipped} skipped" if tally.skipped else ""
    print(f"{tally.passed} passed, {tally.failed} failed{skipped}")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
