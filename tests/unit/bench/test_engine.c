#include "bench/engine.h"

#include "base/str.h"
#include "test.h"

#define RUN_DIR "/run/shoal"

static struct procfs_process machine[] = {
    {.pid = 1, .comm = "systemd"},
    {.pid = 10, .parent = 1, .comm = "shoal", .command = "shoal\0daemon\0"},
    {.pid = 11, .parent = 10, .comm = "shoal-worker", .command = "shoal-worker\0pull\0"},
    {.pid = 12, .parent = 1, .comm = "shoal-keeper", .command = "shoal-keeper\0--run-dir\0" RUN_DIR "\0"},
    {.pid = 13, .parent = 12, .comm = "shoal-launcher", .command = "shoal-keeper\0--run-dir\0" RUN_DIR "\0"},
    {.pid = 14,
     .parent = 12,
     .comm = "nano-httpd",
     .command = "/nano-httpd\0-p\0"
                "80\0"},
    {.pid = 15, .parent = 1, .comm = "shoal-logger", .command = "shoal-logger\0--run-dir\0" RUN_DIR "\0"},
    {.pid = 20, .parent = 1, .comm = "shoal-keeper", .command = "shoal-keeper\0--run-dir\0/tmp/other\0"},
    {.pid = 21, .parent = 20, .comm = "shoal-launcher", .command = "shoal-keeper\0--run-dir\0/tmp/other\0"},
    {.pid = 30, .parent = 1, .comm = "dockerd"},
    {.pid = 31, .parent = 30, .comm = "containerd"},
    {.pid = 32, .parent = 1, .comm = "containerd-shim"},
    {.pid = 33, .parent = 32, .comm = "nano-httpd"},
};
static const struct procfs_list all = {machine, ARRAY_SIZE(machine), ARRAY_SIZE(machine)};

/* The pids of an engine as text: "10 11 ". */
static const char *owned(pid_t listener, const char *run_dir)
{
    static struct buf text;
    buf_done(&text);
    text = BUF(1024);
    for (size_t i = 0; i < all.count; i++)
        if (engine_owns(&all, &machine[i], listener, run_dir))
            buf_printf(&text, "%d ", machine[i].pid);
    return buf_str(&text);
}

static void test_shoal(void **state)
{
    assert_string_equal(owned(10, RUN_DIR), "10 11 12 13 15 ");
}

static void test_docker(void **state)
{
    assert_string_equal(owned(30, NULL), "30 31 32 ");
    assert_string_equal(owned(1, NULL), "30 31 32 "); /* a socket that a service manager made */
}

TEST_MAIN(cmocka_unit_test(test_shoal), cmocka_unit_test(test_docker))
