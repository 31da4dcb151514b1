#include "sys/files.h"

#include "base/cleanup.h"
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

static void test_root(void **state)
{
    char path[] = "/tmp/shoal-files-XXXXXX";
    assert_non_null(mkdtemp(path));
    cleanup_fd int root = open(path, O_RDONLY | O_DIRECTORY);
    assert_int_equal(mkdirat(root, "etc", 0755), 0);
    assert_int_equal(symlinkat("/etc", root, "absolute"), 0);
    assert_int_equal(symlinkat("../../../etc", root, "climbing"), 0);
    assert_int_equal(symlinkat("/proc/self/root", root, "magic"), 0);
    struct stat wanted, st;
    assert_int_equal(fstatat(root, "etc", &wanted, 0), 0);
    const char *const names[] = {"/etc", "absolute", "/climbing", "../../etc", "etc/../../../../etc"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        cleanup_fd int fd = file_open_in_root(root, names[i], O_PATH, 0);
        assert_true(fd >= 0);
        assert_int_equal(fstat(fd, &st), 0);
        assert_int_equal(st.st_ino, wanted.st_ino);
        assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    }
    assert_int_equal(file_open_in_root(root, "magic", O_PATH, 0), -ENOENT); /* there is no /proc in it */
    const char *const made[] = {"absolute", "climbing", "magic"};
    for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++)
        assert_int_equal(unlinkat(root, made[i], 0), 0);
    assert_int_equal(unlinkat(root, "etc", AT_REMOVEDIR), 0);
    assert_int_equal(rmdir(path), 0);
}

static void test_small_files(void **state)
{
    char text[16];
    cleanup_fd int fd = memfd_create("x", MFD_CLOEXEC);
    assert_int_equal(file_write_all(fd, "0123456789abcdef", 15), 0);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_int_equal(file_read_fd(fd, text, sizeof(text)), 15);
    assert_string_equal(text, "0123456789abcde");
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_int_equal(file_read_fd(fd, text, 15), -EFBIG); /* no room for the NUL */
    assert_int_equal(file_read_at(AT_FDCWD, "/nosuch", text, sizeof(text)), -ENOENT);
    assert_int_equal(file_write_at(AT_FDCWD, "/nosuch", "x"), -ENOENT);
    assert_int_equal(file_write_at(AT_FDCWD, "/dev/null", "x"), 0);
}

static void test_sealed(void **state)
{
    cleanup_fd int fd = file_sealed_memfd("x", "text", 4, false);
    assert_true(fd >= 0);
    assert_int_equal(file_check_sealed(fd), 0);
    assert_int_equal(write(fd, "y", 1), -1);
    assert_int_equal(ftruncate(fd, 0), -1);
    char text[8];
    assert_int_equal(file_read_fd(fd, text, sizeof(text)), 4);
    cleanup_fd int open_one = memfd_create("x", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_int_equal(file_check_sealed(open_one), -EPERM);
    cleanup_fd int null = open("/dev/null", O_RDONLY);
    assert_int_equal(file_check_sealed(null), -EPERM);
    cleanup_fd int copy = file_dup(fd, 100);
    assert_true(copy >= 100 && fcntl(copy, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(file_dup(-1, 3), -EBADF);
}

TEST_MAIN(cmocka_unit_test(test_root), cmocka_unit_test(test_small_files), cmocka_unit_test(test_sealed))
