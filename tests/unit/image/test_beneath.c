#include "image/beneath.h"

#include "base/cleanup.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

struct fixture {
    char path[64];
    int above, root;
};

static int make_fixture(void **state)
{
    struct fixture *f = test_calloc(1, sizeof(*f));
    (void)snprintf(f->path, sizeof(f->path), "/tmp/shoal-beneath-XXXXXX");
    assert_non_null(mkdtemp(f->path));
    f->above = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(mkdirat(f->above, "root", 0755), 0);
    f->root = openat(f->above, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *state = f;
    return 0;
}

static int drop_fixture(void **state)
{
    struct fixture *f = *state;
    struct err err;
    assert_int_equal(tree_remove(AT_FDCWD, f->path, &err), 0);
    (void)close(f->above);
    (void)close(f->root);
    test_free(f);
    return 0;
}

static void test_paths_are_cleaned(void **state)
{
    static const struct {
        const char *raw, *clean;
    } good[] = {{"a/b", "a/b"},       {"/a/b/", "a/b"}, {"./a//./b", "a/b"}, {"a/../b", "b"},
                {"a/b/../../c", "c"}, {"", ""},         {"/", ""},           {"./", ""},
                {"a/..", ""},         {"...", "..."},   {".hid", ".hid"},    {"..a", "..a"}};
    static const char *const bad[] = {"..", "../a", "/..", "a/../..", "a/../../b", "./../x"};
    char clean[PATH_MAX];
    struct err err;
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        assert_int_equal(path_clean(good[i].raw, clean, &err), 0);
        assert_string_equal(clean, good[i].clean);
    }
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_int_equal(path_clean(bad[i], clean, &err), -1);
        assert_int_equal(err.kind, ERR_INVALID);
    }
}

static void test_long_paths_are_refused(void **state)
{
    char raw[PATH_MAX + 10], clean[PATH_MAX];
    struct err err;
    memset(raw, 'a', sizeof(raw));
    raw[256] = '\0';
    assert_int_equal(path_clean(raw, clean, &err), -1);
    assert_int_equal(err.kind, ERR_LIMIT);
    for (size_t i = 0; i < sizeof(raw); i++)
        raw[i] = i % 2 ? '/' : 'a';
    raw[sizeof(raw) - 1] = '\0';
    assert_int_equal(path_clean(raw, clean, &err), -1);
    assert_int_equal(err.kind, ERR_LIMIT);
    raw[PATH_MAX - 1] = '\0';
    assert_int_equal(path_clean(raw, clean, &err), 0);
}

static void test_links_stay_inside(void **state)
{
    struct fixture *f = *state;
    struct beneath b = {.root = f->root, .parent = -1};
    struct err err;
    const char *name;
    assert_int_equal(mkdirat(f->above, "outside", 0755), 0);
    assert_int_equal(symlinkat("../outside", f->root, "up"), 0);
    assert_int_equal(symlinkat("/etc", f->root, "abs"), 0);
    /* "outside" and "etc" are looked for inside, and are not there: links that lead nowhere are no folders. */
    assert_int_equal(beneath_parent(&b, "up/file", &name, &err), -1);
    assert_int_equal(beneath_parent(&b, "abs/file", &name, &err), -1);
    assert_int_equal(mkdirat(f->root, "etc", 0755), 0);
    int parent = beneath_parent(&b, "abs/file", &name, &err);
    assert_true(parent >= 0);
    assert_string_equal(name, "file");
    int fd = openat(parent, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    (void)close(fd);
    assert_int_equal(faccessat(f->root, "etc/file", F_OK, 0), 0);
    beneath_forget(&b);
}

static unsigned made;

static void count_made(void *data, const char *path, bool replaced)
{
    made++;
}

static void test_missing_folders_are_made(void **state)
{
    struct fixture *f = *state;
    struct beneath b = {.root = f->root, .parent = -1, .made = count_made};
    struct err err;
    const char *name;
    made = 0;
    assert_true(beneath_parent(&b, "a/b/c/d", &name, &err) >= 0);
    assert_int_equal(made, 3);
    assert_true(beneath_parent(&b, "a/b/c/e", &name, &err) >= 0);
    assert_int_equal(made, 3);
    assert_true(beneath_parent(&b, "top", &name, &err) >= 0);
    assert_string_equal(name, "top");
    beneath_forget(&b);
}

static void test_removing_a_deep_tree(void **state)
{
    struct fixture *f = *state;
    struct err err;
    int fd = dup(f->root);
    for (int i = 0; i < 5000; i++) {
        assert_int_equal(mkdirat(fd, "d", 0755), 0);
        assert_int_equal(symlinkat("/", fd, "link"), 0);
        int next = openat(fd, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        (void)close(fd);
        fd = next;
    }
    (void)close(fd);
    assert_int_equal(tree_remove(f->above, "root", &err), 0);
    assert_int_equal(faccessat(f->above, "root", F_OK, 0), -1);
    assert_int_equal(tree_remove(f->above, "root", &err), 0);
}

static void test_removing_follows_no_link(void **state)
{
    struct fixture *f = *state;
    struct err err;
    assert_int_equal(mkdirat(f->above, "keep", 0755), 0);
    assert_int_equal(mkdirat(f->above, "keep/inner", 0755), 0);
    assert_int_equal(symlinkat("../keep", f->root, "link"), 0);
    assert_int_equal(tree_remove(f->above, "root", &err), 0);
    assert_int_equal(faccessat(f->above, "keep/inner", F_OK, 0), 0);
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, make_fixture, drop_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths_are_cleaned), cmocka_unit_test(test_long_paths_are_refused),
        WITH_FIXTURE(test_links_stay_inside),     WITH_FIXTURE(test_missing_folders_are_made),
        WITH_FIXTURE(test_removing_a_deep_tree),  WITH_FIXTURE(test_removing_follows_no_link),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
