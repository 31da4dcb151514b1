#include "keeper/keeper.h"

#include "test.h"

#include <stdlib.h>
#include <string.h>

static struct table table;

static int setup(void **state)
{
    struct err err;
    return table_init(&table, &err);
}

/* Ids that share their first bytes, so that searches in the index must go on. */
static void id_of(unsigned number, uint8_t id[KEEPER_ID_SIZE])
{
    memset(id, 0, KEEPER_ID_SIZE);
    id[0] = (uint8_t)(number % 7);
    memcpy(id + 8, &number, sizeof(number));
}

static uint32_t add(unsigned number)
{
    uint8_t id[KEEPER_ID_SIZE];
    id_of(number, id);
    return table_add(&table, id);
}

static uint32_t find(unsigned number)
{
    uint8_t id[KEEPER_ID_SIZE];
    id_of(number, id);
    return table_find(&table, id);
}

static void test_life(void **state)
{
    uint32_t slot = add(1);
    assert_int_equal(find(1), slot);
    assert_int_equal(find(2), NO_SLOT);
    assert_int_equal(table.starting, 1);
    table_set_pid(&table, slot, 100);
    assert_int_equal(table_find_pid(&table, 100), slot);
    table_set_state(&table, slot, KEEPER_RUNNING);
    assert_int_equal(table.starting, 0);
    assert_int_equal(table.living, 1);
    table_set_reaped(&table, slot);
    assert_int_equal(table_find_pid(&table, 100), NO_SLOT);
    table_set_state(&table, slot, KEEPER_EXITED_STATE);
    assert_int_equal(table.living, 0);
    assert_int_equal(table.entries[slot].pid, 100);

    /* The kernel gave the pid to another one, while the record of the first still waits. */
    uint32_t other = add(2);
    table_set_pid(&table, other, 100);
    table_remove(&table, slot);
    assert_int_equal(table_find_pid(&table, 100), other);
    assert_int_equal(find(1), NO_SLOT);
    uint32_t generation = table.entries[other].generation;
    assert_int_equal(add(3), slot); /* the slot is used again */
    assert_true(table.entries[slot].generation > generation);
    assert_int_equal(table.count, 2);
}

/* Against a plain array: thousands of containers that come and go. */
static void test_many(void **state)
{
    enum { NUMBERS = 6000 };
    static uint32_t slots[NUMBERS];
    for (unsigned i = 0; i < NUMBERS; i++)
        slots[i] = NO_SLOT;
    srand(1);
    unsigned count = 0;
    for (unsigned step = 0; step < 60000; step++) {
        unsigned i = (unsigned)rand() % NUMBERS;
        if (slots[i] == NO_SLOT) {
            slots[i] = add(i);
            table_set_pid(&table, slots[i], (pid_t)(1000 + i));
            count++;
        } else {
            if (i % 2)
                table_set_reaped(&table, slots[i]);
            table_remove(&table, slots[i]);
            slots[i] = NO_SLOT;
            count--;
        }
    }
    assert_int_equal(table.count, count);
    for (unsigned i = 0; i < NUMBERS; i++) {
        assert_int_equal(find(i), slots[i]);
        assert_int_equal(table_find_pid(&table, (pid_t)(1000 + i)), slots[i]);
    }
    assert_true(table.used <= NUMBERS);
}

static void test_full(void **state)
{
    for (unsigned i = 0; i < KEEPER_CONTAINERS_MAX; i++)
        assert_int_equal(add(i), i);
    assert_int_equal(add(KEEPER_CONTAINERS_MAX), NO_SLOT);
    assert_int_equal(find(77), 77);
    table_remove(&table, 77);
    assert_int_equal(add(KEEPER_CONTAINERS_MAX), 77);
}

static void test_read_back(void **state)
{
    struct entry entry = {.state = KEEPER_EXITED_STATE, .pid = 5, .reaped = true, .generation = 9};
    id_of(1, entry.id);
    assert_true(table_add_at(&table, 3, &entry));
    assert_false(table_add_at(&table, 4, &entry)); /* the same id */
    id_of(2, entry.id);
    assert_false(table_add_at(&table, 2, &entry)); /* not in order */
    entry.state = KEEPER_RUNNING;
    entry.reaped = false;
    entry.pid = 6;
    assert_true(table_add_at(&table, 4, &entry));
    assert_int_equal(table_find_pid(&table, 5), NO_SLOT);
    assert_int_equal(table_find_pid(&table, 6), 4);
    assert_int_equal(table.living, 1);
    assert_int_equal(table.count, 2);
    assert_int_equal(add(3), 2); /* slots that were free are free */
}

TEST_MAIN(cmocka_unit_test_setup(test_life, setup), cmocka_unit_test_setup(test_many, setup),
          cmocka_unit_test_setup(test_full, setup), cmocka_unit_test_setup(test_read_back, setup))
