#pragma once
/*
 * The keeper's protocol: fixed structs in native byte order over one SOCK_SEQPACKET connection (RUN/keeper.sock), with
 * descriptors beside them (ipc/message.h). One daemon at a time: a new connection takes the place of the older.
 *
 * Every request gets exactly one KEEPER_REPLY with its serial, in order. Events come in between, for connections that
 * said HELLO; they tell what changed since, and LIST tells what is. A container that a daemon asked for and was then
 * killed is found by LIST; an exit record stays until ACK.
 *
 * An id (32 bytes; 64 hex digits elsewhere) names a container, or a process started by EXEC inside one. It is used
 * once: a second SPAWN of an id in the table is ERR_CONFLICT, so a request may be repeated after a lost connection.
 *
 *            SPAWN                 exec(2) succeeds            ends                ACK
 *     (none) ─────► KEEPER_STARTING ────────────► KEEPER_RUNNING ────► KEEPER_EXITED ───► (none)
 *                        └───────── KEEPER_FAILED ─────────────────────────────────────► (none)
 */
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEEPER_PROTOCOL       1
#define KEEPER_SOCKET         "keeper.sock"
#define KEEPER_ID_SIZE        32
#define KEEPER_KEY_SIZE       32
#define KEEPER_CONTAINERS_MAX 65536
#define KEEPER_LAUNCHERS_MAX  64
#define KEEPER_FILTER_MAX     (4096 * 8) /* bytes of one BPF program: the kernel's BPF_MAXINSNS */
#define KEEPER_STARTING_MAX   64         /* SPAWN and EXEC under way at a moment; more are ERR_LIMIT */
#define KEEPER_STORE_MAX      4096
#define KEEPER_STORE_NAME_MAX 128
#define KEEPER_MESSAGE_MAX    400 /* of a failure; longer ones are cut */

enum keeper_type {
    /* requests */
    KEEPER_HELLO = 1, /* struct keeper_hello → struct keeper_welcome */
    KEEPER_LAUNCHER,  /* struct keeper_launcher, a sealed memfd: outer filter, then inner filter
                         (runtime/seccomp_profile.h) */
    KEEPER_SPAWN,     /* struct keeper_spawn, then a flat description; its descriptors */
    KEEPER_EXEC,      /* struct keeper_exec, then a flat description; its descriptors */
    KEEPER_SIGNAL,    /* struct keeper_signal. ERR_NOT_FOUND, or ERR_CONFLICT where it does not run */
    KEEPER_LIST,      /* struct keeper_list → struct keeper_listed, then keeper_record[] */
    KEEPER_ACK,       /* struct keeper_id: forget an exit or a failure. ERR_CONFLICT where it still lives */
    KEEPER_TTY,       /* struct keeper_id → the master of its terminal. Until ACK */
    KEEPER_STORE_FD,  /* struct keeper_store, one descriptor: kept by name; a second of the name replaces it */
    KEEPER_TAKE_FD,   /* struct keeper_store → a duplicate. The keeper keeps its own until DROP_FD */
    KEEPER_DROP_FD,   /* struct keeper_store */
    KEEPER_STORED,    /* struct keeper_list → struct keeper_listed, then keeper_store[]: the names */
    KEEPER_REEXEC,    /* a descriptor of the new program. The connection survives; no reply but the one after it. */
    KEEPER_SHUTDOWN,  /* ends the keeper; ERR_CONFLICT while any container lives or any record waits */

    /* answers and events */
    KEEPER_REPLY = 128,
    KEEPER_STARTED, /* struct keeper_started, the master of the terminal where there is one */
    KEEPER_FAILED, /* struct keeper_failed: it never ran; its cgroup may hold what is left of it: kill that, then ACK */
    KEEPER_EXITED, /* struct keeper_exited */
};

/* Before each message. */
struct keeper_header {
    uint32_t type;
    uint32_t serial; /* chosen by the daemon, repeated by the reply; 0 in events */
};

enum keeper_state { KEEPER_STARTING = 1, KEEPER_RUNNING, KEEPER_FAILED_STATE, KEEPER_EXITED_STATE };

struct keeper_id {
    uint8_t id[KEEPER_ID_SIZE];
};

struct keeper_hello {
    uint32_t protocol; /* KEEPER_PROTOCOL; a keeper that speaks another one answers ERR_UNSUPPORTED */
};

struct keeper_welcome {
    uint32_t protocol;
    int32_t pid;
    uint32_t containers; /* records in the table */
    uint32_t reexecs;    /* how often it replaced itself */
    char version[32];
};

/*
 * Makes sure that there is a launcher for key, which stands for the filters (a digest of them). No descriptor and both
 * sizes 0: no filter at all (seccomp=unconfined).
 */
struct keeper_launcher {
    uint8_t key[KEEPER_KEY_SIZE];
    uint32_t outer_size, inner_size; /* bytes */
};

enum keeper_spawn_flag {
    KEEPER_KILL_CGROUP = 1 << 0, /* kill the cgroup (the first descriptor) when it ends: for a shared pid namespace */
};

struct keeper_spawn {
    uint8_t id[KEEPER_ID_SIZE];
    uint8_t key[KEEPER_KEY_SIZE];
    uint32_t flags;
    uint32_t description_size;
};

struct keeper_exec {
    uint8_t id[KEEPER_ID_SIZE];        /* of the new process */
    uint8_t container[KEEPER_ID_SIZE]; /* which must run */
    uint8_t key[KEEPER_KEY_SIZE];
    uint32_t flags;
    uint32_t description_size;
};

struct keeper_signal {
    uint8_t id[KEEPER_ID_SIZE];
    int32_t signo;
};

struct keeper_list {
    uint32_t from; /* 0, then keeper_listed.next */
};

struct keeper_listed {
    uint32_t next; /* where the next LIST goes on; 0 after the last record */
    uint32_t count;
};

struct keeper_record {
    uint8_t id[KEEPER_ID_SIZE];
    uint8_t container[KEEPER_ID_SIZE]; /* of EXEC; zeroes otherwise */
    uint32_t state;                    /* enum keeper_state */
    int32_t pid;                       /* in the keeper's pid namespace; 0 while starting */
    int32_t status;                    /* EXITED: as waitpid(2) gives it */
    int32_t kind, errnum; /* FAILED: as of struct err; the message comes with the event or KEEPER_FAILED of ACK */
    uint32_t has_tty;
    int64_t started_ns, ended_ns; /* real time */
    char message[KEEPER_MESSAGE_MAX];
};

struct keeper_store {
    char name[KEEPER_STORE_NAME_MAX]; /* NUL-terminated, not empty */
};

/* A struct err on the wire: the message is sent as long as it is, without the NUL. */
struct keeper_reply {
    int32_t kind; /* enum err_kind; 0: it was done, and the answer follows */
    int32_t errnum;
};

struct keeper_started {
    uint8_t id[KEEPER_ID_SIZE];
    int32_t pid;
    uint32_t has_tty;
    int64_t started_ns;
};

struct keeper_failed {
    uint8_t id[KEEPER_ID_SIZE];
    int32_t kind, errnum;
    char message[KEEPER_MESSAGE_MAX];
};

struct keeper_exited {
    uint8_t id[KEEPER_ID_SIZE];
    int32_t pid;
    int32_t status;
    int64_t ended_ns;
};

/* "64 hex digits" ↔ 32 bytes. False where it is not that. */
bool keeper_id_parse(const char *text, uint8_t id[KEEPER_ID_SIZE]);
void keeper_id_format(const uint8_t id[KEEPER_ID_SIZE], char text[2 * KEEPER_ID_SIZE + 1]);
