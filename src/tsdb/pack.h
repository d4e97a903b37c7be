/* pack.h: the stored form of up to 256 series over one stretch of time: compressed columns behind a directory.
 *
 * A pack has slots; which series sits in slot k is said outside (a day file's list). A slot may be empty. Timestamps
 * that slots share are stored once; values are columns of decimal integers where that is exact, else XOR. Slots are
 * spread over a few zstd frames, so that reading one series inflates one frame. Every bit of a value survives: NaN
 * payloads, -0, infinities, staleness markers. Layout: docs/format/pack.md.
 * Nothing here allocates per sample or keeps state between packs but the two scratch objects. Any thread, one at a
 * time. */
#ifndef TSDB_PACK_H
#define TSDB_PACK_H
#include "base/buf.h"
#include "base/err.h"
#include "tsdb/select.h"

enum {
    PACK_MAX_SLOTS = 256,
    PACK_MAX_SAMPLES = 1024,   /* of one slot */
};

/* One slot's samples: ascending t, distinct; n 0: the slot is empty. Borrowed. Slots with the same `t` pointer and n
 * share it without a comparison. */
typedef struct pack_column {
    const int64_t *t;
    const double *v;
    size_t n;
} pack_column;

typedef struct pack_encoder pack_encoder;      /* scratch: tables and a zstd context, about 1 MB */
pack_encoder *pack_encoder_new(void);
void pack_encoder_free(pack_encoder *p);
/* Appends the pack to out. At least one slot holds samples; limits as above (asserted). */
void pack_encode(pack_encoder *p, const pack_column *slots, size_t n_slots, buf *out);

/* A pack opened for reading: directory parsed, checksum verified. Borrows the blob. */
enum { PACK_MAX_FRAMES = 16, PACK_EMPTY = 0xff };
typedef struct pack_frame_ref {
    bytes columns;                  /* zstd, or as is where it has raw_len bytes */
    bytes bits;                     /* never compressed */
    uint32_t raw_len;
    uint32_t n_slots;
} pack_frame_ref;
typedef struct pack_view {
    bytes timelines;                /* shared timestamp columns, encoded */
    int64_t mint, maxt;             /* over all slots */
    uint32_t n_slots, n_frames;
    pack_frame_ref frames[PACK_MAX_FRAMES];
    uint8_t frame_of[PACK_MAX_SLOTS];    /* PACK_EMPTY: no samples */
    uint8_t rank[PACK_MAX_SLOTS];        /* its place inside the frame */
} pack_view;

/* One series' column, encoded: what pack_decode() needs besides the timelines. Borrowed from an inflated frame. */
typedef struct pack_slice {
    bytes column, bits;
} pack_slice;

/* ERR_BAD_DATA: wrong checksum, unknown version, or a directory that contradicts itself. Hostile input is fine. */
bool pack_open(bytes blob, pack_view *out, err *e);

typedef struct pack_decoder pack_decoder;      /* scratch: a zstd context, timestamps used last; about 200 KB */
pack_decoder *pack_decoder_new(void);
void pack_decoder_free(pack_decoder *p);
/* Inflates frame k into out (cleared first). */
bool pack_inflate(pack_decoder *p, const pack_view *v, uint32_t k, buf *out, err *e);
/* The columns of all slots of inflated frame k, by rank (v->frames[k].n_slots of them). Borrowed from `frame`. */
bool pack_slices(const pack_view *v, uint32_t k, bytes frame, pack_slice *out, err *e);
/* Appends to out the samples of a slice with t in [mint, maxt]. `timelines` is the view's, copied along with slices
 * that outlive their blob. */
bool pack_decode(pack_decoder *p, bytes timelines, const pack_slice *s, int64_t mint, int64_t maxt, sample_columns *out,
                 err *e);
/* All in one: appends the samples of one slot; an empty slot appends none. */
bool pack_read(pack_decoder *p, bytes blob, uint32_t slot, int64_t mint, int64_t maxt, sample_columns *out, err *e);
#endif
