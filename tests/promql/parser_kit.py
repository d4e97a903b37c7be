#!/usr/bin/env python3
"""Holds the front of PromQL to the recorded answers of the parser kit, without a server.

  parser_kit.py PARSE_LINES [CASES]

PARSE_LINES is the program tests/unit/promql/parse_lines. CASES is the folder conformance/parser/cases of the shared kits,
by default beside this repository; where it is absent the check is skipped with a line. Errors that depend on the endpoint
(`at`) are compared as far as the front knows them: durations that come out wrong, types a range query refuses.
"""
import hashlib
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
DEFAULT_CASES = os.path.join(HERE, "..", "..", "..", "shared", "conformance", "parser", "cases")
PREFIX = 'invalid parameter "query": '


def unroll(text):
    return text if isinstance(text, str) else "".join(part * count for part, count in text)


def query(case):
    return bytes.fromhex(case["hex"]) if "hex" in case else unroll(case["expr"]).encode()


def load(folder):
    cases = []
    for name in sorted(os.listdir(folder)):
        if name.endswith(".jsonl"):
            with open(os.path.join(folder, name), encoding="utf-8") as lines:
                cases += [json.loads(line) for line in lines if line.strip()]
    return cases


def answers(program, cases):
    lines = "".join("%s%s\n" % ("F" if c.get("features") else "P", query(c).hex()) for c in cases)
    done = subprocess.run([program], input=lines.encode(), stdout=subprocess.PIPE, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def is_same(case, found):
    expected = case["expect"]
    if case["kind"] == "error":
        expected = unroll(expected)
        if "invalid expression type" in expected:
            return found["err"] == "" and found["type"] in ("matrix", "string")
        return PREFIX + (found["err"] or ("at" in case and found.get("dur")) or "") == expected
    if found["err"]:
        return False
    if case["kind"] == "format" and isinstance(expected, dict):
        text = found["fmt"].encode()
        return {"sha256": hashlib.sha256(text).hexdigest(), "length": len(text)} == expected
    if case["kind"] == "format":
        return found["fmt"] == unroll(expected)
    return found[case["kind"]] == expected   # ast, type


def main():
    folder = sys.argv[2] if len(sys.argv) > 2 else DEFAULT_CASES
    if not os.path.isdir(folder):
        print("parser kit: skipped, no cases at", os.path.normpath(folder))
        return 0
    cases = load(folder)
    wrong = [c for c, found in zip(cases, answers(sys.argv[1], cases)) if not is_same(c, found)]
    for c in wrong[:50]:
        print("FAIL", c["id"], c["kind"], repr(query(c)[:200]))
    print("parser kit: %d passed, %d failed" % (len(cases) - len(wrong), len(wrong)))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.setrecursionlimit(20000)
    sys.exit(main())
