#!/usr/bin/env python3
"""Fails where a room includes a header that docs/architecture.md does not allow it.

The table "Rooms and the direction of dependency" is the rule; this script only reads it."""
import argparse
import os
import re
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CORE = {"base", "model", "format", "tsdb", "promql"}
FORBIDDEN_IN_CORE = re.compile(r'#include\s+[<"](uv\.h|llhttp\.h|openssl/|yaml\.h)')


def allowed_rooms():
    rules = {}
    with open(os.path.join(TOP, "docs", "architecture.md"), encoding="utf-8") as f:
        for line in f:
            row = re.match(r"\|\s*`(\w+)`\s*\|([^|]*)\|", line)
            if row:
                names = {n.strip() for n in row[2].split(",")} - {"-", ""}
                rules[row[1]] = names | {"base", row[1]}
    return rules


def check(rules):
    faults = []
    for room in sorted(os.listdir(os.path.join(TOP, "src"))):
        folder = os.path.join(TOP, "src", room)
        for base, _, files in os.walk(folder):
            for name in sorted(files):
                if not name.endswith((".c", ".h", ".cc")):
                    continue
                path = os.path.join(base, name)
                where = os.path.relpath(path, TOP)
                if room not in rules:
                    faults.append(f"{where}: room {room} has no row in docs/architecture.md")
                    continue
                for n, line in enumerate(open(path, encoding="utf-8"), 1):
                    inc = re.match(r'\s*#include\s+"(\w+)/', line)
                    if inc and inc[1] not in rules[room]:
                        faults.append(f"{where}:{n}: {room} may not include {inc[1]}")
                    if room in CORE and FORBIDDEN_IN_CORE.match(line.strip()):
                        faults.append(f"{where}:{n}: the core may not include {line.strip()}")
    return faults


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--stamp", help="file to touch when all is well")
    args = p.parse_args()
    faults = check(allowed_rooms())
    for f in faults:
        print(f, file=sys.stderr)
    if faults:
        return 1
    if args.stamp:
        open(args.stamp, "w").close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
