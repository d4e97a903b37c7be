/* journal.c: segments and records. What a batch looks like inside: journal_codec.c.
 *
 *   segment = "tsdbJ" 0 0 1  { record }
 *   record  = u64 XXH3-64 of the rest  u32 length of the payload  u8 type  payload
 *
 * Invariants: (1) a record is one write(); (2) the file ends with a good record before each write: where one failed
 * half-way, what it left is cut off first, or nothing is written at all; (3) `synced` says that all of it is on the
 * disk, its name included. Space is reserved in steps behind the end (KEEP_SIZE: the size stays that of the records),
 * so that a sync has no blocks to allocate. Layout: docs/format/journal.md. */
#include "tsdb/journal.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/os.h"
#include "base/vec.h"
#include "tsdb/journal_codec.h"
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

static const char MAGIC[8] = { 't', 's', 'd', 'b', 'J', 0, 0, 1 };
enum {
    RECORD_HEAD = 13,
    RESERVE_STEP = 1 << 20,
    READ_STEP = 256 * 1024,
    KEEP_BYTES = 512 * 1024,      /* of the record buffer, from one record to the next */
    N_KNOWN_TYPES = JOURNAL_TOMBSTONE,
};

struct journal {
    char *dir, *path;
    uint64_t number;
    int fd;                  /* -1: no record yet */
    uint64_t len;            /* of good records, magic included */
    uint64_t reserved;       /* end of the reserved space */
    bool no_reserve;         /* the file system cannot */
    bool torn;               /* bytes behind len that could not be cut off */
    bool synced, name_synced;
    batch_encoder *codec;
    buf record;
};

static void segment_path(char *out, size_t size, const char *dir, uint64_t number)
{
    snprintf(out, size, "%s/%06" PRIu64, dir, number);
}

static bool os_failed(err *e, const char *what, const char *path)
{
    return err_set(e, ERR_UNAVAILABLE, "journal: %s %s: %s", what, path, file_errno_text(errno));
}

static void set_segment(journal *j, uint64_t number)
{
    char path[4096];
    segment_path(path, sizeof path, j->dir, number);
    free(j->path);
    j->path = xstrdup(path);
    j->number = number;
    j->fd = -1;
    j->len = j->reserved = 0;
    j->torn = false;
    j->synced = j->name_synced = true;
    batch_encoder_reset(j->codec);
}

bool journal_open(const char *dir, uint64_t number, journal **out, err *e)
{
    char path[4096];
    if (!dir_make(dir, e))
        return err_wrap(e, "journal");
    segment_path(path, sizeof path, dir, number);
    int fd = os.open(path, O_RDONLY, 0);
    if (fd >= 0) {
        os.close(fd);
        return err_set(e, ERR_INTERNAL, "journal: segment %s exists already", path);
    }
    journal *j = xcalloc(1, sizeof *j);
    j->dir = xstrdup(dir);
    j->codec = batch_encoder_new();
    buf_init(&j->record, LIMIT_JOURNAL_RECORD + 1024);
    set_segment(j, number);
    *out = j;
    return true;
}

/* Ends the open file: what was reserved behind the records goes back. */
static void close_file(journal *j)
{
    if (j->fd < 0)
        return;
    if (j->reserved > j->len)
        os.ftruncate(j->fd, (off_t)j->len);
    os.close(j->fd);
    j->fd = -1;
}

void journal_close(journal *j)
{
    if (!j)
        return;
    close_file(j);
    batch_encoder_free(j->codec);
    buf_release(&j->record);
    free(j->dir);
    free(j->path);
    free(j);
}

/* ---- writing ---- */

