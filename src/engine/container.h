#pragma once
/*
 * One container of the engine: its definition (spec/container.h), its state, and what may be done with it.
 *
 *                    start                    STARTED             pause
 *   created ───────────────────► starting ──────────────► running ◄─────► paused
 *      ▲                            │ FAILED                 │ stop
 *      │                            ▼          EXITED        ▼
 *      │      start / policy     exited ◄─────────────── stopping
 *      │   ┌──────────────────────┘ │
 *      └───┘                        │ remove
 *                                   ▼
 *                               removing ──► gone, or dead where something could not be removed
 *
 * Each change of state is written to the database in the same turn, told to engine/events.h, and answered after the
 * commit.
 */
#include "base/id.h"
#include "base/list.h"
#include "engine/engine.h"
#include "spec/container.h"

#include <sys/types.h>

enum container_status {
    CONTAINER_CREATED,
    CONTAINER_STARTING,
    CONTAINER_RUNNING,
    CONTAINER_PAUSED,
    CONTAINER_STOPPING,
    CONTAINER_RESTARTING, /* exited, and its restart policy's back-off is running */
    CONTAINER_EXITED,
    CONTAINER_REMOVING,
    CONTAINER_DEAD,
};

enum health_status { HEALTH_NONE, HEALTH_STARTING, HEALTH_HEALTHY, HEALTH_UNHEALTHY };

/* "created", "running" …: Docker's words (starting is told as created, stopping as running). */
const char *container_status_name(enum container_status status);
const char *health_status_name(enum health_status status);

/* What is remembered of a container's runs; kept in the database. Times are realtime nanoseconds, 0: never. */
struct container_state {
    int status; /* enum container_status */
    int64_t started_ns, finished_ns;
    int exit_code;
    bool oom_killed;
    bool wanted; /* by the user: started and not stopped since; decides about restarting after a boot */
    int restart_count;
    char *error; /* why the last start failed; "" otherwise */
};

/*
 * What is kept in memory of a container's definition (engine/outline.h): what lists and events tell, and what the end
 * of a run asks for. The definition itself is in the database: container_definition().
 */
struct container_outline {
    char *image;        /* as it was asked for */
    char *command;      /* entrypoint and arguments, as lists show them */
    char *network_mode; /* "default", "host", "none", "container:ID" or a network's name */
    struct pairs labels;
    struct strings exposed_ports;
    struct restart_policy restart;
    int stop_signal, stop_timeout_s; /* negative: it may take for ever */
    bool tty, open_stdin, stdin_once;
    bool attach_output; /* asked for at its creation */
    bool keeps_log;     /* its log driver is not none */
    bool auto_remove;
    bool limited; /* it needs controllers (engine/limits.h) */
    bool health_check;
};

/* One network of a running container. */
struct container_endpoint {
    char *network; /* the name */
    char *network_id;
    char *endpoint_id;
    char *ipv4, *ipv6, *mac, *gateway;
    char *interface, *link; /* in the container, on the machine */
    int prefix_length;
    struct strings aliases, links;
};

/* A published port as it is open on this machine. */
struct container_port {
    char *port; /* "80/tcp" */
    char *host_ip, *host_port;
};

/* A volume or bind mount as inspect shows it. */
struct container_mount {
    char *type, *name, *source, *destination, *mode, *propagation, *driver;
    bool read_write;
};

struct health_probe {
    int64_t started_ns, ended_ns;
    int exit_code;
    char *output; /* 4 KiB at most */
};

struct container {
    struct engine *engine;
    char id[ID_SIZE];
    char *name; /* without the leading slash; owned */
    int64_t created_ns;
    char *image_id; /* "sha256:…"; what outline.image meant when the container was made */
    struct container_outline outline;
    struct container_state state;
    pid_t pid; /* 0 where it does not run */

    VEC(struct container_endpoint) endpoints;
    VEC(struct container_port) ports; /* of this run */
    VEC(struct container_mount) mounts;
    enum health_status health;
    int health_failing_streak;
    VEC(struct health_probe) health_log; /* the last five */

    struct container_private *private; /* engine/ alone: arena, sources, pending requests */
};

/* --- Finding ------------------------------------------------------------------------------------------------------ */

/* By full ID, name, or unique start of an ID, in this order. ERR_NOT_FOUND "No such container: x"; ERR_INVALID where
 * several fit. */
