/* test_paths.c: paths and globs as Go's path/filepath has them. */
#include "config/paths.h"
#include "test_config.h"
#include <stdio.h>
#include <unistd.h>

static arena a;

static void setup(void)
{
    arena_init(&a, 0);
}

static void teardown(void)
{
    arena_release(&a);
}

static const struct {
    const char *path, *clean;
} cleans[] = {
    { "", "." },
    { "/", "/" },
    { ".", "." },
    { "a//b/./c/", "a/b/c" },
    { "a/../b", "b" },
    { "../a", "../a" },
    { "../../a", "../../a" },
    { "a/../..", ".." },
    { "/../a", "/a" },
    { "/a/b/../../..", "/" },
    { "./x", "x" },
    { "a/b/..", "a" },
    { "a/..", "." },
    { "../a/..", ".." },
};

START_TEST(paths_are_cleaned)
{
    ck_assert_str_eq(path_clean(&a, bytes_of(cleans[_i].path)).p, cleans[_i].clean);
}
END_TEST

START_TEST(names_join_folders)
{
    ck_assert_str_eq(path_join_dir(&a, BYTES("/etc/prometheus"), BYTES("r/*.yml")).p, "/etc/prometheus/r/*.yml");
    ck_assert_str_eq(path_join_dir(&a, BYTES("."), BYTES("x.yml")).p, "x.yml");
    ck_assert_str_eq(path_join_dir(&a, BYTES("a"), BYTES("/abs")).p, "/abs");
    ck_assert_str_eq(path_join_dir(&a, BYTES("a"), BYTES("")).p, "");
    ck_assert_str_eq(path_dir(&a, BYTES("a/b/c.yml")).p, "a/b");
    ck_assert_str_eq(path_dir(&a, BYTES("c.yml")).p, ".");
    ck_assert_str_eq(path_dir(&a, BYTES("/c.yml")).p, "/");
    ck_assert(bytes_eq(path_base(BYTES("a/b.yml")), BYTES("b.yml")));
    ck_assert(bytes_eq(path_ext(BYTES("a.d/b.tar.gz")), BYTES(".gz")));
    ck_assert(bytes_eq(path_ext(BYTES("a.d/b")), BYTES("")));
}
END_TEST

static const struct {
    const char *pattern, *name;
    bool matches, bad;
} matches[] = {
    { "*.yml", "a.yml", true, false }, { "*.yml", ".yml", true, false },    { "*.yml", "a.yaml", false, false },
    { "*", "", true, false },          { "a*b*c", "aXbYbZc", true, false }, { "a*b*c", "aXbYbZ", false, false },
    { "?", "a", true, false },         { "?", "", false, false },           { "[a-c]x", "bx", true, false },
    { "[^a-c]x", "bx", false, false }, { "[^a-c]x", "dx", true, false },    { "[!a]", "!", true, false },
    { "\\*", "*", true, false },       { "\\*", "x", false, false },        { "*", "a/b", false, false },
    { "a/*", "a/b", true, false },     { "[", "a", false, true },           { "[a", "a", false, true },
    { "[]a]", "a", false, true },      { "\\", "a", false, true },          { "[-]", "-", false, true },
    { "[a-]", "a", false, true },      { "[\\-x]", "-", true, false },      { "[a-z0-9]", "5", true, false },
    { "ab", "abc", false, false },     { "abc", "ab", false, false },       { "a[", "x", false, false },
};

START_TEST(patterns_match)
{
    bool bad;
    bool ok = path_match(bytes_of(matches[_i].pattern), bytes_of(matches[_i].name), &bad);
    ck_assert_msg(ok == matches[_i].matches && bad == matches[_i].bad, "%s %s", matches[_i].pattern, matches[_i].name);
}
END_TEST

/* Stars that could take exponential time do not. */
START_TEST(matching_many_stars_ends_soon)
{
    char name[2001], pattern[201];
    bool bad;
    memset(name, 'a', 2000);
    name[2000] = '\0';
    for (int i = 0; i < 100; i++)
        memcpy(pattern + 2 * i, "a*", 2);
    memcpy(pattern + 198, "b", 2);
    ck_assert(!path_match(bytes_of(pattern), bytes_of(name), &bad));
}
END_TEST

static void check_glob(const char *pattern, const char *want)
{
    bytes *files;
    size_t n;
    err e = { 0 };
    buf got;
    buf_init(&got, 1000);
    if (!path_glob(&a, bytes_of(pattern), &files, &n, &e))
        buf_printf(&got, "error: %s", e.msg);
    for (size_t i = 0; i < n; i++)
        buf_printf(&got, "%s%s", i ? " " : "", files[i].p);
    ck_assert_str_eq(buf_cstr(&got), want);
    buf_release(&got);
}

START_TEST(globs_find_files_in_order)
{
    char *dir = scratch_make();
    static const char *const names[] = { "b.yml", "a.yml", ".c.yml", "d.json", "sub/e.yml", "sub2/e.yml", "[x].yml" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        scratch_file(dir, names[i], "x");
    ck_assert_int_eq(chdir(dir), 0);
    check_glob("*.yml", ".c.yml [x].yml a.yml b.yml");
    check_glob("./*.json", "d.json");
    check_glob("a.yml", "a.yml");
    check_glob("none.yml", "");
    check_glob("none/*.yml", "");
    check_glob("sub*/*.yml", "sub/e.yml sub2/e.yml");
    check_glob("sub/*", "sub/e.yml");
    check_glob("[ab].yml", "a.yml b.yml");
    check_glob("[", "error: syntax error in pattern");
    check_glob("\\[x].yml", "[x].yml");
    ck_assert_int_eq(chdir("/"), 0);
    scratch_remove(dir);
}
END_TEST

Suite *paths_suite(void)
{
    Suite *s = suite_create("paths");
    TCase *tc = tcase_create("paths");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, paths_are_cleaned, 0, sizeof cleans / sizeof *cleans);
    tcase_add_test(tc, names_join_folders);
    tcase_add_loop_test(tc, patterns_match, 0, sizeof matches / sizeof *matches);
    tcase_add_test(tc, matching_many_stars_ends_soon);
    tcase_add_test(tc, globs_find_files_in_order);
    suite_add_tcase(s, tc);
    return s;
}
