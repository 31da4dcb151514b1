#pragma once
/*
 * Giving privileges up, for workers that handle what comes from outside. Each call narrows this process and its
 * children for good. What the kernel does not offer (Landlock) is left out in silence: it is the second line, behind
 * code that does not rely on it.
 */
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* Keeps these capabilities (sys/capabilities.h) alone (bounding, permitted, effective), none inheritable or ambient;
 * sets no_new_privs. */
int confine_capabilities(uint64_t keep, struct err *err);

/*
 * Only files beneath these folders may be read, or written and made (NULL-terminated lists, what does not exist is
 * skipped). For descriptors opened from now on. Nothing can be executed any more.
 */
int confine_files(const char *const *readable, const char *const *writable, struct err *err);

/*
 * Denies (EPERM) what no worker has use for: mounting, tracing, modules, keys, bpf, namespaces, handles. alone:
 * sockets, new processes and programs too. Needs no_new_privs.
 */
int confine_calls(bool alone, struct err *err);

/* The process ends when its parent does. parent: the pid that it is to have. */
void confine_to_parent(int parent);
