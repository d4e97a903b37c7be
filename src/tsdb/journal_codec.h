/* journal_codec.h: the payload of a batch record: series definitions and samples as columns.
 *
 * Writer and reader walk the same state: for every ref of the segment the value it had last. Layout and the value
 * codes: docs/format/journal.md. Used by journal.c only. */
#ifndef TSDB_JOURNAL_CODEC_H
#define TSDB_JOURNAL_CODEC_H
#include "tsdb/journal.h"

typedef struct batch_encoder batch_encoder;
batch_encoder *batch_encoder_new(void);
void batch_encoder_free(batch_encoder *b);
void batch_encoder_reset(batch_encoder *b);     /* a new segment: no ref is defined */
/* Appends the payload to out. What it changed can be taken back by batch_undo() until the next call. */
bool batch_encode(batch_encoder *b, const journal_def *defs, size_t n_defs, const journal_sample *samples, size_t n,
                  buf *out, err *e);
/* The last batch was not written after all. */
void batch_undo(batch_encoder *b, const journal_sample *samples, size_t n);
/* Ends the chance to undo; gives back memory that only a large batch needed. */
void batch_settle(batch_encoder *b);

typedef struct batch_decoder batch_decoder;     /* of one segment, from its start */
batch_decoder *batch_decoder_new(void);
void batch_decoder_free(batch_decoder *b);
/* Visits what the payload holds and counts it. ERR_BAD_DATA: malformed; nothing of its samples was visited. */
bool batch_decode(batch_decoder *b, bytes payload, const journal_visitor *v, journal_result *count, err *e);
#endif
