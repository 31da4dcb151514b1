/* What a keeper reads of the one before it: the whole file of its state. Descriptors in it are those of the fuzzer. */
#include "base/cleanup.h"
#include "keeper/keeper.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {0};
    cleanup_fd int fd = memfd_create("state", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
        abort();
    if (state_check(fd, &err) < 0 && !err.kind)
        abort(); /* it was refused, and nobody said why */
    return 0;
}
