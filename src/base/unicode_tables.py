#!/usr/bin/env python3
"""Writes unicode_tables.c from UnicodeData.txt: unicode_tables.py UnicodeData.txt VERSION > unicode_tables.c

The result is kept in the tree, unlike other generated files: the build must not need the Unicode Character Database
(Debian: unicode-data), and the version is a choice, that of the Go release that Prometheus is built with.
"""
import sys

HEAD = """/* unicode_tables.c: what Go's unicode and strconv packages know of runes from U+0080 on, as sorted ranges.
 *
 * Written by unicode_tables.py from UnicodeData.txt of Unicode %s. Printable: categories L, M, N, P, S. Word: L and
 * Nd. Case: the simple mappings. ASCII is decided in utf8.c without a table.                                   */
#include "base/unicode_tables.h"

/* clang-format off */
"""
FIRST, END = 0x80, 0x110000


def read(path):
    category, upper, lower, first = {}, {}, {}, None
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            field = line.strip().split(";")
            rune = int(field[0], 16)
            if field[1].endswith(", First>"):
                first = rune
            elif field[1].endswith(", Last>"):
                category.update(dict.fromkeys(range(first, rune + 1), field[2]))
            else:
                category[rune] = field[2]
            for column, mapping in ((12, upper), (13, lower)):
                if field[column] and rune >= FIRST:
                    mapping[rune] = int(field[column], 16)
    return category, upper, lower


def ranges(category, wanted):
    rows, start = [], None
    for rune in range(FIRST, END + 1):
        inside = rune in category and wanted(category[rune])
        if inside and start is None:
            start = rune
        elif not inside and start is not None:
            rows.append((start, rune - 1))
            start = None
    return rows


def case_ranges(mapping):
    """Longest runs of one distance, of every rune or of every second one."""
    rows, runes, at = [], sorted(mapping), 0
    while at < len(runes):
        first = runes[at]
        distance = mapping[first] - first
        best = (0, first, 1)
        for stride in (1, 2):
            last = first
            while mapping.get(last + stride, 0) - (last + stride) == distance and (stride == 1 or last + 1 not in mapping):
                last += stride
            best = max(best, ((last - first) // stride, last, stride if last > first else 1), key=lambda b: b[0])
        rows.append((first, best[1], distance, best[2]))
        while at < len(runes) and runes[at] <= best[1]:
            at += 1
    return rows


def write(kind, name, comment, rows):
    print(f"\n/* {comment} */\nconst struct {kind} {name}[] = {{")
    line = "   "
    for row in rows:
        item = " { " + ", ".join(hex(v) if i < 2 else str(v) for i, v in enumerate(row)) + " },"
        if len(line) + len(item) > 118:
            print(line)
            line = "   "
        line += item
    print(f"{line}\n}};\nconst size_t {name}_len = sizeof {name} / sizeof *{name};")


category, upper, lower = read(sys.argv[1])
print(HEAD % sys.argv[2], end="")
write("rune_range", "unicode_print", "Printable runes.", ranges(category, lambda c: c[0] in "LMNPS"))
write("rune_range", "unicode_word", "Letters and decimal digits.", ranges(category, lambda c: c[0] == "L" or c == "Nd"))
write("rune_case", "unicode_upper", "Runes with an upper case: first, last, distance, stride.", case_ranges(upper))
write("rune_case", "unicode_lower", "Runes with a lower case: first, last, distance, stride.", case_ranges(lower))
