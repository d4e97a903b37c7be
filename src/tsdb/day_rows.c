/* day_rows.c: see day_rows.h.
 *
 *   catalogue row = varint(n) varint(bytes of lens) varint(bytes of places) lens places text
 *     lens        = n x { varint(bytes shared with the labels before) varint(bytes of its own) }
 *     places      = n x zigzag(place - place before)
 *   postings row  = { varint(length of name, 0: as before) name varint(length of value) value varint(length of ids) ids
 *   }
 *     ids         = { varint(gap << 1) | varint(gap << 1 | 1) varint(run - 2) }       gap from the end of the run
 *     before
 *   block         = varint(first list) varint(groups) { u64 group }
 *                   zigzag(first pack) varint(packs) { varint(list - list before) } { varint(mint) varint(maxt - mint)
 *                   }
 *                   { varint(bytes) varint(slots) }
 *                   varint(segments) { varint(first) varint(n) zigzag(first row) varint(rows) { name value of its first
 * pair } } Everything is compressed by the caller (zblob.h). */
#include "tsdb/day_rows.h"
#include "base/arena.h"
#include "tsdb/daystore.h"

/* ---- label sets ---- */
static bool take_run(cursor *c, bytes *out)
{
    uint64_t len;
    return cursor_varint(c, &len) && cursor_bytes(c, len, out);
}

int packed_cmp(bytes a, bytes b)
{
    cursor x = cursor_of(a), y = cursor_of(b);
    bytes s, t;
    while (take_run(&x, &s) && take_run(&y, &t)) {
        int d = bytes_cmp(s, t);
        if (d)
            return d;
    }
    return (a.len > b.len) - (a.len < b.len);
}

/* ---- catalogue ---- */
void catalogue_writer_init(catalogue_writer *w)
{
    *w = (catalogue_writer){ 0 };
    buf_init(&w->lens, DAY_MAX_ROW);
    buf_init(&w->places, DAY_MAX_ROW);
    buf_init(&w->text, SIZE_MAX / 2);
    buf_init(&w->last, SIZE_MAX / 2);
}

void catalogue_writer_release(catalogue_writer *w)
{
    buf_release(&w->lens);
    buf_release(&w->places);
    buf_release(&w->text);
    buf_release(&w->last);
}

static size_t shared_prefix(bytes a, bytes b)
{
    size_t n = a.len < b.len ? a.len : b.len, i = 0;
    while (i < n && a.p[i] == b.p[i])
        i++;
    return i;
}

void catalogue_put(catalogue_writer *w, bytes packed, uint32_t place)
{
    size_t shared = shared_prefix(packed, buf_bytes(&w->last));
    buf_put_varint(&w->lens, shared);
    buf_put_varint(&w->lens, packed.len - shared);
    buf_put_zigzag(&w->places, (int64_t)place - w->last_place);
    buf_puts(&w->text, bytes_sub(packed, shared, packed.len));
    buf_clear(&w->last);
    buf_puts(&w->last, packed);
    w->last_place = place;
    w->n++;
}

void catalogue_end(catalogue_writer *w, buf *raw)
{
    buf_put_varint(raw, w->n);
    buf_put_varint(raw, w->lens.len);
    buf_put_varint(raw, w->places.len);
    buf_puts(raw, buf_bytes(&w->lens));
    buf_puts(raw, buf_bytes(&w->places));
    buf_puts(raw, buf_bytes(&w->text));
    buf_clear(&w->lens);
    buf_clear(&w->places);
    buf_clear(&w->text);
    buf_clear(&w->last);
    w->n = w->last_place = 0;
}

void catalogue_reader_init(catalogue_reader *r)
{
    *r = (catalogue_reader){ 0 };
    buf_init(&r->labels, DAY_MAX_ROW);
}

void catalogue_reader_release(catalogue_reader *r)
{
    buf_release(&r->labels);
}

bool catalogue_open(catalogue_reader *r, bytes raw)
{
    cursor c = cursor_of(raw);
    uint64_t n, n_lens, n_places;
    bytes lens, places;
    r->left = r->place = 0;
    buf_clear(&r->labels);
    r->bad = !cursor_varint(&c, &n) || !cursor_varint(&c, &n_lens) || !cursor_varint(&c, &n_places)
          || !cursor_bytes(&c, n_lens, &lens) || !cursor_bytes(&c, n_places, &places) || n > CATALOGUE_ROW;
    if (r->bad)
        return false;
    r->lens = cursor_of(lens);
    r->places = cursor_of(places);
    r->text = c;
    r->left = (uint32_t)n;
    return true;
}

