#include "cli/progress.h"

#include "base/cleanup.h"
#include "test.h"

/* Where output is no terminal: a line for each change of state, none for each byte. */
static void test_plain_lines(void **state)
{
    char *text cleanup_free = NULL;
    size_t size;
    struct progress progress;
    FILE *out = open_memstream(&text, &size);
    progress_init(&progress, out);
    progress_update(&progress, "a", PROGRESS_WORKING, "Downloading", 1, 10);
    progress_update(&progress, "a", PROGRESS_WORKING, "Downloading", 5, 10);
    progress_update(&progress, "b\033", PROGRESS_WAITING, "Waiting", 0, 0);
    progress_print(&progress, "a word");
    progress_update(&progress, "a", PROGRESS_DONE, "Pull complete", 0, 0);
    progress_done(&progress);
    (void)fclose(out);
    assert_string_equal(text, "a: Downloading\nb?: Waiting\na word\na: Pull complete\n");
}

/* On a terminal, what was drawn is drawn over: the cursor goes up by as many lines as there are. */
static void test_rewriting(void **state)
{
    char *text cleanup_free = NULL;
    size_t size;
    struct progress progress;
    FILE *out = open_memstream(&text, &size);
    progress_init(&progress, out);
    progress.terminal = true;
    progress_update(&progress, "a", PROGRESS_WORKING, "Downloading", 5000, 10000);
    progress_update(&progress, "bb", PROGRESS_DONE, "Done", 0, 0);
    progress_done(&progress);
    (void)fclose(out);
    assert_string_equal(text, "a  Downloading    [============>           ]   5.00kB / 10.0kB\033[K\n\033[J"
                              "\033[1A"
                              "a   Downloading    [============>           ]   5.00kB / 10.0kB\033[K\n"
                              "bb  Done\033[K\n\033[J"
                              "\033[2A"
                              "a   Downloading    [============>           ]   5.00kB / 10.0kB\033[K\n"
                              "bb  Done\033[K\n\033[J");
}

TEST_MAIN(cmocka_unit_test(test_plain_lines), cmocka_unit_test(test_rewriting))
