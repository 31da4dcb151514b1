#include "engine/journal.h"

#include "base/id.h"
#include "base/str.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/wait.h>

#include <cmocka.h>

static char folder[64], path[96];

static int make_folder(void **state)
{
    (void)snprintf(folder, sizeof(folder), "/tmp/shoal-journal-XXXXXX");
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/journal", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)unlink(path);
    return rmdir(folder);
}

static struct journal *open_journal(void)
{
    struct err err = {0};
    struct journal *journal = journal_open(folder, &err);
    assert_string_equal(err.message, "");
    return journal;
}

static void test_what_was_not_ended_is_left(void **state)
{
    char a[ID_SIZE], b[ID_SIZE], c[ID_SIZE];
    struct err err;
    id_new(a);
    id_new(b);
    id_new(c);
    struct journal *journal = open_journal();
    assert_int_equal(journal_begin(journal, "start", a, &err), 0);
    assert_int_equal(journal_begin(journal, "start", b, &err), 0);
    assert_int_equal(journal_begin(journal, "remove", c, &err), 0);
    journal_end(journal, b);
    assert_null(journal_left(journal, a));
    journal_free(journal);

    journal = open_journal();
    assert_string_equal(journal_left(journal, a), "start");
    assert_null(journal_left(journal, b));
    assert_string_equal(journal_left(journal, c), "remove");
    journal_end(journal, a);
    assert_null(journal_left(journal, a));
    journal_free(journal);

    journal = open_journal();
    assert_null(journal_left(journal, a));
    assert_string_equal(journal_left(journal, c), "remove");
    journal_free(journal);
}

/* A line that was cut off by the daemon's death was never acted upon; strange lines are skipped. */
static void test_a_torn_line_is_no_line(void **state)
{
    char a[ID_SIZE], b[ID_SIZE];
    id_new(a);
    id_new(b);
    FILE *f = fopen(path, "w");
    (void)fprintf(f, "nonsense\n\nstart notanid\nexplode %s\nstart %s\nremove %s", a, a, b);
    (void)fclose(f);
    struct journal *journal cleanup(journal_freep) = open_journal();
    assert_string_equal(journal_left(journal, a), "start");
    assert_null(journal_left(journal, b));
}

static void test_injected_death_comes_after_the_line(void **state)
{
    char a[ID_SIZE], b[ID_SIZE];
    int status;
    id_new(a);
    id_new(b);
    pid_t pid = fork();
    if (pid == 0) {
        struct err err;
        (void)setenv("SHOAL_FAULT_JOURNAL", "2", 1);
        struct journal *journal = open_journal();
        (void)journal_begin(journal, "start", a, &err);
        (void)journal_begin(journal, "start", b, &err);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    struct journal *journal cleanup(journal_freep) = open_journal();
    assert_string_equal(journal_left(journal, a), "start");
    assert_string_equal(journal_left(journal, b), "start");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_was_not_ended_is_left),
        TEST(test_a_torn_line_is_no_line),
        TEST(test_injected_death_comes_after_the_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