bool catalogue_next(catalogue_reader *r)
{
    uint64_t shared, own;
    int64_t step;
    bytes text;
    if (r->left == 0 || r->bad)
        return false;
    r->bad = !cursor_varint(&r->lens, &shared) || !cursor_varint(&r->lens, &own) || !cursor_zigzag(&r->places, &step)
          || shared > r->labels.len || !cursor_bytes(&r->text, own, &text);
    if (r->bad)
        return false;
    r->labels.len = shared;
    buf_puts(&r->labels, text);
    r->bad = r->labels.overflow;
    r->place += (uint32_t)step;
    r->left--;
    return !r->bad;
}

/* ---- postings ---- */
static void put_ids(buf *out, uint32_t base, const uint32_t *ids, size_t n)
{
    for (size_t i = 0; i < n;) {
        size_t run = 1;
        while (i + run < n && ids[i + run] == ids[i] + run)
            run++;
        buf_put_varint(out, (uint64_t)(ids[i] - base) << 1 | (run > 1));
        if (run > 1)
            buf_put_varint(out, run - 2);
        base = ids[i] + (uint32_t)run;
        i += run;
    }
}

static void put_run(buf *out, bytes b)
{
    buf_put_varint(out, b.len);
    buf_puts(out, b);
}

void postings_put(buf *raw, bytes last_name, bytes name, bytes value, uint32_t base, const uint32_t *ids, size_t n)
{
    buf list;
    put_run(raw, bytes_eq(name, last_name) ? (bytes){ 0 } : name);
    put_run(raw, value);
    buf_init(&list, DAY_MAX_ROW);
    put_ids(&list, base, ids, n);
    put_run(raw, buf_bytes(&list));
    buf_release(&list);
}

void postings_open(postings_reader *r, bytes raw)
{
    *r = (postings_reader){ .c = cursor_of(raw) };
}

bool postings_next(postings_reader *r)
{
    bytes name;
    if (r->bad || cursor_done(&r->c))
        return false;
    r->bad = !take_run(&r->c, &name) || !take_run(&r->c, &r->value) || !take_run(&r->c, &r->ids);
    if (name.len)
        r->name = name;
    r->bad |= r->name.len == 0;
    return !r->bad;
}

/* The next run [*from, *to) of encoded ids, which ends below limit. */
static bool next_run(cursor *c, uint32_t *end, uint32_t limit, uint32_t *from)
{
    uint64_t head, more = 0;
    if (!cursor_varint(c, &head) || ((head & 1) && !cursor_varint(c, &more)))
        return false;
    uint64_t at = *end + (head >> 1), len = head & 1 ? more + 2 : 1;
    if (at >= limit || len > limit - at)
        return false;
    *from = (uint32_t)at;
    *end = (uint32_t)(at + len);
    return true;
}

bool postings_mark(bytes ids, uint32_t base, uint32_t limit, uint64_t *map)
{
    cursor c = cursor_of(ids);
    uint32_t end = base, from;
    while (!cursor_done(&c)) {
        if (!next_run(&c, &end, limit, &from))
            return false;
        for (uint32_t i = from; i < end;) {
            if (i % 64 == 0 && end - i >= 64) {
                map[i / 64] = UINT64_MAX;
                i += 64;
            } else {
                map[i / 64] |= UINT64_C(1) << (i % 64);
                i++;
            }
        }
    }
    return true;
}

bool postings_hits(bytes ids, uint32_t base, uint32_t limit, const uint64_t *map)
{
    cursor c = cursor_of(ids);
    uint32_t end = base, from;
    while (!cursor_done(&c) && next_run(&c, &end, limit, &from))
        for (uint32_t i = from; i < end; i++)
            if (map[i / 64] >> (i % 64) & 1)
                return true;
    return false;
}

/* ---- blocks ---- */
static void put_packs(const day_block *b, buf *raw)
{
    uint32_t last = 0;
    buf_put_zigzag(raw, b->first_pack);
    buf_put_varint(raw, b->n_packs);
    for (uint32_t i = 0; i < b->n_packs; last = b->packs[i++].list)
        buf_put_varint(raw, b->packs[i].list - last);
    for (uint32_t i = 0; i < b->n_packs; i++) {
        buf_put_varint(raw, b->packs[i].mint);
        buf_put_varint(raw, b->packs[i].maxt - b->packs[i].mint);
    }
    for (uint32_t i = 0; i < b->n_packs; i++) {
        buf_put_varint(raw, b->packs[i].bytes);
        buf_put_varint(raw, b->packs[i].n_slots);
    }
}

