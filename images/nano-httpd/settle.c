/* The half of settle.h that runs at the old place. */
#include "settle.h"

#include "image.h"
#include "server.h"
#include "sys.h"

#include <linux/auxvec.h>

/* Between the moved program and the stack as it is while this runs. A signal's frame is the most that comes there. */
#define STACK_SIZE (8 * PAGE)
/* What the kernel has reserved for the stack reaches that far at most; what is below the program is of no use. */
#define STACK_REST (64 * PAGE)
/* What the server needs of the page of the arguments; with less left it takes the next one. */
#define SERVER_STACK 1536
/* Below the vDSO are its data: six pages on x86-64, fewer elsewhere. */
#define VDSO_DATA (8 * PAGE)
#define VDSO_TEXT (2 * PAGE)

/* A value that the kernel gives to a program, behind its environment; 0 where it does not. */
static uintptr_t auxiliary(char **argv, uintptr_t type)
{
    while (*argv)
        argv++;
    argv++;
    while (*argv)
        argv++;
    for (const uintptr_t *value = (const uintptr_t *)(argv + 1); *value; value += 2)
        if (*value == type)
            return value[1];
    return 0;
}

/* In the page of the arguments' first byte, below it; or below that page. */
static uintptr_t stack_top(const char *arguments)
{
    uintptr_t first = (uintptr_t)arguments;
    return first % PAGE >= SERVER_STACK ? first & -16ul : first & -(uintptr_t)PAGE;
}

void settle(int listener, char **argv)
{
    uintptr_t from = (uintptr_t)serve_start, size = (uintptr_t)(serve_end - serve_start);
    uintptr_t to = ((uintptr_t)__builtin_frame_address(0) & -(uintptr_t)PAGE) - STACK_SIZE - size;
    if (!*argv || auxiliary(argv, AT_PAGESZ) != PAGE || sys_mremap(from, size, to) != (long)to)
        server_run(listener, 0);
    uintptr_t vdso = auxiliary(argv, AT_SYSINFO_EHDR);
    if (vdso && vdso < to - STACK_REST) /* above the stack, as older kernels have it, it may be too close to it */
        (void)sys_munmap(vdso - VDSO_DATA, VDSO_DATA + VDSO_TEXT);
    (void)sys_munmap(to - STACK_REST, STACK_REST);
    leap(listener, to - from, (uintptr_t)server_run + to - from, stack_top(*argv));
}
