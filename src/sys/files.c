#include "sys/files.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#ifndef MFD_EXEC
#define MFD_EXEC        0x0010U
#define MFD_NOEXEC_SEAL 0x0008U
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x0020
#endif

int file_openat2(int folder, const char *path, int flags, mode_t mode, uint64_t resolve)
{
    struct open_how how = {.flags = (uint64_t)(flags | O_CLOEXEC), .mode = mode, .resolve = resolve};
    for (int attempt = 0;; attempt++) {
        long fd = syscall(SYS_openat2, folder, path, &how, sizeof(how));
        if (fd >= 0)
            return (int)fd;
        /* A rename elsewhere while ".." was resolved: the kernel asks to try again (openat2(2), EAGAIN). */
        if (errno != EINTR && (errno != EAGAIN || attempt > 100))
            return -errno;
    }
}

int file_open_in_root(int root, const char *path, int flags, mode_t mode)
{
    return file_openat2(root, path, flags, mode, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

ssize_t file_read_fd(int fd, char *data, size_t size)
{
    size_t used = 0;
    while (used < size) {
        ssize_t n = read(fd, data + used, size - used);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0) {
            data[used] = '\0';
            return (ssize_t)used;
        }
        used += (size_t)n;
    }
    return -EFBIG;
}

ssize_t file_read_at(int folder, const char *path, char *data, size_t size)
{
    cleanup_fd int fd = openat(folder, path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : file_read_fd(fd, data, size);
}

int file_write_at(int folder, const char *path, const char *text)
{
    cleanup_fd int fd = openat(folder, path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t n;
    do
        n = write(fd, text, strlen(text));
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : 0;
}

int file_write_all(int fd, const void *data, size_t size)
{
    for (const char *p = data; size;) {
        ssize_t n = write(fd, p, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        p += n;
        size -= (size_t)n;
    }
    return 0;
}

int file_sealed_memfd(const char *name, const void *data, size_t size, bool exec)
{
    /* Before 6.3 the two flags are unknown, and every memfd can be executed. */
    unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    cleanup_fd int fd = memfd_create(name, flags | (exec ? MFD_EXEC : MFD_NOEXEC_SEAL));
    if (fd < 0 && errno == EINVAL)
        fd = memfd_create(name, flags);
    if (fd < 0)
        return -errno;
    int r = file_write_all(fd, data, size);
    if (r < 0)
        return r;
    int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
    if (lseek(fd, 0, SEEK_SET) < 0 || fcntl(fd, F_ADD_SEALS, seals) < 0)
        return -errno;
    return take_fd(&fd);
}

int file_check_sealed(int fd)
{
    int wanted = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
    int seals = fcntl(fd, F_GET_SEALS);
    return seals >= 0 && (seals & wanted) == wanted ? 0 : -EPERM;
}

int file_close_on_exec_from(unsigned first)
{
    return syscall(SYS_close_range, first, ~0U, CLOSE_RANGE_CLOEXEC) < 0 ? -errno : 0;
}

int file_close_from(unsigned first)
{
    return syscall(SYS_close_range, first, ~0U, 0) < 0 ? -errno : 0;
}

int file_dup(int fd, int lowest)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, lowest);
    return copy < 0 ? -errno : copy;
}
