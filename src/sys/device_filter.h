#pragma once
/*
 * Which devices the processes of a cgroup may use: a BPF program of type CGROUP_DEVICE
 * (Documentation/admin-guide/cgroup-v2.rst, "Device controller"), loaded by bpf(2) directly. One on a parent goes for
 * all of its children; a child may have one of its own in its place (BPF_F_ALLOW_OVERRIDE).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A device that is allowed. */
struct device_rule {
    char type;            /* 'c' or 'b'; 'a': both */
    int64_t major, minor; /* -1: any */
    bool read, write, make;
};

#define DEVICE_RULES_MAX 128

/*
 * What every container may use: null, zero, full, random, urandom, tty, ptmx and ptys, console; and making nodes of any
 * device, which without use is harmless (Docker's list).
 */
extern const struct device_rule device_rules_default[];
extern const size_t device_rules_default_count;

/* Attaches a filter that allows these and denies the rest. 0 or -errno. */
int device_filter_attach(int cgroup, const struct device_rule *rules, size_t count);
/* Attaches one that allows everything: for privileged containers. */
int device_filter_attach_all(int cgroup);
