#pragma once
/*
 * System call filters (seccomp(2)): rules by name become a BPF program, by libseccomp. It takes milliseconds: compile
 * once, keep the program. Only the daemon does it.
 */
#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The condition on one argument: (argument & mask) == value, or != where `differs`. */
struct seccomp_condition {
    unsigned argument; /* from 0 */
    uint64_t mask, value;
    bool differs;
};

struct seccomp_rule {
    const char *name;                          /* of the call; one that the library does not know is skipped */
    int error;                                 /* the call fails with this errno; 0: it is allowed */
    const struct seccomp_condition *condition; /* NULL: always */
};

/*
 * Compiles for this machine's architecture and those that its kernel runs besides it (x86 and x32 on x86-64, arm on
 * arm64). What no rule speaks of fails with otherwise. Later rules of a name add to earlier ones. *ret is to be freed;
 * returns the number of instructions or -errno.
 */
int seccomp_compile(const struct seccomp_rule *rules, size_t count, int otherwise, struct sock_filter **ret);

/* The number of a call here; negative where the library does not know it or it does not exist here. */
int seccomp_call_number(const char *name);

/* AUDIT_ARCH_… of this machine, as struct seccomp_data has it. */
uint32_t seccomp_native_arch(void);
