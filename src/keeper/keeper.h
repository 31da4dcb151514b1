#pragma once
/*
 * The keeper: the parent of every container of a node. One thread, one epoll, tables of fixed size that cost memory
 * only where they are used. It forks launchers, hands requests on to them, reaps, and remembers how each container
 * ended until the daemon has written it down. It never touches a disk and never waits.
 *
 *     keeper.c           start                       keeper_requests.c  what the daemon may ask
 *     keeper_table.c     containers by id and pid    keeper_spawn.c     launchers, SPAWN, EXEC
 *     keeper_peer.c      the daemon's connection     keeper_reap.c      ends of children
 *     keeper_store.c     descriptors by name         keeper_state.c     replacing the program
 *     keeper_program.c   the sealed copy of it       keeper_loop.c      epoll
 */
#include "base/err.h"
#include "ipc/keeper_protocol.h"
#include "ipc/message.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#define NO_SLOT UINT32_MAX

/* --- Containers and processes of execs ---------------------------------------------------------------------------- */

enum announcement { ANNOUNCE_STARTED = 1 << 0, ANNOUNCE_FAILED = 1 << 1, ANNOUNCE_EXITED = 1 << 2 };

/*
 * A container. While STARTING two things are awaited in any order: the launcher's report (the pid) and the end of the
 * status socket (the exec, or a failure). Its process may even be reaped before.
 */
struct entry {
    uint8_t id[KEEPER_ID_SIZE];
    uint8_t container[KEEPER_ID_SIZE]; /* EXEC */
    uint32_t generation;               /* changes with each use of the slot */
    uint8_t state;                     /* enum keeper_state; 0: free */
    uint8_t announcements;             /* still to be told: enum announcement */
    bool reported, status_closed, reaped, failed, in_queue;
    uint32_t namespaces;                  /* CLONE_NEW…: those that are not the host's */
    uint32_t launcher;                    /* while its report is awaited */
    int32_t pid;                          /* 0 while unknown */
    int32_t status;                       /* as of waitpid(2) */
    int32_t kind, errnum;                 /* of the failure; its message is in keeper.messages */
    int32_t status_fd, tty_fd, cgroup_fd; /* owned; -1 */
    int64_t started_ns, ended_ns;
    uint32_t next; /* in the list of free slots, or of those with announcements */
};

/* Slots by a 32-bit hash: open addressing, grows with the number of entries so that it costs memory only then. */
struct table_index {
    uint32_t *places; /* slot + 1; 0: empty */
    uint32_t bits;
    uint32_t count;
};

struct table {
    struct entry *entries; /* KEEPER_CONTAINERS_MAX, mapped */
    char (*messages)[KEEPER_MESSAGE_MAX];
    struct table_index by_id, by_pid;
    uint32_t used;     /* slots that were ever used */
    uint32_t free;     /* first free slot below used */
    uint32_t count;    /* entries now */
    uint32_t starting; /* of them */
    uint32_t living;   /* of them: STARTING and RUNNING */
    uint32_t next_generation;
};

/* --- Launchers, stored descriptors -------------------------------------------------------------------------------- */

struct launcher_entry {
    bool used;
    bool retiring; /* of the program before: ends with its last report */
    uint8_t key[KEEPER_KEY_SIZE];
    pid_t pid; /* 0: it is gone, and the next SPAWN starts it again */
    int socket;
    int filters; /* sealed memfd, -1 for none */
    uint32_t outer_size, inner_size;
    uint32_t reports; /* awaited */
    uint64_t last_used;
};

struct stored {
    char name[KEEPER_STORE_NAME_MAX]; /* "": free */
    int fd;
};

/* --- The daemon --------------------------------------------------------------------------------------------------- */

struct peer {
    int fd;           /* -1: none */
    bool hello;       /* it said so, and gets events */
    bool reply_waits; /* keeper.out holds a reply that did not fit into the socket */
    uint32_t serial;
    size_t out_size;
    int out_fd; /* goes with it; owned; -1 */
    /* A request that waits for room in a launcher's socket. */
    bool request_waits;
    size_t in_size;
    struct message_fds fds;
    uint32_t announce_first, announce_last;
};

#define KEEPER_SIGNALLED_MAX 32

struct keeper {
    int epoll, signals, listener, lock;
    int program; /* the sealed copy that runs */
    char run_dir[4096];
    struct rlimit files; /* before it was raised */
    char oom_score_adj[16];
    bool ending; /* told to end when no container is left */
    uint32_t reexecs;

    struct table table;
    struct launcher_entry launchers[KEEPER_LAUNCHERS_MAX];
    uint64_t clock; /* counts uses of launchers */
    struct stored *stored;
    uint32_t stored_used;

    struct peer peer;
    char *in, *out; /* MESSAGE_SIZE_MAX each */

    uint32_t reports;                         /* awaited from all launchers */
    bool strays;                              /* children that nobody knows may have ended */
    int64_t sweep_at_ms;                      /* 0: no sweep is due */
    uint32_t signalled[KEEPER_SIGNALLED_MAX]; /* slots that were sent a signal lately, and run; the oldest first */
    uint32_t signalled_count;
};

/* --- keeper_loop.c ------------------------------------------------------------------------------------------------ */

/* What epoll tells: a kind and a number. */
enum watch_kind { WATCH_LISTENER = 1, WATCH_SIGNALS, WATCH_PEER, WATCH_LAUNCHER, WATCH_STATUS };

