#pragma once
/*
 * The keeper as a file: a head, then launchers, containers with their slots and messages, stored descriptors.
 * Descriptors are numbers that stay open across the exec. A newer program reads what an older one wrote: the structs
 * below only grow at their ends, and each list says how large its items are.
 */
#include "keeper/keeper.h"

#include <fcntl.h>

#define STATE_MAGIC   0x53686f616c4b7072ULL
#define STATE_VERSION 1

enum { LAUNCHERS, ENTRIES, STORED, LIST_COUNT };

struct state_head {
    uint64_t magic;
    uint32_t version, head_size;
    struct {
        uint32_t count, size;
    } lists[LIST_COUNT];
    int32_t listener, lock, program, peer;
    uint32_t peer_hello, serial, reexecs, next_generation;
    struct rlimit files;
    char oom_score_adj[16];
    char run_dir[4096];
};

struct state_launcher {
    int32_t pid, socket, filters;
    uint32_t outer_size, inner_size, reports;
    uint8_t key[KEEPER_KEY_SIZE];
};

struct state_entry {
    uint32_t slot, generation;
    uint8_t id[KEEPER_ID_SIZE], container[KEEPER_ID_SIZE];
    uint8_t state, announcements, reported, status_closed, reaped, failed, unused[2];
    uint32_t launcher, namespaces;
    int32_t pid, status, kind, errnum, status_fd, tty_fd, cgroup_fd;
    int64_t started_ns, ended_ns;
    char message[KEEPER_MESSAGE_MAX];
};

struct state_stored {
    char name[KEEPER_STORE_NAME_MAX];
    int32_t fd;
};

/* What lives on after the exec. Everything else is CLOEXEC from birth. */
static inline void keep_open(int fd, bool keep)
{
    if (fd >= 0)
        (void)fcntl(fd, F_SETFD, keep ? 0 : FD_CLOEXEC);
}
