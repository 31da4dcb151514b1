#include "base/vec.h"

#include "base/cleanup.h"
#include "test.h"

struct port {
    int host, container;
};

static void test_push_and_foreach(void **state)
{
    VEC(struct port) ports = {0};
    vec_foreach (p, &ports)
        fail();
    for (int i = 0; i < 100; i++)
        vec_push(&ports, (struct port){.host = i, .container = 2 * i});
    int seen = 0;
    vec_foreach (p, &ports) {
        assert_int_equal(p->host, seen);
        assert_int_equal(p->container, 2 * seen);
        seen++;
    }
    assert_int_equal(seen, 100);
    vec_done(&ports);
    assert_null(ports.items);
    assert_int_equal(ports.count, 0);
}

/* The value may come from the vector that is about to move. */
static void test_push_of_an_own_item(void **state)
{
    VEC(int) v = {0};
    for (int i = 0; i < 8; i++)
        vec_push(&v, i + 1);
    assert_int_equal(v.count, v.capacity);
    vec_push(&v, v.items[0]);
    assert_int_equal(v.items[8], 1);
    vec_done(&v);
}

static void test_push_in_arena(void **state)
{
    struct arena arena cleanup(arena_done) = {0};
    struct strings strings = {0};
    for (int i = 0; i < 100; i++)
        vec_push_in(&arena, &strings, arena_printf(&arena, "%d", i));
    assert_int_equal(strings.count, 100);
    assert_string_equal(strings.items[0], "0");
    assert_string_equal(strings.items[99], "99");
}

static void test_remove(void **state)
{
    VEC(int) v = {0};
    for (int i = 0; i < 5; i++)
        vec_push(&v, i);
    vec_remove(&v, 4);
    vec_remove(&v, 0);
    vec_remove(&v, 1);
    assert_int_equal(v.count, 2);
    assert_int_equal(v.items[0], 1);
    assert_int_equal(v.items[1], 3);
    vec_done(&v);
}

TEST_MAIN(cmocka_unit_test(test_push_and_foreach), cmocka_unit_test(test_push_of_an_own_item),
          cmocka_unit_test(test_push_in_arena), cmocka_unit_test(test_remove))
