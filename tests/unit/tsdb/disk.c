/* disk.c: see disk.h. */
#include "disk.h"
#include "base/arena.h"
#include "tsdb/merge.h"
#include "store.h"
#include <math.h>
#include <stdlib.h>

static uint64_t state = 1;

void rnd_seed(uint64_t seed)
{
    state = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
    for (int i = 0; i < 8; i++)
        rnd();
}

uint64_t rnd(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

char *fresh_dir(void)
{
    char path[] = "/tmp/tsdb-disk-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(path));
    return xstrdup(path);
}

void drop_dir(char *dir)
{
    remove_tree(dir);
    free(dir);
}

double value_of(int kind, size_t i, double last)
{
    static const double odd[] = { 0.0,
                                  -0.0,
                                  INFINITY,
                                  -INFINITY,
                                  1e308,
                                  5e-324,
                                  0.1,
                                  -1,
                                  4503599627370497.5,
                                  9007199254740993.0,
                                  1.8446744073709552e19 };
    switch (kind) {
    case 0: return 42;
    case 1: return (double)(i * 15);
    case 2: return last + (double)rnd_below(1000);
    case 3: return (double)rnd_below(100) / 10;
    case 4: return num_from_bits(rnd());
    case 5: return odd[rnd_below(sizeof odd / sizeof *odd)];
    case 6: return i % 7 == 3 ? sample_stale() : i % 11 == 5 ? sample_nan() : 3.25;
    case 7: return (double)i * 0.1;
    case 8: return (double)rnd_below(100000) * 1e-9;
    case 9: return (double)rnd_below(100000) / 1000 / 1000;
    case 10: return (double)rnd_below(5000000) * 1e-3;
    case 11: return (double)((int64_t)rnd_below(1 << 20) - (1 << 19)) * 4096;
    case 12: return i == 77 ? sample_stale() : (double)(i * i);
    case 13: return sample_stale();
    case 14: return rnd_below(50) ? (double)rnd_below(9) : (double)(rnd() >> 12);
    case 15: return sin((double)i / 10) * 1e3;
    case 16: return rnd_below(20) ? last : last + 0.25;
    case 17: return i < 5 ? NAN : -(double)i / 100;
    case 18: return (double)(int64_t)rnd();
    default: return 1.8446744073709552e19;
    }
}

void times_of(int kind, int64_t t, size_t n, int64_t *out)
{
    for (size_t i = 0; i < n; i++) {
        out[i] = t;
        switch (kind) {
        case 0: t += 15000; break;
        case 1: t += 15000 + (int64_t)rnd_below(21) - 10; break;
        case 2: t += 1 + (int64_t)rnd_below(100000); break;
        case 3: t += rnd_below(30) ? 15000 : 45000; break;
        case 4: t += 1; break;
        default: t += 1 + (int64_t)rnd_below(UINT64_C(1) << (1 + rnd_below(50))); break;
        }
    }
}

void put_columns(sample_columns *c, int64_t t, double v)
{
    columns_push(c, (sample){ t, v });
}
