#include "base/arena.h"

#include "base/cleanup.h"
#include "test.h"

#include <string.h>

static void test_zeroed_and_aligned(void **state)
{
    struct arena arena cleanup(arena_done) = {0};
    static const size_t sizes[] = {0, 1, 3, 16, 17, 4000, 4032, 4033, 100000, 5};
    static const unsigned char zeroes[100000];
    for (int round = 0; round < 20; round++) {
        for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
            unsigned char *p = arena_alloc(&arena, sizes[i]);
            assert_non_null(p);
            assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
            assert_memory_equal(p, zeroes, sizes[i]);
            memset(p, 0xff, sizes[i]);
        }
    }
}

/* Nothing that was handed out is handed out again, and all of it stays as it was. */
static void test_values_do_not_overlap(void **state)
{
    struct arena arena cleanup(arena_done) = {0};
    char *texts[3000];
    for (int i = 0; i < 3000; i++)
        texts[i] = arena_printf(&arena, "%d:%*d", i, i % 700, i);
    for (int i = 0; i < 3000; i++) {
        char *again = arena_printf(&arena, "%d:%*d", i, i % 700, i);
        assert_string_equal(texts[i], again);
    }
}

static void test_large_value_leaves_the_block_in_use(void **state)
{
    struct arena arena cleanup(arena_done) = {0};
    char *first = arena_alloc(&arena, 16);
    (void)arena_alloc(&arena, 1000000);
    char *second = arena_alloc(&arena, 16);
    assert_ptr_equal(second, first + 16);
}

static void test_strings(void **state)
{
    struct arena arena cleanup(arena_done) = {0};
    assert_null(arena_strdup(&arena, NULL));
    assert_string_equal(arena_strdup(&arena, ""), "");
    assert_string_equal(arena_strdup(&arena, "web"), "web");
    assert_string_equal(arena_strndup(&arena, "webserver", 3), "web");
    assert_string_equal(arena_strndup(&arena, "web", 30), "web");
    assert_memory_equal(arena_memdup(&arena, "a\0b", 3), "a\0b", 3);
    assert_non_null(arena_memdup(&arena, NULL, 0));
    assert_string_equal(arena_printf(&arena, "%s:%d", "web", 80), "web:80");
}

static void test_done_can_be_used_again(void **state)
{
    struct arena arena = {0};
    arena_done(&arena);
    (void)arena_alloc(&arena, 10);
    assert_int_equal(arena.used, 16);
    arena_done(&arena);
    assert_null(arena.blocks);
    assert_int_equal(arena.used, 0);
}

TEST_MAIN(cmocka_unit_test(test_zeroed_and_aligned), cmocka_unit_test(test_values_do_not_overlap),
          cmocka_unit_test(test_large_value_leaves_the_block_in_use), cmocka_unit_test(test_strings),
          cmocka_unit_test(test_done_can_be_used_again))
