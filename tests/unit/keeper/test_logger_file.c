#include "keeper/logger_file.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "keeper/logger_journal.h"
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define ID "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd"

static char folder[] = "/tmp/test_logger_file.XXXXXX";
static struct log_files files;
static struct log_file file;

static int set_up(void **state)
{
    char command[256];
    (void)snprintf(command, sizeof(command), "rm -rf %s && mkdir -p %s/" ID, folder, folder);
    if (system(command) != 0)
        return -1;
    log_files_init(&files);
    log_files_use(&files, open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    file = (struct log_file){.fd = -1, .max_files = 3, .max_size = 1000};
    return 0;
}

static int tear_down(void **state)
{
    log_file_close(&files, &file);
    log_files_use(&files, -1);
    return 0;
}

static int append(const char *text, size_t *ret_kept)
{
    return log_file_append(&files, &file, ID, text, strlen(text), ret_kept);
}

static void assert_content(const char *suffix, const char *wanted)
{
    char path[256], data[4096] = "";
    (void)snprintf(path, sizeof(path), "%s/" ID "/" ID "-json.log%s", folder, suffix);
    cleanup_fd int fd = open(path, O_RDONLY);
    if (fd >= 0)
        assert_true(read(fd, data, sizeof(data) - 1) >= 0);
    assert_string_equal(data, wanted);
}

static void test_append_and_rotate(void **state)
{
    size_t kept;
    static const char *const lines[] = {"1\n", "2\n", "3\n", "4\n"};
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        if (i)
            assert_int_equal(log_file_rotate(&files, &file, ID), 0);
        assert_int_equal(append(lines[i], &kept), 0);
        assert_int_equal(kept, 2);
        assert_int_equal(file.size, 2);
    }
    assert_content("", "4\n");
    assert_content(".1", "3\n");
    assert_content(".2", "2\n");
    assert_content(".3", "");
    file.max_files = 1;
    assert_int_equal(log_file_rotate(&files, &file, ID), 0);
    assert_content("", "");
}

/* A limit on the file's size does what a full disk does: a write(2) is cut short, and the next one fails. */
static void test_what_does_not_fit_is_taken_back(void **state)
{
    struct rlimit before, limit;
    size_t kept;
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(append("first\n", &kept), 0);
    limit = (struct rlimit){.rlim_cur = 20, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    int r = append("second\nthird\nfourth\n", &kept);
    int again = append("fifth\n", &kept);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(r, -EFBIG);
    assert_int_equal(again, -EFBIG);
    assert_int_equal(kept, 0);
    assert_content("", "first\nsecond\nthird\n");
    assert_int_equal(append("sixth\n", &kept), 0);
    assert_content("", "first\nsecond\nthird\nsixth\n");
}

static void test_a_torn_record_is_cut_when_it_is_opened(void **state)
{
    size_t kept, records;
    assert_int_equal(append("one\ntwo\n", &kept), 0);
    assert_int_equal(write(file.fd, "three\nto", 8), 8);
    uint64_t inode = file.inode;
    log_file_close(&files, &file);
    assert_int_equal(log_file_mend(&files, &file, ID, inode, 4, &records), 0);
    assert_int_equal(records, 2);
    assert_content("", "one\ntwo\nthree\n");
    assert_int_equal(log_file_mend(&files, &file, ID, inode + 1, 4, &records), 0);
    assert_int_equal(records, 0);
    assert_int_equal(log_file_mend(&files, &file, ID, inode, 100, &records), 0);
    assert_int_equal(records, 0);
}

static void test_no_file_is_no_error(void **state)
{
    size_t records = 1;
    assert_int_equal(log_file_mend(&files, &file, ID, 1, 0, &records), 0);
    assert_int_equal(records, 0);
    assert_int_equal(file.fd, -1);
}

static void test_few_files_are_open(void **state)
{
    enum { COUNT = LOG_FILES_OPEN + 3 };
    static struct log_file many[COUNT];
    size_t kept;
    for (int i = 0; i < COUNT; i++) {
        char id[ID_SIZE], path[256];
        (void)snprintf(id, sizeof(id), "%064x", i);
        (void)snprintf(path, sizeof(path), "%s/%s", folder, id);
        assert_int_equal(mkdir(path, 0700), 0);
        many[i] = (struct log_file){.fd = -1, .max_files = 1, .max_size = 1000};
        assert_int_equal(log_file_append(&files, &many[i], id, "x\n", 2, &kept), 0);
    }
    assert_int_equal(files.open_count, LOG_FILES_OPEN);
    assert_int_equal(many[0].fd, -1);
    assert_true(many[COUNT - 1].fd >= 0);
    for (int i = 0; i < COUNT; i++)
        log_file_close(&files, &many[i]);
    assert_int_equal(files.open_count, 0);
}

static void test_links_are_not_followed(void **state)
{
    char path[256];
    size_t kept;
    (void)snprintf(path, sizeof(path), "%s/" ID "/" ID "-json.log", folder);
    assert_int_equal(symlink("/tmp/test_logger_file.elsewhere", path), 0);
    assert_int_equal(append("x\n", &kept), -ELOOP);
}

/* --- The journal -------------------------------------------------------------------------------------------------- */

static void test_journal(void **state)
{
    struct journal j, next;
    struct journal_entry entry = {.size = 5, .offset = 7, .inode = 9, .stream = 1, .id = ID};
    assert_int_equal(journal_open(&j, files.containers_fd), 0);
    assert_int_equal(journal_open(&next, files.containers_fd), -EWOULDBLOCK);
    journal_begin(&j, &entry, 'a');
    *journal_proof(&j) = 'a';
    journal_end(&j);
    assert_null(journal_find(&j, ID, 1));
    journal_begin(&j, &entry, 'a');
    journal_close(&j); /* killed before the FIFO was read */

    assert_int_equal(journal_open(&next, files.containers_fd), 0);
    struct journal_entry *found = journal_find(&next, ID, 1);
    assert_non_null(found);
    assert_false(journal_was_consumed(found));
    assert_int_equal(found->offset, 7);
    assert_null(journal_find(&next, ID, 2));
    entry.stream = 2; /* others are written meanwhile, and this is killed after the FIFO was read */
    journal_begin(&next, &entry, '\0');
    *journal_proof(&next) = '\0';
    journal_close(&next);

    assert_int_equal(journal_open(&next, files.containers_fd), 0);
    assert_true(journal_was_consumed(journal_find(&next, ID, 2)));
    found = journal_find(&next, ID, 1);
    assert_non_null(found);
    journal_forget(found);
    assert_null(journal_find(&next, ID, 1));
    journal_close(&next);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_append_and_rotate),
        CASE(test_what_does_not_fit_is_taken_back),
        CASE(test_no_file_is_no_error),
        CASE(test_a_torn_record_is_cut_when_it_is_opened),
        CASE(test_few_files_are_open),
        CASE(test_links_are_not_followed),
        CASE(test_journal),
    };
    char command[256];
    if (!mkdtemp(folder))
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)snprintf(command, sizeof(command), "rm -rf %s", folder);
    return system(command) != 0 || failed;
}
