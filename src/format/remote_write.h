/* remote_write.h: remote write 1.0 requests: snappy block, protobuf prometheus.WriteRequest -> flat arrays.
 *
 * Nothing is copied but samples: names and values are borrowed from the decompressed body, which lives in the arena.
 * The labels of a series are checked only where somebody asks for them (rw_series_labels), so a receiver that knows a
 * series by its key pays for a hash and no more. Worker or loop; no state.
 * Source: remote write 1.0 specification; prompb/types.proto; storage/remote/write_handler.go. */
#ifndef FORMAT_REMOTE_WRITE_H
#define FORMAT_REMOTE_WRITE_H
#include "base/err.h"
#include "format/key_index.h"
#include "model/labels.h"
#include "model/metadata.h"
#include "model/sample.h"

typedef struct rw_series {
    bytes raw;                          /* the Label fields as on the wire */
    hash_key key;                       /* of raw */
    uint32_t first, n;                  /* samples[first .. first + n) */
    uint32_t n_histograms, n_exemplars; /* read past, not kept */
} rw_series;

typedef struct rw_metadata {
    bytes family, help, unit;
    enum metric_kind kind;
} rw_metadata;

typedef struct rw_request {
    rw_series *series;
    sample *samples;
    rw_metadata *metadata;
    size_t n_series, n_samples, n_metadata;
    uint64_t n_histograms, n_exemplars;
} rw_request;

/* Block format, any legal stream (literals only included). The length is checked against max before memory is taken. */
bool rw_decompress(bytes body, size_t max, arena *a, bytes *out, err *e);
/* message must outlive *out; seed is that of the receiver's keys. Malformed wire data is ERR_BAD_DATA and nothing of
 * the request is to be used. */
bool rw_decode(bytes message, uint64_t seed, arena *a, rw_request *out, err *e);
/* Both, with LIMIT_REMOTE_WRITE. */
bool rw_read(bytes body, uint64_t seed, arena *a, rw_request *out, err *e);

/* The labels of a series in a, checked as Prometheus' receiver does: a non-empty __name__, no empty names, valid
 * UTF-8, no repeated names. Unsorted labels are sorted, empty values dropped. false: *e says what is wrong with them.
 */
bool rw_series_labels(const rw_series *s, arena *a, const labels **out, err *e);
#endif
