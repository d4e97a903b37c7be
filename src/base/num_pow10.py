#!/usr/bin/env python3
"""Writes the table of powers of ten that num_format.c and num_parse.c share.

Row q (from -342 to 324) is floor(10^q / 2^r) as two 64-bit words, with r such that the top bit is set:
2^127 <= row < 2^128. Exact arithmetic on Python's integers; the C code says where it needs the row rounded up.
"""
import sys

FIRST, LAST = -342, 324


def row(q):
    if q >= 0:
        shift = (10**q).bit_length() - 128
        return 10**q >> shift if shift >= 0 else 10**q << -shift
    ten = 10**-q
    bits = ten.bit_length() + 127
    v = (1 << bits) // ten
    while v >= 1 << 128:
        bits -= 1
        v = (1 << bits) // ten
    return v


with open(sys.argv[-1], "w", encoding="ascii") as out:
    out.write("/* Written by num_pow10.py: floor(10^q / 2^r), 128 bits, high word first. */\n")
    out.write(f"enum {{ POW10_FIRST = {FIRST}, POW10_LAST = {LAST} }};\n")
    out.write("static const uint64_t pow10_rows[][2] = {\n")
    for q in range(FIRST, LAST + 1):
        v = row(q)
        assert 1 << 127 <= v < 1 << 128
        out.write(f"    {{ 0x{v >> 64:016x}, 0x{v & (1 << 64) - 1:016x} }}, /* 1e{q} */\n")
    out.write("};\n")
