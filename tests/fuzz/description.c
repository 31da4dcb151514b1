/* A container's description as it arrives at a launcher. The first byte is the number of descriptors that came. */
#include "runtime/description.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char scratch[DESCRIPTION_SCRATCH_MAX], again[DESCRIPTION_SIZE_MAX];
    int fds[DESCRIPTION_FDS_MAX], out[DESCRIPTION_FDS_MAX];
    unsigned fd_count, count;
    struct description d, back;
    struct err err;
    if (!size || size > DESCRIPTION_SIZE_MAX)
        return 0;
    count = data[0] % DESCRIPTION_FDS_MAX;
    for (unsigned i = 0; i < count; i++)
        fds[i] = (int)(1000 + i);
    if (description_decode(data + 1, size - 1, fds, count, scratch, sizeof(scratch), &d, &err) < 0)
        return 0;
    (void)description_check(&d, true, &err);
    (void)description_check(&d, false, &err);

    /* What was understood can be said again, and means the same. */
    ssize_t length = description_encode(&d, again, sizeof(again), out, &fd_count, &err);
    if (length != (ssize_t)size - 1 || fd_count > count)
        abort();
    static char scratch2[DESCRIPTION_SCRATCH_MAX];
    if (description_decode(again, (size_t)length, out, fd_count, scratch2, sizeof(scratch2), &back, &err) < 0)
        abort();
    if (back.root != d.root || back.cgroup != d.cgroup || back.mount_count != d.mount_count || back.uid != d.uid)
        abort();
    return 0;
}
