#include "base/list.h"

#include "test.h"

struct item {
    int number;
    struct list link;
};

static void expect(struct list *head, const int *numbers, int count)
{
    struct item *item;
    int i = 0;
    list_foreach (item, head, link) {
        assert_true(i < count);
        assert_int_equal(item->number, numbers[i++]);
    }
    assert_int_equal(i, count);
}

static void test_push_and_remove(void **state)
{
    struct list head;
    struct item items[] = {{.number = 1}, {.number = 2}, {.number = 3}};
    list_init(&head);
    assert_true(list_empty(&head));
    assert_true(list_unlinked(&items[0].link));
    for (int i = 0; i < 3; i++)
        list_push(&head, &items[i].link);
    expect(&head, (int[]){1, 2, 3}, 3);
    assert_false(list_unlinked(&items[1].link));
    list_remove(&items[1].link);
    list_remove(&items[1].link);
    assert_true(list_unlinked(&items[1].link));
    expect(&head, (int[]){1, 3}, 2);
    list_push(&head, &items[1].link);
    expect(&head, (int[]){1, 3, 2}, 3);
}

static void test_remove_while_walking(void **state)
{
    struct list head;
    struct item items[] = {{.number = 1}, {.number = 2}, {.number = 3}};
    struct item *item;
    list_init(&head);
    for (int i = 0; i < 3; i++)
        list_push(&head, &items[i].link);
    list_foreach (item, &head, link)
        list_remove(&item->link);
    assert_true(list_empty(&head));
}

TEST_MAIN(cmocka_unit_test(test_push_and_remove), cmocka_unit_test(test_remove_while_walking))
