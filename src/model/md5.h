/* md5.h: MD5 (RFC 1321), for relabelling's hashmod and the scrape offsets, which must equal Prometheus'. Not for secrets. */
#ifndef MODEL_MD5_H
#define MODEL_MD5_H
#include "base/bytes.h"

void md5(bytes data, uint8_t out[16]);
/* Bytes 8 to 15 of the digest, big-endian: the number that Prometheus takes for a hash. */
uint64_t md5_low64(bytes data);
#endif
