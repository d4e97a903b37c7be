/* scrape_request.h: the headers of a scrape: what is accepted, who asks, and with which credentials.
 *
 * Secrets in files are read for each request, so that a rotated password takes effect at once; such files are small and
 * local. Source: acceptHeader, targetScraper.scrape in scrape/scrape.go; http_config.go of prometheus/common.        */
#ifndef SCRAPE_SCRAPE_REQUEST_H
#define SCRAPE_SCRAPE_REQUEST_H
#include "base/err.h"
#include "config/prometheus_config.h"
#include "loop/values.h"

/* The Accept header of a job. Formats that cannot be read (protobuf) are not asked for. In a. */
bytes scrape_accept(const scrape_config *sc, arena *a);

/* All headers of one scrape, in a. false: a file with a secret cannot be read. */
bool scrape_headers(const scrape_config *sc, bytes accept, const char *user_agent, int64_t timeout_ms, arena *a,
                    http_values *out, err *e);
#endif
