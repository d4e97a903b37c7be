/* sd_file.c: see sd_file.h. JSON is read by cJSON and walked here; YAML by the same rows as static_configs. */
#include "config/sd_file.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "config/paths.h"
#include <cjson/cJSON.h>
#include <sys/stat.h>

static bytes dup_text(arena *a, const char *s)
{
    bytes b = bytes_of(s);
    return (bytes){ arena_cstr(a, b), b.len };
}

static size_t count_children(const cJSON *parent)
{
    size_t n = 0;
    for (const cJSON *c = parent->child; c; c = c->next)
        n++;
    return n;
}

/* As encoding/json words it. */
static bool type_error(const char *found, const char *key, const char *want, err *e)
{
    return err_set(e, ERR_BAD_DATA, "json: cannot unmarshal %s into Go struct field %s of type %s", found, key, want);
}

static const char *json_kind(const cJSON *j)
{
    return cJSON_IsString(j)   ? "string"
           : cJSON_IsNumber(j) ? "number"
           : cJSON_IsBool(j)   ? "bool"
           : cJSON_IsArray(j)  ? "array"
                               : "object";
}

static bool json_targets(const cJSON *list, arena *a, static_config *out, err *e)
{
    if (cJSON_IsNull(list))
        return true;
    if (!cJSON_IsArray(list))
        return type_error(json_kind(list), ".targets", "[]string", e);
    out->targets.p = ARENA_ARRAY(a, bytes, count_children(list));
    for (const cJSON *c = list->child; c; c = c->next) {
        if (!cJSON_IsString(c) && !cJSON_IsNull(c))
            return type_error(json_kind(c), ".targets", "string", e);
        out->targets.p[out->targets.n++] = dup_text(a, cJSON_IsNull(c) ? "" : c->valuestring);
    }
    return true;
}

static bool json_labels(const cJSON *object, arena *a, static_config *out, err *e)
{
    if (cJSON_IsNull(object))
        return true;
    if (!cJSON_IsObject(object))
        return type_error(json_kind(object), ".labels", "map[model.LabelName]model.LabelValue", e);
    out->labels.p = ARENA_ARRAY(a, string_pair, count_children(object));
    for (const cJSON *c = object->child; c; c = c->next) {
        if (!cJSON_IsString(c) && !cJSON_IsNull(c))
            return type_error(json_kind(c), ".labels", "model.LabelValue", e);
        bytes name = dup_text(a, c->string);
        if (name.len == 0 || !utf8_valid(name))
            return err_set(e, ERR_BAD_DATA, "\"%.*s\" is not a valid label name", BYTES_ARG(name));
        out->labels.p[out->labels.n++] = (string_pair){ name, dup_text(a, cJSON_IsNull(c) ? "" : c->valuestring) };
    }
    return true;
}

static bool json_group(const cJSON *group, arena *a, static_config *out, err *e)
{
    if (cJSON_IsNull(group))
        return err_set(e, ERR_BAD_DATA, "nil target group item found");
    if (!cJSON_IsObject(group))
        return type_error(json_kind(group), "", "targetgroup.Group", e);
    for (const cJSON *c = group->child; c; c = c->next) {
        bytes key = bytes_of(c->string);
        bool ok;
        if (bytes_eq_nocase(key, BYTES("targets"))) /* encoding/json ignores case */
            ok = json_targets(c, a, out, e);
        else if (bytes_eq_nocase(key, BYTES("labels")))
            ok = json_labels(c, a, out, e);
        else
            ok = err_set(e, ERR_BAD_DATA, "json: unknown field \"%.*s\"", BYTES_ARG(bytes_sub(key, 0, 200)));
        if (!ok)
            return false;
    }
    return true;
}

static bool parse_json_groups(const cJSON *root, arena *a, static_config **out, size_t *n, err *e)
{
    if (cJSON_IsNull(root))
        return true;
    if (!cJSON_IsArray(root))
        return err_set(e, ERR_BAD_DATA, "json: cannot unmarshal %s into Go value of type []*targetgroup.Group",
                       json_kind(root));
    *out = arena_zalloc(a, (count_children(root) + 1) * sizeof **out);
    for (const cJSON *c = root->child; c; c = c->next) {
        if (!json_group(c, a, &(*out)[(*n)++], e))
            return false;
    }
    return true;
}

static bool parse_json(bytes text, arena *a, static_config **out, size_t *n, err *e)
{
    const char *end = NULL;
    cJSON *root = cJSON_ParseWithLengthOpts(text.p ? text.p : "", text.len, &end, 0);
    *out = NULL;
    *n = 0;
    bytes rest = root ? bytes_trim(bytes_sub(text, (size_t)(end - text.p), text.len)) : text;
    bool ok = root && rest.len == 0 ? parse_json_groups(root, a, out, n, e)
              : root          ? err_set(e, ERR_BAD_DATA, "invalid character '%c' after top-level value", rest.p[0])
              : text.len == 0 ? err_set(e, ERR_BAD_DATA, "unexpected end of JSON input")
                              : err_set(e, ERR_BAD_DATA, "invalid JSON at byte %td", end ? end - text.p : 0);
    cJSON_Delete(root);
    return ok;
}

bool sd_file_parse(bytes text, const char *path, arena *a, target_group **out, size_t *n, err *e)
{
    bytes file = dup_text(a, path), ext = path_ext(file);
    static_config *groups = NULL;
    bool ok;
    *out = NULL;
    *n = 0;
    if (text.len > LIMIT_CONFIG_FILE)
        return err_set(e, ERR_BAD_DATA, "file of %zu bytes is longer than %zu", text.len, LIMIT_CONFIG_FILE);
    if (bytes_eq_nocase(ext, BYTES(".json")))
        ok = parse_json(text, a, &groups, n, e);
    else if (bytes_eq_nocase(ext, BYTES(".yml")) || bytes_eq_nocase(ext, BYTES(".yaml")))
        ok = static_configs_parse(text, a, &groups, n, e);
    else
        ok = err_set(e, ERR_BAD_DATA, "invalid file extension: \"%.*s\"", BYTES_ARG(ext));
    if (!ok) {
        *n = 0;
        return false;
    }
    *out = ARENA_ARRAY(a, target_group, *n);
    for (size_t i = 0; i < *n; i++)
        target_group_make(a, &groups[i], arena_bytesf(a, "%s:%zu", path, i), (label){ BYTES("__meta_filepath"), file },
                          &(*out)[i]);
    return true;
}

bool sd_file_read(const char *path, arena *a, target_group **out, size_t *n, int64_t *mtime_sec, err *e)
{
    buf text;
    struct stat st;
    *out = NULL;
    *n = 0;
    if (!file_read(path, LIMIT_CONFIG_FILE, &text, e)) {
        buf_release(&text);
        return false;
    }
    if (mtime_sec)
        *mtime_sec = stat(path, &st) == 0 ? (int64_t)st.st_mtime : 0;
    bool ok = sd_file_parse(buf_bytes(&text), path, a, out, n, e);
    buf_release(&text);
    return ok;
}
