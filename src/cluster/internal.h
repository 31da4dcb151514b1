#pragma once
/* What the files of cluster/ share. */
#include "base/map.h"
#include "cluster/manager.h"
#include "engine/container.h"
#include "engine/events.h"
#include "engine/network.h"
#include "engine/volume.h"
#include "image/image.h"

#define ACTIONS_REMEMBERED 200
#define STEPS_AT_ONCE      64
#define ACTION_EVENTS_MAX  20000 /* lines that are replayed; progress lines are not kept */

struct manager {
    struct engine *engine;
    struct db *db;
    struct loop *loop;
    struct map stacks; /* name → struct stack; owned */
    struct list stack_list;
    struct list actions; /* struct action_private, the newest first; owned */
    size_t action_count;
    struct event_listener events;
};

/* A step that was begun and has not ended. */
struct running_step {
    struct action_private *action;
    enum step_kind kind;
    char *name, *service;
    struct image_job *pull;
    struct list link;
};

struct action_private {
    struct action action;
    struct manager *manager;
    struct action_options options;
    struct arena arena; /* of options, and of all that is remembered for its life */
    struct list link;   /* in manager->actions */
    struct list listeners;
    VEC(char *) events; /* lines; owned */
    struct list steps;  /* struct running_step */
    size_t running;
    struct map made, tried; /* container names: made, started by this action → itself */
    struct map failures;    /* container or image names → why (in arena) */
    struct map pulled;      /* image references */
    struct deferred again;  /* looks at the plan again, once in a turn */
    char *waiting;          /* the last thing that was said to be waited for; owned */
    bool stopped_first;     /* a restart: its stops are over */
};

/* --- store.c */

int store_open(struct manager *manager, struct err *err);
void store_done(struct manager *manager);
/* Keeps a copy of the spec under its name. */
struct stack *store_put_stack(struct manager *manager, const struct stack_spec *spec, struct err *err);
int store_drop_stack(struct manager *manager, const char *name, struct err *err);
int store_put_action(struct action_private *action, struct err *err);
struct action_private *store_new_action(struct manager *manager, const char *stack, enum action_kind kind,
                                        const struct action_options *options);

/* --- check.c */

/* ERR_INVALID or ERR_LIMIT says what is wrong. */
int stack_check(const struct stack_spec *stack, struct err *err);
int stack_check_name(const char *name, struct err *err);

/* --- observe.c */

/* What is there of a stack, seen with what the action knows (NULL: nothing). In arena. */
struct observed observe(struct manager *manager, const char *stack_name, const struct stack_spec *spec,
                        struct action_private *action, struct arena *arena);

/* --- action.c */

void action_begin(struct action_private *action);
/* Something changed: it looks again at the end of the turn. */
void action_wake(struct action_private *action);
void action_end(struct action_private *action, enum action_status status, const char *error);
void action_free(struct action_private *action);
struct plan_options plan_options_of(const struct action_options *options);

/* --- tell.c */

void tell_step(struct action_private *action, const struct step *step, const char *status, const char *error);
void tell_progress(struct action_private *action, const char *image, const struct image_progress *progress);
void tell_warning(struct action_private *action, const char *text);
void tell_end(struct action_private *action);

/* --- steps.c */

/* Takes one step; its end wakes the action. */
void step_take(struct action_private *action, const struct stack_spec *spec, const struct step *step);
bool step_is_running(const struct action_private *action, enum step_kind kind, const char *name);
void steps_cancel(struct action_private *action);

/* --- files.c */

/* Writes the configs and secrets of a service below DATA/stacks/ and adds their mounts to a replica's spec. */
int files_grant(struct manager *manager, const struct stack_spec *stack, const struct service_spec *service,
                struct container_spec *spec, struct arena *arena, struct err *err);
void files_remove(struct manager *manager, const char *stack);
