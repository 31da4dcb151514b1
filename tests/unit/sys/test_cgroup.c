#include "sys/cgroup.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "sys/process.h"
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* The files of a cgroup, in a plain folder: what is read is what a kernel wrote there. */
struct folder {
    char path[64];
    int fd;
};

static const struct {
    const char *name, *text;
} files[] = {
    {"cgroup.controllers", "cpuset cpu io memory hugetlb pids rdma misc\n"},
    {"cgroup.subtree_control", "memory pids\n"},
    {"cgroup.events", "populated 1\nfrozen 0\n"},
    {"cgroup.procs", "17\n4194304\n3\n"},
    {"memory.max", "max\n"},
    {"memory.current", "123456789012\n"},
    {"memory.stat", "anon 4096\nfile 8192\nanon_thp 1\n"},
    {"cgroup.kill", ""},
};

static int setup(void **state)
{
    static struct folder folder;
    (void)snprintf(folder.path, sizeof(folder.path), "/tmp/shoal-cgroup-XXXXXX");
    assert_non_null(mkdtemp(folder.path));
    folder.fd = cgroup_open(AT_FDCWD, folder.path);
    assert_true(folder.fd >= 0);
    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        cleanup_fd int fd = openat(folder.fd, files[i].name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        assert_int_equal(write(fd, files[i].text, strlen(files[i].text)), strlen(files[i].text));
    }
    *state = &folder;
    return 0;
}

static int teardown(void **state)
{
    struct folder *folder = *state;
    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        (void)unlinkat(folder->fd, files[i].name, 0);
    (void)close(folder->fd);
    return rmdir(folder->path);
}

static void test_reading(void **state)
{
    struct folder *folder = *state;
    assert_int_equal(cgroup_controllers(folder->fd), CGROUP_CPUSET | CGROUP_CPU | CGROUP_IO | CGROUP_MEMORY |
                                                         CGROUP_HUGETLB | CGROUP_PIDS | CGROUP_RDMA | CGROUP_MISC);
    assert_int_equal(cgroup_enabled(folder->fd), CGROUP_MEMORY | CGROUP_PIDS);
    assert_int_equal(cgroup_populated(folder->fd), 1);
    assert_int_equal(cgroup_frozen(folder->fd), 0);
    pid_t pids[2];
    assert_int_equal(cgroup_pids(folder->fd, pids, 2), 3);
    assert_int_equal(pids[1], 4194304);
    uint64_t value;
    assert_int_equal(cgroup_get_u64(folder->fd, "memory.max", &value), 0);
    assert_true(value == UINT64_MAX);
    assert_int_equal(cgroup_get_u64(folder->fd, "memory.current", &value), 0);
    assert_true(value == 123456789012);
    assert_int_equal(cgroup_get_u64(folder->fd, "memory.stat", &value), -EBADMSG);
    assert_int_equal(cgroup_get_key(folder->fd, "memory.stat", "anon", &value), 0);
    assert_int_equal(value, 4096);
    assert_int_equal(cgroup_get_key(folder->fd, "memory.stat", "ano", &value), -ENOENT);
    assert_int_equal(cgroup_get_u64(folder->fd, "pids.current", &value), -ENOENT);
}

static void test_names(void **state)
{
    assert_string_equal(cgroup_controller_name(CGROUP_MEMORY), "memory");
    assert_null(cgroup_controller_name(CGROUP_MEMORY | CGROUP_CPU));
    char path[4096];
    assert_int_equal(cgroup_of(0, path, sizeof(path)), 0);
    assert_int_equal(path[0], '/');
    assert_int_equal(cgroup_of(0, path, 1), -ENAMETOOLONG);
}

static void test_children(void **state)
{
    struct folder *folder = *state;
    cleanup_fd int child = cgroup_create(folder->fd, "child");
    assert_true(child >= 0);
    assert_int_equal(cgroup_create(folder->fd, "child"), -EEXIST);
    assert_int_equal(cgroup_set(child, "memory.max", "1"), -ENOENT);
    assert_int_equal(cgroup_remove(folder->fd, "child"), 0);
    assert_int_equal(cgroup_remove(folder->fd, "child"), 0);
    assert_int_equal(cgroup_kill(folder->fd), 0);
    char text[8];
    assert_int_equal(cgroup_get(folder->fd, "cgroup.kill", text, sizeof(text)), 1);
    assert_string_equal(text, "1");
}

static void test_reaping(void **state)
{
    int status;
    pid_t pid = process_clone(0, -1);
    if (pid == 0)
        _exit(3);
    int pidfd = process_pidfd(pid);
    assert_true(pidfd >= 0);
    int r;
    while ((r = process_reap(pid, &status)) == 0)
        (void)usleep(1000);
    assert_int_equal(r, 1);
    assert_int_equal(status, 3 << 8);
    assert_int_equal(process_reap(pid, &status), -ECHILD);
    assert_int_equal(process_pidfd_signal(pidfd, 9), -ESRCH);
    assert_int_equal(close(pidfd), 0);
}

TEST_MAIN(cmocka_unit_test_setup_teardown(test_reading, setup, teardown), cmocka_unit_test(test_names),
          cmocka_unit_test_setup_teardown(test_children, setup, teardown), cmocka_unit_test(test_reaping))