static void put_segment(const block_segment *s, buf *raw)
{
    buf_put_varint(raw, s->first);
    buf_put_varint(raw, s->n);
    buf_put_zigzag(raw, s->first_row);
    buf_put_varint(raw, s->n_rows);
    for (uint32_t i = 0; i < s->n_rows; i++) {
        put_run(raw, s->keys[i].name);
        put_run(raw, s->keys[i].value);
    }
}

void block_encode(const day_block *b, buf *raw)
{
    buf_put_varint(raw, b->first_list);
    buf_put_varint(raw, b->n_groups);
    for (uint32_t i = 0; i < b->n_groups; i++)
        buf_put_u64(raw, b->groups[i]);
    put_packs(b, raw);
    buf_put_varint(raw, b->n_segments);
    for (uint32_t i = 0; i < b->n_segments; i++)
        put_segment(&b->segments[i], raw);
}

/* A number of things that take at least a byte each and stay below max. */
static bool take_count(cursor *c, uint64_t max, uint32_t *out)
{
    uint64_t n;
    if (!cursor_varint(c, &n) || n > cursor_left(c) || n > max)
        return false;
    *out = (uint32_t)n;
    return true;
}

static bool take_u32(cursor *c, uint64_t max, uint32_t *out)
{
    uint64_t n;
    if (!cursor_varint(c, &n) || n > max)
        return false;
    *out = (uint32_t)n;
    return true;
}

static bool take_packs(cursor *c, arena *a, day_block *b)
{
    uint32_t list = 0, step, span;
    if (!cursor_zigzag(c, &b->first_pack) || !take_count(c, UINT32_MAX, &b->n_packs))
        return false;
    b->packs = ARENA_ARRAY(a, block_pack, b->n_packs);
    for (uint32_t i = 0; i < b->n_packs; i++) {
        if (!take_u32(c, DAY_MAX_LISTS - 1 - list, &step))
            return false;
        b->packs[i].list = list += step;
    }
    for (uint32_t i = 0; i < b->n_packs; i++) {
        if (!take_u32(c, DAY_MS - 1, &b->packs[i].mint) || !take_u32(c, DAY_MS - 1 - b->packs[i].mint, &span))
            return false;
        b->packs[i].maxt = b->packs[i].mint + span;
    }
    for (uint32_t i = 0; i < b->n_packs; i++)
        if (!take_u32(c, UINT32_MAX, &b->packs[i].bytes) || !take_u32(c, PACK_MAX_SLOTS, &b->packs[i].n_slots))
            return false;
    return true;
}

static bool take_segment(cursor *c, arena *a, block_segment *s)
{
    if (!take_u32(c, DAY_MAX_SERIES, &s->first) || !take_u32(c, SEGMENT_SERIES, &s->n)
        || !cursor_zigzag(c, &s->first_row) || !take_count(c, UINT32_MAX, &s->n_rows))
        return false;
    s->keys = ARENA_ARRAY(a, pair_key, s->n_rows);
    for (uint32_t i = 0; i < s->n_rows; i++) {
        if (!take_run(c, &s->keys[i].name) || !take_run(c, &s->keys[i].value))
            return false;
        s->keys[i].name = arena_dup(a, s->keys[i].name);
        s->keys[i].value = arena_dup(a, s->keys[i].value);
    }
    return true;
}

bool block_decode(bytes raw, arena *a, day_block *b)
{
    cursor c = cursor_of(raw);
    if (!take_u32(&c, DAY_MAX_LISTS, &b->first_list) || !take_count(&c, DAY_MAX_LISTS - b->first_list, &b->n_groups))
        return false;
    b->groups = ARENA_ARRAY(a, uint64_t, b->n_groups);
    for (uint32_t i = 0; i < b->n_groups; i++)
        if (!cursor_u64(&c, &b->groups[i]))
            return false;
    if (!take_packs(&c, a, b) || !take_count(&c, UINT32_MAX, &b->n_segments))
        return false;
    b->segments = ARENA_ARRAY(a, block_segment, b->n_segments);
    for (uint32_t i = 0; i < b->n_segments; i++)
        if (!take_segment(&c, a, &b->segments[i]))
            return false;
    return cursor_done(&c);
}
