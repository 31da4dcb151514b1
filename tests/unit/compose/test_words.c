#include "compose/words.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/str.h"
#include "test.h"

static void test_words(void **state)
{
    static const struct {
        const char *text;
        const char *words; /* each with | behind it; NULL: refused */
        const char *lost;
    } cases[] = {
        {"", "", NULL},
        {"  a  b\tc\n", "a|b|c|", NULL},
        {"'a b' \"c d\"", "a b|c d|", NULL},
        {"a'b'\"c\"d", "abcd|", NULL},
        {"'' \"\"", "||", NULL},
        {"a\\ b \\'x", "a b|'x|", NULL},
        {"\"a\\\"b\" 'a\\b'", "a\"b|a\\b|", NULL},
        {"--x=\"y z\"", "--x=y z|", NULL},
        {"sh -c 'a && b'", "sh|-c|a && b|", NULL},
        {"a && b", "a|", "&& b"},
        {"a;b", "a|", ";b"},
        {"a 2>x", "a|", ">x"},
        {"a x>y", "a|x|", ">y"},
        {"echo $(date)", "echo|$(date)|", NULL},
        {"echo `a b`", "echo|`a b`|", NULL},
        {"é ü", "é|ü|", NULL},
        {"'a", NULL, NULL},
        {"\"a", NULL, NULL},
        {"a\\", NULL, NULL},
        {"a(b)", NULL, NULL},
        {"a)", NULL, NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct arena arena cleanup(arena_done) = {0};
        struct strings words = {0};
        const char *lost;
        struct buf joined cleanup(buf_done) = BUF(100);
        bool ok = words_split(&arena, cases[i].text, &words, &lost);
        vec_foreach (word, &words)
            buf_printf(&joined, "%s|", *word);
        if (ok != (cases[i].words != NULL))
            fail_msg("%s: %s", cases[i].text, ok ? "taken" : "refused");
        if (ok)
            assert_string_equal(buf_str(&joined), cases[i].words);
        if (ok && !str_same(lost, cases[i].lost))
            fail_msg("%s: lost %s", cases[i].text, lost ? lost : "nothing");
    }
}

TEST_MAIN(cmocka_unit_test(test_words))