struct container *engine_find_container(struct engine *engine, const char *reference, struct err *err);
/* Walks all of them, the newest first; NULL starts and ends. */
struct container *engine_next_container(struct engine *engine, struct container *after);

bool container_is_running(const struct container *container); /* running, paused or stopping */

/* Its whole definition, the image's defaults taken in, read from the database into arena; NULL on failure. */
const struct container_spec *container_definition(const struct container *container, struct arena *arena,
                                                  struct err *err);

/* --- Changing ----------------------------------------------------------------------------------------------------- */

struct container_create_options {
    const char *name;                  /* NULL: two words are chosen */
    const struct container_spec *spec; /* copied */
    const char *platform;              /* "linux/arm64"; NULL: this machine's */
};

/*
 * Defines a container. The image must be there (ERR_NOT_FOUND "No such image: x", as Docker's clients expect before
 * they pull). What cannot be honoured is refused by name (ERR_UNSUPPORTED) or told in warnings. Anonymous volumes are
 * made with it.
 */
int container_create(struct engine *engine, const struct container_create_options *options, struct container **ret,
                     struct arena *arena, struct strings *warnings, struct err *err);

/* ERR_NOT_MODIFIED where it runs already. */
void container_start(struct container *container, engine_done *done, void *data);

/*
 * Asks with the stop signal (signo 0: the container's own, then SIGTERM), kills after timeout_s (-1: the container's
 * own, then 10; 0: at once). Its restart policy does not start it again. ERR_NOT_MODIFIED where it does not run.
 */
void container_stop(struct container *container, int signo, int timeout_s, engine_done *done, void *data);
void container_restart(struct container *container, int signo, int timeout_s, engine_done *done, void *data);
/* Sends a signal; SIGKILL counts as the user's stop. ERR_CONFLICT where it does not run. */
int container_kill(struct container *container, int signo, struct err *err);
int container_pause(struct container *container, struct err *err);
int container_unpause(struct container *container, struct err *err);
int container_rename(struct container *container, const char *name, struct err *err);

struct container_remove_options {
    bool force;   /* kill it first where it runs; otherwise that is ERR_CONFLICT */
    bool volumes; /* its anonymous volumes too */
};
/* The container is gone (freed) when done is called with success. */
void container_remove(struct container *container, struct container_remove_options options, engine_done *done,
                      void *data);

/* --- Waiting ------------------------------------------------------------------------------------------------------ */

enum container_wait { WAIT_NOT_RUNNING, WAIT_NEXT_EXIT, WAIT_REMOVED };

/* Embedded in whoever waits; container_wait_cancel() is harmless at any time. */
struct container_waiter {
    /* Called once, when all output of the container is on disk (or nobody keeps it). */
    void (*ended)(struct container_waiter *waiter, int exit_code, const char *error);
    enum container_wait condition;
    struct list link;
};
/* May call back before it returns, where the condition holds already. */
void container_wait_add(struct container *container, struct container_waiter *waiter);
void container_wait_cancel(struct container_waiter *waiter);

/* --- Streams ------------------------------------------------------------------------------------------------------ */

struct container_attach_options {
    bool stdin_, stdout_, stderr_;
};

/*
 * Attaches to a container, running or about to be started: gives two descriptors, non-blocking, the caller's.
 * *ret_output gives what it writes from now on, in Docker's framed form ("Attach to a container", stream format) unless
 * it has a tty; it ends when the container does. *ret_input takes its standard input; closing it is the end of input
 * where the container was made with stdin_once. -1 where not asked for, or where the container has no such stream.
 */
int container_attach(struct container *container, struct container_attach_options options, int *ret_input,
                     int *ret_output, struct err *err);

/* The size of its terminal. ERR_CONFLICT where it does not run. */
int container_resize(struct container *container, int rows, int columns, struct err *err);

/* A reader of its logs, the caller's; ERR_UNSUPPORTED where its log driver keeps none. */
struct logfile_query;
struct logfile *container_open_log(struct container *container, const struct logfile_query *query, struct err *err);

/* The folder of its log files (engine/logfile.h), in arena; NULL and ERR_UNSUPPORTED where its log driver keeps none.
 */
const char *container_log_folder(struct container *container, struct arena *arena, struct err *err);

/* The processes in its cgroup, at most max; returns how many there are. */
ssize_t container_processes(struct container *container, pid_t *ret, size_t max, struct err *err);
