#pragma once
/* What the commands for stacks share: the project of the command line as a stack, its name, and its containers. */
#include "cli/daemon.h"
#include "cli/project.h"
#include "spec/stack.h"

/* A project that was loaded, and the stack it makes. */
struct loaded {
    struct compose_options options;
    struct env env;
    struct compose_project project;
    struct stack_spec spec;
};

/*
 * Loads the project: all services that the profiles enable, so that the daemon never takes those for gone that are not
 * meant now. The services that are named must exist; naming one enables its profiles. What the files ask for and `up`
 * does not do is told, one warning each; strict: it is an error.
 */
int stack_load(struct cli *cli, char **services, bool strict, struct loaded *ret, struct err *err);
void loaded_done(struct loaded *loaded);

/* The name of the stack alone: -p, $COMPOSE_PROJECT_NAME, or what the files say. Nothing but the name needs to be
 * right. */
int stack_name(struct cli *cli, const char **ret, struct err *err);

/* Puts key: {"web": 5, …} of "web=5" texts into an object that is open. */
int stack_put_scale(struct arena *arena, const struct strings *texts, const char *key, struct json_out *out,
                    struct err *err);

/* --- Its containers, as the Docker Engine API lists them */

#define STACK_LABEL_PROJECT "com.docker.compose.project"
#define STACK_LABEL_SERVICE "com.docker.compose.service"
#define STACK_LABEL_NUMBER  "com.docker.compose.container-number"
#define STACK_LABEL_ONEOFF  "com.docker.compose.oneoff"

struct stack_query {
    bool all;        /* those that do not run, too */
    bool oneoff;     /* those of `run`, too */
    char **services; /* NULL-terminated, or NULL; an empty list: all */
};

struct stack_list {
    json_value *json;                   /* owned */
    VEC(const json_value *) containers; /* in it; sorted by service and number */
};

int stack_containers(const struct daemon *daemon, const char *stack, const struct stack_query *query,
                     struct stack_list *ret, struct err *err);
void stack_list_done(struct stack_list *list);

const char *stack_label(const json_value *container, const char *label);
/* Its name without the slash; in arena. */
const char *stack_container_name(struct arena *arena, const json_value *container);
/* "web-1": what stands before its log lines; in arena. */
const char *stack_replica_label(struct arena *arena, const json_value *container);
