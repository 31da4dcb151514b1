#include "image/spool.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "image/inflate.h"
#include "sys/files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/statvfs.h>

#define BLOCK_SIZE  ((size_t)256 * 1024)
#define CHECK_EVERY ((int64_t)16 << 20)

int spool_check_space(int folder, int64_t reserve, struct err *err)
{
    struct statvfs fs;
    if (fstatvfs(folder, &fs) == 0 && (int64_t)fs.f_bavail * (int64_t)fs.f_frsize < reserve)
        return err_set(err, ERR_NO_SPACE, "the disk is full: less than %lld MiB would be left",
                       (long long)(reserve >> 20));
    return 0;
}

/* in NULL: the bytes as they are. */
static int copy(struct byte_source *source, struct inflate *in, int folder, int to, int64_t reserve, struct err *err)
{
    cleanup_free char *block = mem_alloc(BLOCK_SIZE);
    int64_t unchecked = CHECK_EVERY;
    for (;;) {
        ssize_t n = in ? inflate_read(in, block, BLOCK_SIZE, err) : byte_source_read(source, block, BLOCK_SIZE, err);
        if (n <= 0)
            return (int)n;
        if ((unchecked += n) >= CHECK_EVERY) {
            unchecked = 0;
            if (spool_check_space(folder, reserve, err) < 0)
                return -1;
        }
        int r = file_write_all(to, block, (size_t)n);
        if (r < 0)
            return err_errno(err, r, "cannot write to the staging folder");
    }
}

int spool_file(int fd, bool inflate, int folder, int64_t reserve, struct err *err)
{
    struct byte_source source = byte_source_of(fd);
    struct inflate *in cleanup(inflate_freep) = inflate ? inflate_open(&source, err) : NULL;
    if (inflate && !in)
        return -1;
    if (source.offset >= 0 && (!in || inflate_compression(in) == COMPRESSION_NONE)) {
        int same = file_dup(fd, 3);
        return same < 0 ? err_errno(err, same, "cannot read the archive") : same;
    }
    cleanup_fd int to = openat(folder, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
    if (to < 0)
        return err_errno(err, errno, "cannot make a file in the staging folder");
    return copy(&source, in, folder, to, reserve, err) < 0 ? -1 : take_fd(&to);
}
