/* app.c: the daemon put together.
 *
 * Start (each step may end it with a sentence and an exit code): configuration -> store (opened, journal replayed) -> loop,
 * workers -> scraping, API -> sockets -> signals. Stop is the same list upwards, as a flow:
 *     on_signal --> stop --> on_http_closed --> on_scrape_closed --> on_store_closed --> loop runs out --> app_run goes on
 * Reload:
 *     reload --> load_job --> on_loaded: checked? adopt (cannot fail) : keep the old one and say why                  */
#include "server/app.h"
#include "api/api.h"
#include "api/api_query.h"
#include "base/duration.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/os.h"
#include "base/vec.h"
#include "discovery/discovery.h"
#include "loop/signals.h"
#include "loop/ticker.h"
#include "loop/url.h"
#include "loop/worker.h"
#include "promql/parse.h"
#include "base/build_info.h"
#include "server/embedded_config.h"
#include "server/self_metrics.h"
#include "server/store.h"
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

/* Scraped samples, for which nobody waits, are written to the journal in company: COMMIT_DELAY_MS at most. */
enum { RETENTION_DEFAULT_MS = 15 * 24 * 3600 * 1000, HTTP_GRACE_MS = 5000, COMMIT_DELAY_MS = 250 };

typedef struct reload_waiter {
    void (*fn)(void *arg, const err *e);
    void *arg;
} reload_waiter;

typedef struct app {
    const server_flags *flags;
    uv_loop_t loop;
    prom_config *config;
    db *db;
    store *store;
    http_server *http;
    signals *signals;
    ticker *minute;
    api_env env;
    char retention_text[64];
    char user_agent[64];
    const char *external_scheme, *external_host;   /* where others reach this server */
    /* reload: those that asked while one was under way get the answer of the next */
    bool reloading;
    VEC(reload_waiter) waiting, answering;
    prom_config *loaded;
    err load_err;
    bool stopping;
    int exit_code;
} app;

/* ---- configuration ---- */

static void self_address(const app *a, char *out, size_t size)
{
    const char *listen = a->flags->web_listen_address.n ? a->flags->web_listen_address.p[0] : "0.0.0.0:9090";
    const char *port = strrchr(listen, ':');
    bool any = listen[0] == ':' || strncmp(listen, "0.0.0.0:", 8) == 0 || strncmp(listen, "[::]:", 5) == 0;
    if (any && port)
        snprintf(out, size, "127.0.0.1%s", port);
    else
        snprintf(out, size, "%s", listen);
}

/* Reads and checks the whole configuration. Any thread. */
static bool load_config(const app *a, prom_config **out, err *e)
{
    bool ok;
    if (a->flags->config_embedded) {
        char self[300];
        buf text;
        buf_init(&text, LIMIT_CONFIG_FILE);
        self_address(a, self, sizeof self);
        embedded_config_write(&text, self);
        ok = prom_config_parse(buf_bytes(&text), "embedded.yml", NULL, out, e);
        buf_release(&text);
    } else {
        ok = prom_config_load(a->flags->config_file, NULL, out, e);
    }
    if (ok && !a->flags->config_skip_unsupported_sd && !discovery_check_supported(*out, e)) {
        prom_config_unref(*out);
        *out = NULL;
        return false;
    }
    return ok;
}

/* The file wins over the flag; without either it is 15 days. */
static int64_t retention_ms(const app *a)
{
    int64_t file = a->config->storage.tsdb->retention.time_ms;
    if (file > 0)
        return file;
    if (a->flags->storage_retention_time_ms > 0)
        return a->flags->storage_retention_time_ms;
    return RETENTION_DEFAULT_MS;
}

static void describe_retention(app *a)
{
    arena tmp;
    arena_init(&tmp, 0);
    snprintf(a->retention_text, sizeof a->retention_text, "%s", arena_cstr(&tmp, duration_format(&tmp, retention_ms(a))));
    arena_release(&tmp);
}

/* Takes the configuration into use everywhere. Cannot fail. */
static void adopt(app *a, prom_config *cfg)
{
    prom_config *old = a->config;
    a->config = cfg;
    a->env.config = cfg;
    a->env.reload_ok = true;
    a->env.reload_ms = os.now_ms();
    db_set_ooo_window(a->db, cfg->storage.tsdb->out_of_order_time_window_ms);
    db_set_retention(a->db, retention_ms(a));
    describe_retention(a);
    scrape_manager_apply(a->env.scrape, cfg);
    if (cfg->rule_files.n)
        log_warn("rule_files are read by `tsdbctl check config` only: rules are not evaluated by this version", "file", cfg->path.p);
    prom_config_unref(old);
}

