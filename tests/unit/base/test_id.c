#include "base/id.h"

#include "base/map.h"
#include "test.h"

#include <string.h>

static void test_new(void **state)
{
    struct map seen = {0};
    for (int i = 0; i < 1000; i++) {
        char id[ID_SIZE];
        id_new(id);
        assert_true(id_is_full(id));
        assert_true(strspn(id, "0123456789") < 12);
        assert_null(map_put(&seen, id, id));
    }
    map_done(&seen);
}

static void test_prefix(void **state)
{
    char id[ID_SIZE];
    id_new(id);
    assert_true(id_is_prefix("a") && id_is_prefix("0123456789abcdef") && id_is_prefix(id));
    assert_false(id_is_prefix("") || id_is_prefix("web") || id_is_prefix("ABC") || id_is_prefix("a "));
    char longer[ID_SIZE + 1];
    memset(longer, 'a', ID_SIZE);
    longer[ID_SIZE] = '\0';
    assert_false(id_is_prefix(longer) || id_is_full(longer));
    id[63] = '\0';
    assert_true(id_is_prefix(id));
    assert_false(id_is_full(id));
}

TEST_MAIN(cmocka_unit_test(test_new), cmocka_unit_test(test_prefix))
