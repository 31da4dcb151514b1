#pragma once
/* Of nano-httpd.ld: where the program's two parts are, and the way from one to the other. */
#include <stdint.h>

/* Hidden, so that they are found without a table of addresses. */
__attribute__((visibility("hidden"))) extern const char image_start[], serve_start[], serve_end[];

/* Calls server_run(listener, moved) at the address where it is now, on another stack. Not to be returned from. */
_Noreturn void leap(int listener, uintptr_t moved, uintptr_t to, uintptr_t stack_top);
