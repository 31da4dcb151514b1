/*
 * Where the kernel enters, and the three functions that a compiler may call on its own. KEEP_LOOP keeps it from making
 * of their loops the very calls that they are.
 */

#include "sys.h"

#define KEEP_LOOP __asm__ volatile("")

int main(int argc, char **argv);
void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);
_Noreturn void start(long *stack);

#if defined(__x86_64__)
__asm__(".globl _start\n_start:\n"
        "    xor %ebp, %ebp\n"
        "    mov %rsp, %rdi\n"
        "    and $-16, %rsp\n"
        "    call start\n");
#elif defined(__aarch64__)
__asm__(".globl _start\n_start:\n"
        "    mov x29, #0\n"
        "    mov x30, #0\n"
        "    mov x0, sp\n"
        "    bl start\n");
#elif defined(__arm__)
__asm__(".arm\n.globl _start\n.type _start, %function\n_start:\n"
        "    mov r0, sp\n"
        "    bic sp, sp, #7\n"
        "    bl start\n");
#endif

#ifdef __arm__
/* What libgcc's division calls for a divisor of zero; there is none here. */
int raise(int signal);
int raise(int signal)
{
    sys_exit(128 + signal);
}
#endif

/* stack: the number of arguments, then the arguments (System V ABI, "Process Initialization"). */
_Noreturn void start(long *stack)
{
    sys_exit(main((int)stack[0], (char **)(stack + 1)));
}

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    char *t = to;
    for (const char *f = from; size; size--) {
        *t++ = *f++;
        KEEP_LOOP;
    }
    return to;
}

void *memset(void *to, int byte, size_t size)
{
    for (char *t = to; size; size--) {
        *t++ = (char)byte;
        KEEP_LOOP;
    }
    return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
    const unsigned char *x = a, *y = b;
    for (; size; size--, x++, y++)
        if (*x != *y)
            return *x - *y;
    return 0;
}