static void load_job(job *j, void *ctx)
{
    app *a = ctx;
    a->load_err = (err){ 0 };
    load_config(a, &a->loaded, &a->load_err);
}

static void start_reload(app *a);

static void on_loaded(job *j, void *ctx)
{
    app *a = ctx;
    bool ok = a->load_err.kind == ERR_NONE && a->loaded;
    if (ok && !a->stopping) {
        adopt(a, a->loaded);
        log_info("Completed loading of configuration file", "filename", a->config->path.p);
    } else if (ok) {
        prom_config_unref(a->loaded);
    } else {
        a->env.reload_ok = false;
        log_error("Error reloading config", "err", a->load_err.msg);
    }
    a->loaded = NULL;
    a->reloading = false;
    for (size_t i = 0; i < a->answering.len; i++)
        a->answering.p[i].fn(a->answering.p[i].arg, ok ? NULL : &a->load_err);
    a->answering.len = 0;
    if (a->waiting.len)
        start_reload(a);
}

/* Takes over who waits: a file changed after this load began is seen by the next. */
static void start_reload(app *a)
{
    a->reloading = true;
    for (size_t i = 0; i < a->waiting.len; i++)
        vec_push(&a->answering, a->waiting.p[i]);
    a->waiting.len = 0;
    worker_run(&a->loop, WORKER_MAINTENANCE, load_job, on_loaded, a);
}

static void nobody_waits(void *arg, const err *e)
{
}

static void reload(void (*fn)(void *arg, const err *e), void *arg, void *ctx)
{
    app *a = ctx;
    vec_push(&a->waiting, (reload_waiter){ fn, arg });
    if (!a->reloading)
        start_reload(a);
}

/* ---- stop ---- */

static void on_store_closed(void *ctx)
{
    app *a = ctx;
    a->store = NULL;
    signals_stop(a->signals);
    ticker_stop(a->minute);
}

static void on_scrape_closed(void *ctx)
{
    app *a = ctx;
    a->env.scrape = NULL;
    remote_writer_free(a->env.writer);
    store_close(a->store, on_store_closed, a);
}

static void on_http_closed(void *ctx)
{
    app *a = ctx;
    scrape_manager_close(a->env.scrape, on_scrape_closed, a);
}

static void stop(app *a)
{
    if (a->stopping)
        return;
    a->stopping = true;
    log_info("Stopping: no new requests, then scrapes, then the store");
    http_server_close(a->http, HTTP_GRACE_MS, on_http_closed, a);
}

static void quit(void *ctx)
{
    stop(ctx);
}

static void on_signal(int signum, void *ctx)
{
    app *a = ctx;
    if (signum == SIGHUP) {
        reload(nobody_waits, NULL, a);
        return;
    }
    if (a->stopping) {
        log_warn("second signal: leaving at once; the journal holds what was acknowledged");
        _exit(1);
    }
    log_warn("Received an OS signal, exiting gracefully...", "signal", signum == SIGTERM ? "terminated" : "interrupt");
    stop(a);
}

/* ---- services for the API ---- */

static void write_flags(json_writer *w, void *ctx)
{
    const app *a = ctx;
    const char *name, *value;
    json_object(w);
    for (size_t i = 0; flags_next(a->flags, &i, &name, &value);) {
        json_key(w, name);
        json_cstr(w, value);
    }
    json_end(w);
}

static void stored(void *ctx)
{
    store_kick(((app *)ctx)->store);
}

static void wait_committed(uint64_t seq, void (*fn)(void *arg, const err *e), void *arg, void *ctx)
{
    store_wait(((app *)ctx)->store, seq, fn, arg);
}

static void on_minute(void *ctx, int64_t due_ms, int64_t missed)
{
    remote_writer_tick(((app *)ctx)->env.writer, due_ms);
}

/* ---- start ---- */

