/* The half of settle.h that runs at the new place. Addresses are relative to where it runs: that of the start, which
 * did not move, is found by going back. */
#include "image.h"
#include "settle.h"
#include "sys.h"

void settle_forget_start(uintptr_t moved)
{
    if (moved)
        (void)sys_munmap((uintptr_t)image_start - moved, (uintptr_t)(serve_start - image_start));
    settle_shrink_stack(moved);
}

void settle_shrink_stack(uintptr_t moved)
{
    uintptr_t from = (uintptr_t)serve_end, to = (uintptr_t)__builtin_frame_address(0) & -(uintptr_t)PAGE;
    if (moved)
        (void)sys_madvise(from, to - from, MADV_DONTNEED);
}
