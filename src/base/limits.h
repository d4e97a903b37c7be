/* limits.h: every maximum that a user's input can meet, in one place. Sizes in bytes unless the name says otherwise. */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H
#define LIMIT_MIB(n) ((size_t)(n) << 20)

#define LIMIT_CONFIG_FILE LIMIT_MIB(16)        /* prometheus.yml, one rule file, one file_sd file */
#define LIMIT_YAML_DEPTH 64
#define LIMIT_YAML_NODES 4000000              /* with every alias expanded */
#define LIMIT_YAML_MERGES 64                   /* merge keys (<<) of one map */
#define LIMIT_CONFIG_MEMORY LIMIT_MIB(512)     /* one loaded configuration */
#define LIMIT_GLOB_FILES 100000                /* files one glob may find */
#define LIMIT_GLOB_DEPTH 16                    /* folders of a glob that hold wildcards */
#define LIMIT_REGEX ((size_t)64 << 10)         /* one pattern */
#define LIMIT_REGEX_PROGRAM LIMIT_MIB(8)       /* compiled, per pattern */
#define LIMIT_QUERY_TEXT ((size_t)1 << 20)
#define LIMIT_QUERY_DEPTH 1000                 /* nested expressions */
#define LIMIT_QUERY_POINTS 11000               /* steps of one range query */
#define LIMIT_HTTP_HEAD ((size_t)1 << 20)      /* request or response line and headers */
#define LIMIT_HTTP_HEADERS 256                 /* number of header lines */
#define LIMIT_HTTP_VALUES 10000                /* query and form values of one request, as Go's default */
#define LIMIT_HTTP_FORM LIMIT_MIB(10)          /* form body, as Go's */
#define LIMIT_HTTP_FRAMING ((size_t)64 << 10)  /* chunk sizes, extensions and trailers between two bytes of body */
#define LIMIT_HTTP_PIPELINE ((size_t)64 << 10) /* bytes kept of what a client sends before it has its answer */
#define LIMIT_HTTP_BODY LIMIT_MIB(64)          /* request body as sent */
#define LIMIT_HTTP_BODY_UNROUTED LIMIT_MIB(1)  /* the same, where no route takes it anyway */
#define LIMIT_SCRAPE_BODY LIMIT_MIB(128)       /* decompressed page where body_size_limit is 0 */
#define LIMIT_SCRAPE_BODY_ASKED LIMIT_MIB(1024) /* the most that body_size_limit can ask for */
#define LIMIT_SCRAPE_LINES 1000000             /* samples and comments of one page; more where sample_limit says so */
#define LIMIT_SCRAPE_LINE LIMIT_MIB(4)
#define LIMIT_SCRAPE_METADATA 20000            /* metric families of one target that keep type, help, unit */
#define LIMIT_REMOTE_WRITE LIMIT_MIB(32)       /* decoded, as Prometheus 3.12+ */
#define LIMIT_REMOTE_WRITE_SERIES 1000000      /* of one request; as many metadata */
#define LIMIT_REMOTE_WRITE_SAMPLES 2000000     /* of one request */
#define LIMIT_REMOTE_WRITE_CACHE 4000000       /* series known by their key */
#define LIMIT_LABELS 1024                      /* labels of one series */
#define LIMIT_LABELS_BYTES LIMIT_MIB(16)       /* packed label set */
#define LIMIT_RESULT_JSON LIMIT_MIB(1024)
#define LIMIT_JOURNAL_RECORD LIMIT_MIB(64)
#define LIMIT_JOURNAL_REFS ((uint32_t)1 << 26)  /* series numbers of one journal segment */
#endif
