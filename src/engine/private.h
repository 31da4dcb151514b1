#pragma once
/* What the files of engine/ share; nobody else includes it. */
#include "base/intern.h"
#include "engine/container.h"
#include "engine/engine.h"
#include "engine/events.h"
#include "engine/exec.h"
#include "engine/network.h"
#include "engine/volume.h"
#include "event/loop.h"
#include "image/image.h"
#include "ipc/keeper_client.h"
#include "ipc/logger_client.h"

struct journal;
struct profiles;
struct logfile_watcher;
struct networks;

struct engine {
    struct engine_config config;
    char *data_dir, *run_dir, *bin_dir, *instance; /* owned: config's strings point here */
    int containers_fd;                             /* DATA/containers */
    int run_containers_fd;                         /* RUN/containers */
    int cgroups_fd; /* the cgroup that holds one for each container without limits: it has no controller enabled */
    int limited_fd; /* that of those with limits; -1 until the first */

    struct map by_id, by_name;             /* → struct container */
    struct list containers;                /* the newest first; owned */
    struct map volumes;                    /* name → struct volume; owned */
    struct map networks;                   /* id → struct engine_network; owned */
    struct list volume_list, network_list; /* the same, in the order in which they were made */
    struct map execs;                      /* id → struct exec; owned */
    struct map ports;                      /* struct published (engine/ports.c); owned */
    struct map kept;                       /* name → struct kept (engine/kept.c); owned */
    unsigned kept_awaited;                 /* answers of the keeper about them */
    void (*kept_fetched)(struct engine *engine);

    struct images *images;
    bool overlay_by_mount;   /* the kernel is older than 6.8 (engine/rootfs.c) */
    struct map shared_roots; /* image ID → descriptor + 1 (engine/shared_roots.c) */
    struct journal *journal;
    struct profiles *profiles;
    struct networks *net;
    struct names *names; /* both NULL until the first container hangs on a network (engine/resolver.c) */
    struct dns_server *dns;
    struct logfile_watcher *log_watcher;
    struct keeper_client *keeper;
    struct logger_client *logger; /* NULL while there is none */
    struct timer keeper_retry, logger_retry;
    VEC(char *) cgroups_to_remove; /* ids; their last processes are being killed */
    struct timer cgroup_timer;

    engine_done *started; /* engine_start()'s, until it was called */
    void *started_data;
    bool recovered;

    engine_done *stopped; /* engine_stop()'s, until it was called */
    void *stopped_data;
    int helpers_ending; /* of keeper and logger, those whose answer to that is awaited */
    bool stopping;      /* a helper that is lost is not started again */

    struct interned texts; /* of definitions and events: most of them many objects have in common */
    struct list listeners;
    VEC(struct remembered_event *) remembered;
    VEC(char *) to_acknowledge; /* ids whose end the keeper may forget after the next commit */
    VEC(char *) to_start;       /* ids that are started once the keeper has forgotten their last run */
    struct map listed;          /* id → struct keeper_record, between the keeper's list and recover() */
    int keeper_attempts, logger_attempts;
    struct logger_client *lost_logger; /* freed at the end of the turn */
    struct deferred logger_gone;
};

/* Somebody who waits for a container to get somewhere. */
struct pending {
    engine_done *done;
    void *data;
    struct list link;
};

struct container_private {
    struct container *owner;
    struct arena arena;   /* of its mounts */
    struct arena run;     /* of what one run has: endpoints, ports, error; emptied when the next begins */
    struct list link;     /* in engine->containers */
    struct list waiters;  /* struct container_waiter */
    struct list starting; /* struct pending: answered when it runs, or could not be started */
    struct list stopping; /* struct pending: answered when it has stopped */

    struct start *start;        /* while starting (engine/start.c); owned */
    struct timer stop_timer;    /* SIGKILL at its end */
    struct timer restart_timer; /* the restart policy's back-off */
    int64_t restart_delay_ms;   /* 0: the first */
    bool stopped_by_user;       /* since its last start */
    bool restart_after_stop;    /* container_restart() */

    struct pending removal; /* done is NULL while nobody removes it */
    struct container_remove_options remove_options;
    struct deferred kick;      /* a start that waited for the turn's commit */
    struct deferred forgotten; /* nothing of it is left: freed when nobody works on it any more */

    int cgroup_attempts; /* of a start, at a control group of its own (engine/start.c) */
    bool streams_ready;  /* its FIFOs are there (engine/streams.c) */
    bool logged;         /* its output goes through the logger */
    bool draining;       /* it has exited, and the logger has not said that its output is complete */
    int terminal;        /* the pty's master; -1 without */
    int input;           /* the writing end of its standard input; -1 without */
    int held_output[2];  /* its FIFOs, see release_output() in engine/streams.c */
    bool opened_at_logger;
    int input_reader;            /* the reading end, until the payload has it */
    struct list attachments;     /* to its terminal (engine/attach.c) */
    struct list execs;           /* struct exec_private */
    struct health *health;       /* NULL: no health check (engine/health.c); owned */
    struct endpoints *endpoints; /* NULL: no network of its own (engine/endpoints.c); owned */
};

/* --- container.c */

struct container *container_new(struct engine *engine);
/* Of one that is in no table (any more). */
void container_free(struct container *container);
DEFINE_CLEANUP(struct container *, container_free);
/* Enters it in the tables / takes it out. */
void container_enter(struct container *container);
void container_leave(struct container *container);
/* The one writer of state.status: database, events' order and log. A failed write is logged: the commit will tell. */
void container_set_status(struct container *container, enum container_status status);