static uint32_t query_features(uint32_t features)
{
    static const struct { uint32_t flag, query; } pairs[] = {
        { FEATURE_PROMQL_EXPERIMENTAL_FUNCTIONS, PROMQL_EXPERIMENTAL_FUNCTIONS },
        { FEATURE_PROMQL_DELAYED_NAME_REMOVAL, PROMQL_DELAYED_NAME_REMOVAL },
        { FEATURE_PROMQL_EXTENDED_RANGE_SELECTORS, PROMQL_EXTENDED_SELECTORS },
        { FEATURE_PROMQL_BINOP_FILL_MODIFIERS, PROMQL_FILL_MODIFIERS },
        { FEATURE_TYPE_AND_UNIT_LABELS, PROMQL_TYPE_AND_UNIT_LABELS },
    };
    uint32_t out = 0;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        out |= features & pairs[i].flag ? pairs[i].query : 0;
    return out;
}

static bool fill_env(app *a, err *e)
{
    const server_flags *f = a->flags;
    const char *origin = f->web_cors_origin ? f->web_cors_origin : ".*";
    a->env = (api_env){
        .loop = &a->loop, .db = a->db, .config = a->config,
        .build = { build_version, BUILD_API_VERSION, build_revision, build_branch, build_user, build_date, build_compiler },
        .query_features = query_features(f->features),
        .lookback_ms = f->query_lookback_delta_ms,
        .query_timeout_ms = f->query_timeout_ms,
        .query_max_samples = (size_t)f->query_max_samples,
        .query_max_bytes = (size_t)f->query_max_bytes,
        .admin_api = f->web_enable_admin_api, .lifecycle = f->web_enable_lifecycle,
        .remote_write = f->web_enable_remote_write_receiver,
        .cors_origin = regex_new(bytes_of(origin), e),
        .start_ms = os.now_ms(), .storage_retention = a->retention_text,
        .ctx = a, .write_flags = write_flags, .stored = stored, .wait_committed = wait_committed,
        .reload = reload, .quit = quit,
    };
    return a->env.cors_origin || err_wrap(e, "--web.cors.origin");
}

static bool open_store(app *a, err *e)
{
    db_options opt = {
        .dir = a->flags->storage_path,
        .retention_ms = retention_ms(a),
        .flush_interval_ms = a->flags->storage_flush_interval_ms,
        .commit_delay_ms = COMMIT_DELAY_MS,
        .ooo_window_ms = a->config->storage.tsdb->out_of_order_time_window_ms,
    };
    return db_open(&opt, &a->db, e);
}

/* The port of the first listen address, 9090 where it has none. */
static uint16_t listen_port(const server_flags *f)
{
    bytes host;
    uint16_t port = 9090;
    if (f->web_listen_address.n)
        url_split_host_port(bytes_of(f->web_listen_address.p[0]), &host, &port, NULL);
    return port;
}

/* Where others reach this server: --web.external-url, else http://HOSTNAME:PORT. In the arena. */
static void find_external(app *a, arena *mem)
{
    char host[256] = "localhost";
    url given;
    buf text;
    gethostname(host, sizeof host - 1);
    a->external_scheme = "http";
    a->external_host = arena_printf(mem, "%s:%u", host, listen_port(a->flags));
    if (!url_parse(bytes_of(a->flags->web_external_url), mem, &given, NULL))
        return;
    buf_init(&text, 4096);
    url_put_host(&given, &text);
    a->external_scheme = arena_cstr(mem, given.scheme);
    a->external_host = arena_cstr(mem, buf_bytes(&text));
    buf_release(&text);
}

/* "/x" of "--web.route-prefix", or the path of --web.external-url; "" for the root. In the arena. */
static const char *route_prefix(const server_flags *f, arena *mem)
{
    bytes path = bytes_of(f->web_route_prefix);
    if (path.len == 0) {
        bytes rest = bytes_of(f->web_external_url);
        ptrdiff_t host = bytes_find_bytes(rest, BYTES("://"));
        rest = host < 0 ? (bytes){ 0 } : bytes_sub(rest, (size_t)host + 3, rest.len);
        ptrdiff_t slash = bytes_find(rest, '/');
        path = slash < 0 ? (bytes){ 0 } : bytes_sub(rest, (size_t)slash, rest.len);
    }
    while (path.len && path.p[path.len - 1] == '/')
        path.len--;
    while (path.len && path.p[0] == '/')
        path = bytes_sub(path, 1, path.len);
    return path.len ? arena_printf(mem, "/%.*s", BYTES_ARG(path)) : "";
}

