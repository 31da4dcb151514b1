/* Where the kernel enters. */
#include "image.h"
#include "sys.h"

int main(int argc, char **argv);
_Noreturn void start(long *stack);

#if defined(__x86_64__)
__asm__(".globl _start\n_start:\n"
        "    xor %ebp, %ebp\n"
        "    mov %rsp, %rdi\n"
        "    and $-16, %rsp\n"
        "    call start\n"
        ".globl leap\nleap:\n"
        "    mov %rcx, %rsp\n"
        "    call *%rdx\n");
#elif defined(__aarch64__)
__asm__(".globl _start\n_start:\n"
        "    mov x29, #0\n"
        "    mov x30, #0\n"
        "    mov x0, sp\n"
        "    bl start\n"
        ".globl leap\nleap:\n"
        "    mov sp, x3\n"
        "    blr x2\n");
#elif defined(__arm__)
__asm__(".arm\n.globl _start\n.type _start, %function\n_start:\n"
        "    mov r0, sp\n"
        "    bic sp, sp, #7\n"
        "    bl start\n"
        ".globl leap\n.type leap, %function\nleap:\n"
        "    mov sp, r3\n"
        "    blx r2\n");
#endif

/* stack: the number of arguments, then the arguments (System V ABI, "Process Initialization"). */
_Noreturn void start(long *stack)
{
    sys_exit(main((int)stack[0], (char **)(stack + 1)));
}
