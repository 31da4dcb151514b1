#pragma once
/*
 * The manager: the stacks that are wanted, kept in the database, and the actions that bring the node there. An action
 * is one asked-for change; it asks plan/ what is left to do whenever something changed, takes the steps that need not
 * wait, and is over when none is left, or when it cannot go on:
 *
 *     running ──► done | failed | cancelled
 *
 * One action at a time works on a stack: a newer one cancels what the older has not begun. Actions that were running
 * when the daemon ended go on with the next one.
 */
#include "base/cleanup.h"
#include "base/id.h"
#include "base/list.h"
#include "engine/engine.h"
#include "plan/plan.h"

struct manager;

struct manager *manager_new(struct engine *engine, struct err *err);
/* The engine is in order: actions that were under way go on. */
void manager_start(struct manager *manager);
void manager_free(struct manager *manager);
DEFINE_CLEANUP(struct manager *, manager_free);

/* --- Stacks --------------------------------------------------------------------------------------------------------
 */

struct stack {
    struct stack_spec spec;
    struct action *action; /* the last one; NULL where none is remembered */
    struct arena arena;
    struct list link; /* the manager's */
};

/* ERR_NOT_FOUND "no such stack: x". */
struct stack *manager_find_stack(struct manager *manager, const char *name, struct err *err);
/* Walks all of them; NULL starts and ends. */
struct stack *manager_next_stack(struct manager *manager, struct stack *after);

struct service_counts {
    int wanted, running, healthy;
};
/* Of each service, in the order of the stack's. In arena. */
struct service_counts *manager_count_services(struct manager *manager, const struct stack *stack, struct arena *arena);

/* --- Actions -------------------------------------------------------------------------------------------------------
 */

enum action_kind { ACTION_UP, ACTION_DOWN, ACTION_START, ACTION_STOP, ACTION_RESTART, ACTION_SCALE };
enum action_status { ACTION_RUNNING, ACTION_DONE, ACTION_FAILED, ACTION_CANCELLED };

struct scale {
    char *service;
    int replicas;
};

/* How it is to be done. JSON names are those of docs/API.md, "Stacks". */
struct action_options {
    struct strings services;
    bool no_deps, no_start, force_recreate, no_recreate, remove_orphans, volumes, wait;
    VEC(struct scale) scale; /* numbers of replicas, for the spec from now on */
    char *pull;              /* "missing", "always", "never"; NULL: as the services say */
    struct opt_i64 timeout;  /* seconds */
};
extern const struct fields action_options_table;
extern const struct fields scale_table; /* {"web": 5} */

struct action {
    char id[ID_SIZE];
    char *stack;
    int kind, status; /* enum action_kind, enum action_status */
    int64_t created_ns, ended_ns;
    char *error; /* "" while there is none */
    struct action_private *private;
};

const char *action_kind_name(int kind);
const char *action_status_name(int status);

/* Keeps the spec and starts an up action. ERR_INVALID where it cannot be carried out at all. */
int manager_up(struct manager *manager, const struct stack_spec *spec, const struct action_options *options,
               struct action **ret, struct err *err);
/* What manager_up() would do. In arena. */
int manager_plan(struct manager *manager, const struct stack_spec *spec, const struct action_options *options,
                 struct arena *arena, struct plan *ret, struct err *err);
/* down, start, stop, restart of a stack that is known. */
int manager_act(struct manager *manager, const char *stack, enum action_kind kind, const struct action_options *options,
                struct action **ret, struct err *err);

/* What the options' scale says is kept in the stack's spec; then as manager_up(). */
int manager_scale(struct manager *manager, const char *stack, const struct action_options *options, struct action **ret,
                  struct err *err);

/* A container beside the replicas of a service, from its definition: `shoal run`. The stack need not be a known one. */
struct oneoff {
    const struct stack_spec *stack;
    const char *service, *name;
    const struct container_spec *container; /* the service's, with what was asked for otherwise */
};
/*
 * Makes the stack's networks and volumes that it needs and are not there, its configs and secrets, then the container:
 * as container_create() does, which starts nothing.
 */
int manager_create_oneoff(struct manager *manager, const struct oneoff *oneoff, struct container **ret,
                          struct arena *arena, struct strings *warnings, struct err *err);

struct action *manager_find_action(struct manager *manager, const char *id, struct err *err);
struct action *manager_next_action(struct manager *manager, struct action *after); /* the newest first */
int action_cancel(struct action *action, struct err *err);

/* Events of an action, as JSON lines without their end (docs/API.md, "Actions"). */
struct action_listener {
    void (*happened)(struct action_listener *listener, const char *line, bool last);
    struct list link;
};
/* Replays what happened, then tells what happens. After the line that is the last nothing follows. */
void action_listen(struct action *action, struct action_listener *listener);
void action_unlisten(struct action_listener *listener);
