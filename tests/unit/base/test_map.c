#include "base/map.h"

#include "base/cleanup.h"
#include "test.h"

#include <stdio.h>

static int values[2000];

static void test_put_get_remove(void **state)
{
    struct map map cleanup(map_done) = {0};
    char key[] = "web";
    assert_null(map_get(&map, "web"));
    assert_null(map_remove(&map, "web"));
    assert_null(map_put(&map, key, &values[0]));
    key[0] = 'x'; /* the map has a copy */
    assert_ptr_equal(map_get(&map, "web"), &values[0]);
    assert_null(map_get(&map, "xeb"));
    assert_ptr_equal(map_put(&map, "web", &values[1]), &values[0]);
    assert_int_equal(map.count, 1);
    assert_ptr_equal(map_remove(&map, "web"), &values[1]);
    assert_int_equal(map.count, 0);
    assert_null(map_get(&map, "web"));
    assert_null(map_put(&map, "", &values[2]));
    assert_ptr_equal(map_get(&map, ""), &values[2]);
}

/* Against a plain array as the oracle, through growth, and removals in the middle of long runs of taken slots. */
static void test_many(void **state)
{
    struct map map cleanup(map_done) = {0};
    bool present[2000] = {false};
    unsigned random = 1;
    char key[16];
    for (int step = 0; step < 60000; step++) {
        random = random * 1103515245u + 12345u;
        unsigned i = (random >> 8) % 2000;
        (void)snprintf(key, sizeof(key), "key%u", i);
        void *expected = present[i] ? &values[i] : NULL;
        if (random >> 31) {
            assert_ptr_equal(map_put(&map, key, &values[i]), expected);
            present[i] = true;
        } else {
            assert_ptr_equal(map_remove(&map, key), expected);
            present[i] = false;
        }
    }
    size_t count = 0;
    for (unsigned i = 0; i < 2000; i++) {
        (void)snprintf(key, sizeof(key), "key%u", i);
        assert_ptr_equal(map_get(&map, key), present[i] ? &values[i] : NULL);
        count += present[i];
    }
    assert_int_equal(map.count, count);
}

static void test_next_visits_each_once(void **state)
{
    struct map map cleanup(map_done) = {0};
    struct map_entry *entry;
    size_t start = 0;
    assert_null(map_next(&map, &start));
    char key[16];
    for (int i = 0; i < 100; i++) {
        (void)snprintf(key, sizeof(key), "%d", i);
        (void)map_put(&map, key, &values[i]);
        values[i] = 0;
    }
    for (size_t i = 0; (entry = map_next(&map, &i));)
        ++*(int *)entry->value;
    for (int i = 0; i < 100; i++)
        assert_int_equal(values[i], 1);
}

TEST_MAIN(cmocka_unit_test(test_put_get_remove), cmocka_unit_test(test_many),
          cmocka_unit_test(test_next_visits_each_once))