static bool create(journal *j, err *e)
{
    j->fd = os.open(j->path, O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (j->fd < 0)
        return os_failed(e, "create", j->path);
    j->name_synced = false;
    return true;
}

/* Reserves space for n more bytes and some to come. Failing is no harm: the write then allocates, or says what is
 * wrong. */
static void reserve(journal *j, size_t n)
{
    if (j->no_reserve || j->len + n <= j->reserved)
        return;
    uint64_t want = j->len + n + RESERVE_STEP;
    if (os.fallocate(j->fd, FALLOC_FL_KEEP_SIZE, (off_t)j->reserved, (off_t)(want - j->reserved)) == 0)
        j->reserved = want;
    else
        j->no_reserve = errno == EOPNOTSUPP || errno == ENOSYS;
}

static bool cut_torn(journal *j, err *e)
{
    if (j->torn && os.ftruncate(j->fd, (off_t)j->len) != 0)
        return os_failed(e, "truncate", j->path);
    if (j->torn)
        j->reserved = j->len;
    j->torn = false;
    return true;
}

static bool write_all(journal *j, bytes b, err *e)
{
    size_t done = 0;
    while (done < b.len) {
        ssize_t n = os.write(j->fd, b.p + done, b.len - done);
        if (n <= 0) {
            if (n == 0)
                errno = ENOSPC;
            os_failed(e, "write", j->path);
            j->torn = true;
            cut_torn(j, NULL); /* where this fails, the next record tries again before anything else */
            return false;
        }
        done += (size_t)n;
    }
    return true;
}

/* Starts a record: the segment's magic if it is the first, and room for the head. Where the head stands. */
static size_t begin_record(journal *j, int type)
{
    char head[RECORD_HEAD] = { 0 };
    head[12] = (char)type;
    buf_clear(&j->record);
    if (j->len == 0)
        buf_put(&j->record, MAGIC, sizeof MAGIC);
    size_t at = j->record.len;
    buf_put(&j->record, head, sizeof head);
    return at;
}

static bool end_record(journal *j, size_t at, err *e)
{
    uint32_t len = (uint32_t)(j->record.len - at - RECORD_HEAD);
    if (j->record.overflow || len > LIMIT_JOURNAL_RECORD)
        return err_set(e, ERR_TOO_LARGE, "journal: a record of %u bytes is too large", len);
    memcpy(j->record.p + at + 8, &len, 4);
    uint64_t sum = XXH3_64bits(j->record.p + at + 8, j->record.len - at - 8);
    memcpy(j->record.p + at, &sum, 8);
    if ((j->fd < 0 && !create(j, e)) || !cut_torn(j, e))
        return false;
    reserve(j, j->record.len);
    if (!write_all(j, buf_bytes(&j->record), e))
        return false;
    j->len += j->record.len;
    j->synced = false;
    if (j->record.cap > KEEP_BYTES)
        buf_release(&j->record);
    return true;
}

bool journal_append(journal *j, const journal_def *defs, size_t n_defs, const journal_sample *samples, size_t n, err *e)
{
    size_t at = begin_record(j, JOURNAL_BATCH);
    if (!batch_encode(j->codec, defs, n_defs, samples, n, &j->record, e))
        return false;
    bool ok = end_record(j, at, e);
    if (!ok)
        batch_undo(j->codec, samples, n);
    batch_settle(j->codec);
    return ok;
}

bool journal_append_record(journal *j, int type, bytes payload, err *e)
{
    assert(type > 0 && type < 256 && type != JOURNAL_BATCH);
    size_t at = begin_record(j, type);
    buf_puts(&j->record, payload);
    return end_record(j, at, e);
}

bool journal_sync(journal *j, err *e)
{
    if (j->synced && j->name_synced)
        return true;
    if (j->fd >= 0 && os.fdatasync(j->fd) != 0)
        return os_failed(e, "sync", j->path);
    if (!j->name_synced && os_sync_dir(j->dir) != 0)
        return os_failed(e, "sync", j->dir);
    j->synced = j->name_synced = true;
    return true;
}

bool journal_rotate(journal *j, err *e)
{
    if (!journal_sync(j, e))
        return false;
    close_file(j);
    set_segment(j, j->number + 1);
    return true;
}

uint64_t journal_segment(const journal *j)
{
    return j->number;
}

uint64_t journal_bytes(const journal *j)
{
    return j->len;
}

/* ---- the folder ---- */

/* A segment's number from its file name: decimal digits, at least six. */
static bool parse_name(const char *name, uint64_t *number)
{
    size_t len = strlen(name);
    if (len < 6 || len > 19 || strspn(name, "0123456789") != len)
        return false;
    *number = strtoull(name, NULL, 10);
    return true;
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static uint64_t file_size(const char *dir, uint64_t number)
{
    char path[4096];
    segment_path(path, sizeof path, dir, number);
    struct stat st;
    return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

bool journal_list(const char *dir, arena *a, uint64_t **numbers, size_t *n, uint64_t *n_bytes, err *e)
{
    VEC(uint64_t) found = { 0 };
    *numbers = NULL;
    *n = 0;
    *n_bytes = 0;
    DIR *d = opendir(dir);
    if (!d)
        return errno == ENOENT || os_failed(e, "open", dir);
    uint64_t number;
    for (struct dirent *f; (f = readdir(d));)
        if (parse_name(f->d_name, &number))
            vec_push(&found, number);
    closedir(d);
    *numbers = ARENA_ARRAY(a, uint64_t, found.len);
    *n = found.len;
    if (found.len) {
        qsort(found.p, found.len, sizeof *found.p, by_number);
        memcpy(*numbers, found.p, found.len * sizeof *found.p);
    }
    for (size_t i = 0; i < found.len; i++)
        *n_bytes += file_size(dir, found.p[i]);
    vec_free(&found);
    return true;
}

bool journal_drop_below(const char *dir, uint64_t number, err *e)
{
    arena a;
    uint64_t *list, n_bytes;
    size_t n, dropped = 0;
    arena_init(&a, 0);
    bool ok = journal_list(dir, &a, &list, &n, &n_bytes, e);
    for (size_t i = 0; ok && i < n && list[i] < number; i++, dropped++) {
        char path[4096];
        segment_path(path, sizeof path, dir, list[i]);
        ok = os.unlink(path) == 0 || errno == ENOENT || os_failed(e, "remove", path);
    }
    arena_release(&a);
    return ok && (!dropped || os_sync_dir(dir) == 0 || os_failed(e, "sync", dir));
}

/* ---- reading ---- */

/* Bytes of a segment from left to right: all there (fd < 0), or read as they are asked for. */
typedef struct source {
    bytes have;
    int fd;
    buf window;
    bool failed;             /* reading from the disk did */
} source;

/* Are n bytes there? Makes s->have at least that long. */
static bool source_need(source *s, size_t n)
{
    if (s->have.len >= n)
        return true;
    if (s->fd < 0)
        return false;
    buf_consume(&s->window, s->window.len - s->have.len);
    while (s->window.len < n) {
        size_t want = n - s->window.len > READ_STEP ? n - s->window.len : READ_STEP;
        char *to = buf_reserve(&s->window, want);
        ssize_t got = to ? os.read(s->fd, to, want) : -1;
        s->failed |= got < 0;
        if (got <= 0)
            break;
        buf_commit(&s->window, (size_t)got);
    }
    s->have = buf_bytes(&s->window);
    return s->have.len >= n;
}

static void source_take(source *s, size_t n)
{
    s->have = bytes_sub(s->have, n, s->have.len);
}

/* The next record if a whole and good one is there. Its bytes stay until the next call. */
static bool next_record(source *s, int *type, bytes *payload)
{
    uint64_t sum;
    uint32_t len;
    if (!source_need(s, RECORD_HEAD))
        return false;
    memcpy(&len, s->have.p + 8, 4);
    if (len > LIMIT_JOURNAL_RECORD || !source_need(s, RECORD_HEAD + (size_t)len))
        return false;
    memcpy(&sum, s->have.p, 8);
    if (sum != XXH3_64bits(s->have.p + 8, (size_t)len + RECORD_HEAD - 8))
        return false;
    *type = (uint8_t)s->have.p[12];
    *payload = bytes_sub(s->have, RECORD_HEAD, len);
    return *type != 0;
}

/* Length of what is left, without the zeros at its end. */
static uint64_t count_rest(source *s)
{
    uint64_t at = 0, end = 0;
    while (source_need(s, 1)) {
        for (size_t i = 0; i < s->have.len; i++)
            if (s->have.p[i])
                end = at + i + 1;
        at += s->have.len;
        source_take(s, s->have.len);
    }
    return end;
}

/* true: the magic is there and taken. false: torn (the rest is counted), or e says that it is not one of ours. */
static bool take_magic(source *s, journal_result *out, err *e)
{
    static const char zeros[sizeof MAGIC];
    if (!source_need(s, sizeof MAGIC) || memcmp(s->have.p, zeros, sizeof MAGIC) == 0) {
        out->cut_bytes = count_rest(s);
        return false;
    }
    if (memcmp(s->have.p, MAGIC, sizeof MAGIC) != 0) {
        err_set(e, ERR_BAD_DATA, "journal: not a segment, or of another version");
        return false;
    }
    source_take(s, sizeof MAGIC);
    out->good_bytes = sizeof MAGIC;
    return true;
}

static bool visit(batch_decoder *codec, int type, bytes payload, const journal_visitor *v, journal_result *out, err *e)
{
    if (type == JOURNAL_BATCH)
        return batch_decode(codec, payload, v, out, e);
    if (type <= N_KNOWN_TYPES && v->record)
        v->record(v->ctx, type, payload);
    return true;
}

static bool read_records(source *s, const journal_visitor *v, journal_result *out, err *e)
{
    err first = { 0 };
    *out = (journal_result){ 0 };
    if (!take_magic(s, out, &first)) {
        if (first.kind && e)
            *e = first;
        return !first.kind;
    }
    batch_decoder *codec = batch_decoder_new();
    int type;
    bytes payload;
    while (next_record(s, &type, &payload) && visit(codec, type, payload, v, out, NULL)) {
        out->n_records++;
        out->good_bytes += RECORD_HEAD + payload.len;
        source_take(s, RECORD_HEAD + payload.len);
    }
    batch_decoder_free(codec);
    out->cut_bytes = count_rest(s);
    return true;
}

bool journal_parse(bytes segment, const journal_visitor *v, journal_result *out, err *e)
{
    source s = { .have = segment, .fd = -1 };
    return read_records(&s, v, out, e);
}

bool journal_read(const char *dir, uint64_t number, bool repair, const journal_visitor *v, journal_result *out, err *e)
{
    char path[4096];
    segment_path(path, sizeof path, dir, number);
    source s = { .fd = os.open(path, repair ? O_RDWR : O_RDONLY, 0) };
    if (s.fd < 0)
        return os_failed(e, "open", path);
    buf_init(&s.window, LIMIT_JOURNAL_RECORD + RECORD_HEAD + READ_STEP);
    bool ok = read_records(&s, v, out, e);
    if (!ok)
        err_wrap(e, "%s", path);
    if (ok && s.failed)
        ok = err_set(e, ERR_UNAVAILABLE, "journal: read %s failed after %" PRIu64 " bytes", path, out->good_bytes);
    if (ok && repair && out->cut_bytes)
        ok = os.ftruncate(s.fd, (off_t)out->good_bytes) == 0 || os_failed(e, "truncate", path);
    buf_release(&s.window);
    os.close(s.fd);
    return ok;
}
