#include "image/filling.h"

#include "image/beneath.h"
#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
    char above[64], path[80];
};

static int make_fixture(void **state)
{
    struct fixture *f = test_calloc(1, sizeof(*f));
    (void)snprintf(f->above, sizeof(f->above), "/tmp/shoal-filling-XXXXXX");
    assert_non_null(mkdtemp(f->above));
    (void)snprintf(f->path, sizeof(f->path), "%s/_data", f->above);
    assert_int_equal(mkdir(f->path, 0755), 0);
    *state = f;
    return 0;
}

static int drop_fixture(void **state)
{
    struct fixture *f = *state;
    struct err err;
    assert_int_equal(tree_remove(AT_FDCWD, f->above, &err), 0);
    test_free(f);
    return 0;
}

static void begin(const char *path)
{
    struct filling filling;
    struct err err;
    assert_int_equal(filling_open(&filling, path, &err), 0);
    assert_int_equal(filling_begin(&filling, &err), 0);
    filling_done(&filling);
}

static bool was_cut(const char *path)
{
    struct filling filling;
    struct err err;
    assert_int_equal(filling_open(&filling, path, &err), 0);
    bool cut = filling_was_cut(&filling);
    filling_done(&filling);
    return cut;
}

static void test_from_the_beginning_to_the_end(void **state)
{
    const struct fixture *f = *state;
    struct filling filling;
    struct err err;
    assert_false(filling_is_marked(f->path) || was_cut(f->path));
    begin(f->path);
    assert_true(filling_is_marked(f->path) && was_cut(f->path));
    assert_int_equal(filling_open(&filling, f->path, &err), 0);
    assert_int_equal(filling_begin(&filling, &err), 0); /* once more is no error */
    assert_int_equal(filling_end(&filling, &err), 0);
    assert_int_equal(filling_end(&filling, &err), 0);
    filling_done(&filling);
    assert_false(filling_is_marked(f->path) || was_cut(f->path));
}

static void test_another_folder_in_its_place_is_not_meant(void **state)
{
    const struct fixture *f = *state;
    char aside[96];
    (void)snprintf(aside, sizeof(aside), "%s/aside", f->above);
    begin(f->path);
    assert_int_equal(rename(f->path, aside), 0);
    assert_int_equal(mkdir(f->path, 0755), 0);
    assert_true(filling_is_marked(f->path));
    assert_false(was_cut(f->path));
    assert_int_equal(rmdir(f->path), 0);
    assert_int_equal(rename(aside, f->path), 0);
    assert_true(was_cut(f->path));
}

static void test_what_is_not_a_mark(void **state)
{
    const struct fixture *f = *state;
    char mark[96];
    (void)snprintf(mark, sizeof(mark), "%s" FILLING_SUFFIX, f->path);
    for (const char *const *text = (const char *const[]){"", "1 2", "rubbish\n", NULL}; *text; text++) {
        FILE *file = fopen(mark, "we");
        assert_non_null(file);
        assert_int_equal(fputs(*text, file) >= 0, 1);
        assert_int_equal(fclose(file), 0);
        assert_false(was_cut(f->path));
    }
}

static void test_refusals(void **state)
{
    static const char *const wrong[] = {"", "/", "relative", "/tmp/", "/nonexistent/folder", "/dev/null"};
    struct filling filling;
    struct err err;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        assert_int_equal(filling_open(&filling, wrong[i], &err), -1);
        filling_done(&filling);
    }
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, make_fixture, drop_fixture)

TEST_MAIN(WITH_FIXTURE(test_from_the_beginning_to_the_end), WITH_FIXTURE(test_another_folder_in_its_place_is_not_meant),
          WITH_FIXTURE(test_what_is_not_a_mark), cmocka_unit_test(test_refusals))
