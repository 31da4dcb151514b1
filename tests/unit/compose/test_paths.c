#include "compose/paths.h"

#include "base/str.h"
#include "test.h"

static struct arena arena;

static int teardown(void **state)
{
    arena_done(&arena);
    return 0;
}

static void test_clean(void **state)
{
    static const struct {
        const char *path, *clean;
    } cases[] = {
        {"", "."},
        {"/", "/"},
        {"//", "/"},
        {"a", "a"},
        {"./a", "a"},
        {"a/", "a"},
        {"a//b", "a/b"},
        {"a/./b", "a/b"},
        {"a/..", "."},
        {"a/../b", "b"},
        {"../a", "../a"},
        {"../../a", "../../a"},
        {"a/../../b", "../b"},
        {"/..", "/"},
        {"/../a", "/a"},
        {"/a/../..", "/"},
        {"/a/b/../c", "/a/c"},
        {"a/b/../..", "."},
        {"..", ".."},
        {"../..", "../.."},
        {"...", "..."},
        {"/a/.../b", "/a/.../b"},
        {"${X}/../y", "y"},
        {"/ab/../cd/..", "/"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_string_equal(path_clean(&arena, cases[i].path), cases[i].clean);
}

static void test_parts(void **state)
{
    assert_string_equal(path_join(&arena, "/a/b", "../c"), "/a/c");
    assert_string_equal(path_join(&arena, "/a", "/c/"), "/c");
    assert_string_equal(path_join(&arena, "/", "c"), "/c");
    assert_string_equal(path_folder(&arena, "/a/b"), "/a");
    assert_string_equal(path_folder(&arena, "/a"), "/");
    assert_string_equal(path_folder(&arena, "a"), ".");
    assert_string_equal(path_last(&arena, "/a/b/"), "b");
    assert_string_equal(path_last(&arena, "/"), "/");
}

TEST_MAIN(cmocka_unit_test_teardown(test_clean, teardown), cmocka_unit_test_teardown(test_parts, teardown))
