#pragma once
/*
 * Moving in. An idle server shall hold as little memory as a process can. The kernel starts it at the lower end of the
 * address space and puts its stack at the upper end: two sets of page tables, where one would do. So the part that
 * serves (nano-httpd.ld says which) is moved to just below the stack, and the part that started is unmapped, the
 * kernel's vDSO too, which is not used. The server's stack begins in the page that holds the arguments, which is there
 * anyway: it is the one page of its own that an idle server has.
 *
 * Nothing depends on it: where a step is not possible (another page size, a system call denied) the server runs where
 * it is.
 */
#include <stdint.h>

#define PAGE 4096

/* Moves, and goes on in server_run(). */
_Noreturn void settle(int listener, char **argv);

/* From the new place: gives back what was only needed to start. moved: see server_run(). */
void settle_forget_start(uintptr_t moved);

/* Gives back what the stack has used below the caller's page. */
void settle_shrink_stack(uintptr_t moved);