int keeper_watch(struct keeper *k, int fd, uint32_t events, enum watch_kind kind, uint32_t number, struct err *err);
void keeper_watch_again(struct keeper *k, int fd, uint32_t events, enum watch_kind kind, uint32_t number);

/* Until the keeper is to end; returns the exit status. */
int keeper_run(struct keeper *k);

/* --- keeper_table.c ----------------------------------------------------------------------------------------------- */

int table_init(struct table *t, struct err *err);
/* A new entry in state STARTING with this id; NO_SLOT where the table is full. */
uint32_t table_add(struct table *t, const uint8_t id[KEEPER_ID_SIZE]);
/* The same, at a place of its own: for a table that is read back. */
bool table_add_at(struct table *t, uint32_t slot, const struct entry *entry);
void table_remove(struct table *t, uint32_t slot);
uint32_t table_find(const struct table *t, const uint8_t id[KEEPER_ID_SIZE]);
uint32_t table_find_pid(const struct table *t, pid_t pid);
void table_set_pid(struct table *t, uint32_t slot, pid_t pid);
/* From here on the kernel may give the pid to somebody else: it is no longer found, and never signalled. */
void table_set_reaped(struct table *t, uint32_t slot);
/* The one place where an entry's state changes. */
void table_set_state(struct table *t, uint32_t slot, enum keeper_state state);

/* --- keeper_peer.c ------------------------------------------------------------------------------------------------ */

void peer_init(struct peer *p);
void peer_accept(struct keeper *k);
void peer_ready(struct keeper *k, uint32_t events);
void peer_drop(struct keeper *k);
/* Goes on with what waited: events, a reply, a request. */
void peer_continue(struct keeper *k);
/* Tells the daemon of these, now or when it can take them. */
void peer_announce(struct keeper *k, uint32_t slot, enum announcement what);
void peer_forget(struct keeper *k, uint32_t slot);

/* The answer to the request in hand; at most one, payload may be NULL. fd becomes the keeper's to close; -1. */
void peer_reply(struct keeper *k, const void *payload, size_t size, int fd);
void peer_reply_error(struct keeper *k, const struct err *err);

/* --- keeper_requests.c -------------------------------------------------------------------------------------------- */

/*
 * Carries out the request in k->in and answers it. False where it must wait for room in a launcher's socket: nothing
 * has happened then, and it is to be called again.
 */
bool request_handle(struct keeper *k, size_t size, struct message_fds *fds);

/* --- keeper_spawn.c ----------------------------------------------------------------------------------------------- */

/* Makes sure that there is a launcher for the key. fds: the filters. */
int spawn_add_launcher(struct keeper *k, const struct keeper_launcher *request, int filters, struct err *err);
/* 1: done. 0: the launcher's socket is full, try again. */
int spawn_container(struct keeper *k, const struct keeper_spawn *request, const void *description,
                    const struct message_fds *fds, struct err *err);
int spawn_exec(struct keeper *k, const struct keeper_exec *request, const void *description,
               const struct message_fds *fds, struct err *err);
void spawn_launcher_ready(struct keeper *k, uint32_t number, uint32_t events);
void spawn_launcher_died(struct keeper *k, uint32_t number);
void spawn_status_ready(struct keeper *k, uint32_t slot);
/* Ends the launchers of the program before that owe nothing any more. */
void spawn_retire_launchers(struct keeper *k);

/* --- keeper_reap.c ------------------------------------------------------------------------------------------------ */

void reap_signals_ready(struct keeper *k);
/* Looks whether this container has ended. */
void reap_entry(struct keeper *k, uint32_t slot);
/* It was sent a signal, and may end: the next SIGCHLD is likely to be its own, whatever that says. */
void reap_expect(struct keeper *k, uint32_t slot);
/* Reaps a child that is no container. */
void reap_stray(struct keeper *k, pid_t pid);
/* Whatever is due by now; returns how long the loop may wait, in ms, -1 for ever. */
int reap_due(struct keeper *k);
/* An entry got all that was awaited: it runs, failed, or has ended already. */
void reap_settle(struct keeper *k, uint32_t slot);

/* --- keeper_store.c ----------------------------------------------------------------------------------------------- */

int store_init(struct keeper *k, struct err *err);
/* Takes fd over where it succeeds. */
int store_put(struct keeper *k, const char *name, int fd, struct err *err);
/* The keeper's own descriptor; -1. */
int store_find(const struct keeper *k, const char *name);
bool store_drop(struct keeper *k, const char *name);

/* --- keeper_program.c --------------------------------------------------------------------------------------------- */

/* Runs from a sealed copy of the program, by executing itself once more where it does not. Returns that copy's
 * descriptor. */
int program_seal(char *const argv[], struct err *err);
/* A sealed copy of what fd is open on. */
int program_copy(int fd, struct err *err);

/* --- keeper_state.c ----------------------------------------------------------------------------------------------- */

/* Replaces the program; returns only where that failed, and then nothing has changed. serial: of the request. */
int state_reexec(struct keeper *k, int program, uint32_t serial, struct err *err);
/* What the new program does with the state: look whether it could read it (--check), or go on with it (--resume). */
int state_check(int fd, struct err *err);
int state_resume(struct keeper *k, int fd, struct err *err);