static bool start_http(app *a, arena *mem, err *e)
{
    const server_flags *f = a->flags;
    http_server_options opt = {
        .ctx = &a->env, .prefix = route_prefix(f, mem), .filter = api_filter,
        .max_connections = (int)f->web_max_connections, .idle_timeout_ms = f->web_read_timeout_ms,
        .gzip_min_bytes = 1,   /* as Prometheus: whatever the size */
    };
    a->http = http_server_new(&a->loop, &opt);
    http_server_routes(a->http, api_routes, api_n_routes);
    for (size_t i = 0; i < f->web_listen_address.n; i++) {
        if (!http_server_listen(a->http, f->web_listen_address.p[i], e))
            return false;
        log_info("Listening on", "address", f->web_listen_address.p[i]);
    }
    return true;
}

/* As many file descriptors as the system allows: a connection per target, a file per day. */
static void raise_fd_limit(void)
{
    struct rlimit l;
    if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur < l.rlim_max) {
        l.rlim_cur = l.rlim_max;
        setrlimit(RLIMIT_NOFILE, &l);
    }
}

static int fail(const char *what, const err *e, int code)
{
    log_error(what, "err", e->msg);
    return code;
}

/* Everything that needs the loop. On failure what was started is closed by the usual flow. */
static bool start_rooms(app *a, arena *mem, err *e)
{
    worker_setup(&a->loop, &(worker_options){ .max_queries = (int)a->flags->query_max_concurrency });
    a->store = store_new(&a->loop, a->db);
    a->env.writer = remote_writer_new(a->db);
    find_external(a, mem);
    snprintf(a->user_agent, sizeof a->user_agent, "tsdbd/%s", build_version);
    a->env.scrape = scrape_manager_new(&(scrape_manager_options){
        .loop = &a->loop, .db = a->db, .user_agent = a->user_agent,
        .extra_metrics = (a->flags->features & FEATURE_EXTRA_SCRAPE_METRICS) != 0,
        .tolerance_ms = a->flags->scrape_adjust_timestamps ? a->flags->scrape_timestamp_tolerance_ms : -1,
        .discovery_interval_ms = a->flags->scrape_discovery_reload_interval_ms,
        .external_scheme = a->external_scheme, .external_host = a->external_host, .listen_port = listen_port(a->flags),
        .appended = stored, .ctx = a });
    self_metrics_register(&a->env);
    api_query_metrics();
    a->signals = signals_start(&a->loop, on_signal, a);
    a->minute = ticker_start(&a->loop, 60000, 0, on_minute, a);
    return start_http(a, mem, e);
}

/* What start and stop leave behind. */
static void release(app *a, arena *mem)
{
    prom_config_unref(a->config);
    regex_unref(a->env.cors_origin);
    vec_free(&a->waiting);
    vec_free(&a->answering);
    arena_release(mem);
    free(a);
}

/* The loop's whole life: rooms, requests, stop. */
static void run_loop(app *a, arena *mem)
{
    err e = { 0 };
    uv_loop_init(&a->loop);
    if (start_rooms(a, mem, &e)) {
        prom_config *cfg = a->config;
        a->config = NULL;
        adopt(a, cfg);
        log_info("Server is ready to receive web requests.");
    } else {
        a->exit_code = fail("Unable to start web listener", &e, 1);
        stop(a);
    }
    uv_run(&a->loop, UV_RUN_DEFAULT);
    worker_release(&a->loop);
    if (uv_loop_close(&a->loop) != 0)
        BUG("app: handles are left open");
}

int app_run(const server_flags *flags)
{
    app *a = xcalloc(1, sizeof *a);
    arena mem;
    err e = { 0 };
    a->flags = flags;
    arena_init(&mem, 0);
    log_info("Starting tsdbd", "version", build_version, "revision", build_revision, "compatible", "Prometheus " BUILD_API_VERSION);
    raise_fd_limit();
    if (!load_config(a, &a->config, &e)) {
        a->exit_code = fail(flags->config_embedded ? "Error loading config" : "Error loading config (--config.file)", &e, 2);
    } else if (!open_store(a, &e)) {
        a->exit_code = fail("Opening storage failed", &e, 1);
    } else {
        if (fill_env(a, &e))
            run_loop(a, &mem);
        else
            a->exit_code = fail("Wrong flag", &e, 1);
        if (!db_close(a->db, &e))
            a->exit_code = fail("Closing storage failed", &e, 1);
    }
    int code = a->exit_code;
    release(a, &mem);
    if (code == 0)
        log_info("See you next time!");
    return code;
}
