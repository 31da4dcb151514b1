#pragma once
/*
 * Memory. An allocation that fails ends the process: it prints one line and exits with MEM_EXIT_STATUS. Every program
 * here can be ended at any instant without harm (the daemon's journal, the worker's named partial work), so dying is
 * the one error path for memory that is always right, and no caller checks for NULL. What comes from outside has a
 * maximum of its own (struct buf, the parsers' budgets), so nobody can ask for more than we mean to give.
 *
 * Fault injection: with SHOAL_FAULT_ALLOC=N in the environment the Nth allocation from the start fails.
 */
#include <stddef.h>

#define MEM_EXIT_STATUS 70

/* Never NULL. mem_alloc() returns zeroed memory. */
void *mem_alloc(size_t size);
void *mem_alloc_array(size_t count, size_t size);
void *mem_realloc(void *old, size_t size);
char *mem_strdup(const char *s);
char *mem_strndup(const char *s, size_t n);
void *mem_memdup(const void *data, size_t size);
char *mem_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define NEW(type) ((type *)mem_alloc(sizeof(type)))