/* DATA/containers/ID, where its logs and files are. Harmless twice. */
int container_make_folder(struct container *container, struct err *err);

/* --- events.c */

void events_done(struct engine *engine);
/* extra: pairs up to one without a key; may be NULL. */
void emit_container(struct container *container, const char *action, const struct pair *extra);
/* With one attribute (key NULL: none). */
void emit_named(struct engine *engine, const char *type, const char *action, const char *id, const char *key,
                const char *value);

/* --- pending.c */

void pending_add(struct list *list, engine_done *done, void *data);
/* Calls and empties the list; failure is NULL on success. */
void pending_finish(struct list *list, const struct err *failure);
/* Empties the list without a call: the daemon ends. */
void pending_drop(struct list *list);

/* --- start.c */

/* Carries out a start that was decided: the container is not running, and its status is about to be starting. */
void start_begin(struct container *container);
/* The same for one that has just ended: when this turn is committed and the keeper told so. */
void start_after_commit(struct container *container);
/* The keeper's answers, and those of workers, lead here. */
void start_succeeded(struct container *container, pid_t pid, int64_t started_ns, int terminal);
void start_failed(struct container *container, const struct err *failure);
/* spawn.c: the part of a start that waits for nobody, up to the request to the keeper. */
void start_now(struct container *container);
/* What workers do for its start is of no use any more. */
void start_give_up(struct container *container);

/* --- attach.c */

/* The container has its terminal: attachments that waited for it begin. / They end. */
void attachments_begin(struct container *container);
void attachments_end(struct container *container);

/* --- exit.c */

/* The payload ended: status as waitpid(2) gives it. */
void container_exited(struct container *container, int status, int64_t ended_ns);
/* Its output is complete, or nobody keeps it. */
void container_drained(struct container *container);
/* Releases what a run held: cgroup, endpoints, streams, FIFOs. Harmless when it holds nothing. */
void container_release(struct container *container);

/* Tells those who wait for what just came true; for the removal: everybody. */
void waiters_wake(struct container *container);
void waiters_removed(struct container *container);

/* --- stop.c */

/* An engine_done for who does not care. */
void ignore_done(void *data, const struct err *failure);
/* Sends the signal and arms the timeout; the container runs. */
void stop_begin(struct container *container, int signo, int timeout_s);

/* --- health.c */

/* The container runs: its checks begin, where it has any. / It does not run any more. */
void health_begin(struct container *container);
void health_end(struct container *container);

/* --- remove.c */

/* Finishes a removal that an earlier daemon began. */
void removal_resume(struct container *container);
/* Those that nobody uses any more. */
void remove_anonymous_volumes(struct container *container);

/* The container has ended: goes on with a removal that waited for it, or begins one of its own (--rm). */
void removal_of_ended(struct container *container);

/* --- recover.c */

/* The keeper is connected, and told everything it has through recover_listed(). */
int recover(struct engine *engine, struct err *err);
void recover_listed(struct engine *engine, const char *id, const struct keeper_record *record);
/* The keeper was lost before that. */
void recover_forget(struct engine *engine);

/* --- engine.c */

/* The cgroup in which the container's own is. */
int cgroups_of(const struct container *container);
/* The same, made where the container is the first with limits. */
int cgroups_for(const struct container *container, struct err *err);
/* Removes a container's control group; -EBUSY while processes are in it. */
int cgroup_remove_of(struct engine *engine, const char *id);
/* Removes a container's control group now, or when the processes that are being killed in it are gone. */
void cgroup_remove_later(struct engine *engine, const char *id);

/* --- helpers.c: keeper and logger, started and connected to */

int helpers_connect(struct engine *engine, struct err *err);
/* What the logger has open of a daemon that was killed in the middle of a start is closed: it would never end. */
void helpers_close_unused(struct engine *engine);
void helpers_done(struct engine *engine);
/* Goes on with the end of the engine, where nothing is left to be waited for. */
void stop_settled(struct engine *engine);

/* --- volume.c, network.c, exec.c: their tables at the engine's start and end */

int volumes_load(struct engine *engine, struct err *err);
void volumes_done(struct engine *engine);
int networks_load(struct engine *engine, struct err *err);
void networks_done(struct engine *engine);
void execs_done(struct engine *engine);
/* Enters in the mechanism what the database says was made; before networks_start(). */
int networks_adopt(struct engine *engine, struct err *err);
/* Has it a mechanism at all? host and none have not. */
bool network_has_mechanism(const struct engine_network *network);
/* Makes a network's mechanism where it is not made yet. */
int network_make(struct engine *engine, struct engine_network *network, struct err *err);
/* Forgets those of a container that ended or goes. */
void execs_of_container_ended(struct container *container);

/* --- log_attributes.c */

/* The attributes of each line as a JSON object in arena; NULL where none are asked for. */
int log_attributes(const struct container_spec *spec, struct arena *arena, const char **ret, struct err *err);

/* Who asked the keeper for something of a container that may be gone when the answer comes. */
struct adoption {
    struct engine *engine;
    char id[ID_SIZE];
};

struct adoption *adoption_new(struct engine *engine, const char *id);

/* --- resolver.c: names of containers, by network */

void resolver_add(struct container *container, const struct container_spec *spec);
void resolver_remove(struct container *container);
void resolver_leave_network(struct engine *engine, struct engine_network *network);
void resolver_free(struct engine *engine);

/* --- endpoints.c */

/* The daemon ends: the container keeps what it has. */
void endpoints_forget(struct container *container);
