#include "base/cleanup.h"
#include "keeper/keeper.h"
#include "runtime/protection.h"
#include "sys/files.h"
#include "sys/process.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define PROGRAM_MAX ((off_t)64 << 20)

/*
 * Before it execs, a child of ours is a process inside a container, and its /proc/PID/exe is this program: a payload
 * that gets hold of it could write to it once it no longer runs, and own the host at the next start (CVE-2019-5736). A
 * sealed memfd cannot be written by anybody. And the keeper needs no disk any more.
 */
int program_copy(int fd, struct err *err)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return err_errno(err, errno, "the program");
    if (!S_ISREG(st.st_mode) || st.st_size <= 0 || st.st_size > PROGRAM_MAX)
        return err_set(err, ERR_INVALID, "the program is no file of 1 byte to 64 MiB");
    void *data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED)
        return err_errno(err, errno, "the program");
    int copy = file_sealed_memfd("shoal-keeper", data, (size_t)st.st_size, true);
    (void)munmap(data, (size_t)st.st_size);
    return copy < 0 ? err_errno(err, copy, "a sealed copy of the program") : copy;
}

int program_seal(char *const argv[], struct err *err)
{
    cleanup_fd int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (self < 0)
        return err_errno(err, errno, "/proc/self/exe");
    if (file_check_sealed(self) == 0 || !protection_on(PROTECT_EXE))
        return take_fd(&self);
    cleanup_fd int copy = program_copy(self, err);
    if (copy < 0)
        return -1;
    return err_errno(err, process_exec_fd(copy, argv, environ), "the sealed copy of the program");
}
