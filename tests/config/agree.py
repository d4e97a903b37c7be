#!/usr/bin/env python3
"""Is what tests/config calls good and bad good and bad to the real thing?

Runs `promtool check config --syntax-only` on every file; differs.txt names the files on which a version older than 3.14
is known to judge otherwise (what it does not know yet, or what it began to refuse later). The files' own verdicts and
sentences are the unit test's matter; this keeps them honest. Exit 77 (skipped) where there is no promtool."""
import argparse
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def version_of(promtool):
    text = subprocess.run([promtool, "--version"], capture_output=True, text=True).stdout
    found = re.search(r"version (\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def known_differences(version):
    """Lines `FILE BEFORE`: judged otherwise by versions before BEFORE."""
    names = set()
    with open(os.path.join(HERE, "differs.txt"), encoding="utf-8") as f:
        for line in f:
            words = line.split("#")[0].split()
            if words and version < tuple(int(n) for n in words[1].split(".")):
                names.add(words[0])
    return names


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--promtool", default="promtool")
    args = p.parse_args()
    if not shutil.which(args.promtool):
        print("no promtool: skipped")
        return 77
    skip = known_differences(version_of(args.promtool))
    passed = failed = 0
    for folder in ("good", "bad"):
        for name in sorted(os.listdir(os.path.join(HERE, folder))):
            path = os.path.join(HERE, folder, name)
            if not name.endswith(".yml") or f"{folder}/{name}" in skip:
                continue
            run = subprocess.run([args.promtool, "check", "config", "--syntax-only", path], capture_output=True)
            if (run.returncode == 0) == (folder == "good"):
                passed += 1
            else:
                failed += 1
                print(f"{folder}/{name}: exit {run.returncode}: {run.stderr.decode(errors='replace').strip()}")
    print(f"agree: {passed} passed, {failed} failed, {len(skip)} known to differ")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
