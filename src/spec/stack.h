#pragma once
/*
 * A stack: services deployed from one compose file, in the form that the daemon keeps as desired state. compose/ makes
 * it from the files; plan/ compares it with what runs. It needs nothing of the client any more: paths are absolute,
 * variables replaced, the contents of configs and secrets inside.
 */
#include "spec/container.h"
#include "spec/network.h"
#include "spec/volume.h"

enum depends_condition { DEPENDS_STARTED, DEPENDS_HEALTHY, DEPENDS_COMPLETED };

struct dependency {
    char *service;
    int condition; /* enum depends_condition */
    bool restart;  /* restart this service when the other one is recreated */
    bool optional; /* compose's required: false */
};

enum pull_policy { PULL_MISSING, PULL_ALWAYS, PULL_NEVER, PULL_BUILD };

/* A file that a service is given: a config, a secret. */
struct file_grant {
    char *source; /* the key in the stack's configs or secrets */
    char *target; /* the path in the container */
    char *uid, *gid;
    int mode; /* permission bits */
    bool secret;
};

struct service_hook {
    struct strings command;
    char *user, *working_dir;
    bool privileged;
    struct strings env;
};

/* deploy.update_config and rollback_config; kept for the planner. */
struct update_policy {
    int parallelism; /* 0: all at once */
    int64_t delay_ns, monitor_ns;
    char *failure_action, *order;
    double max_failure_ratio;
};

struct service_spec {
    char *name;
    struct container_spec container; /* a replica's, but for its name, and its labels of number and hash */
    char *container_name;            /* NULL: stack-service-N */
    int replicas;
    bool global;      /* deploy.mode: global */
    int pull_policy;  /* enum pull_policy */
    bool build;       /* has a build section: an image of that name must be there */
    bool attach_logs; /* compose's attach: */
    int64_t stop_grace_ns;
    VEC(struct dependency) depends_on;
    struct strings links;               /* "service[:alias]" */
    struct strings volumes_from;        /* "service[:ro]" or "container:name[:ro]" */
    char *network_of, *ipc_of, *pid_of; /* the service whose namespace is shared (network_mode: service:x) */
    VEC(struct file_grant) files;
    VEC(struct service_hook) post_start, pre_stop;
    struct pairs deploy_labels;
    struct update_policy *update;
    int64_t restart_window_ns, restart_delay_ns;
};

struct stack_network {
    char *key; /* the name in the file */
    bool external;
    struct network_spec network; /* its name is the real one: services name it by that */
};

struct stack_volume {
    char *key;
    bool external;
    struct volume_spec volume;
};

struct stack_file {
    char *key;
    bool external;
    char *name;    /* the real name */
    char *content; /* base64; NULL where external */
};

struct stack_spec {
    char *name;
    char *working_dir;           /* of the project, for labels */
    struct strings config_files; /* the compose files, for labels */
    VEC(struct service_spec) services;
    VEC(struct stack_network) networks;
    VEC(struct stack_volume) volumes;
    VEC(struct stack_file) configs, secrets;
};

extern const struct fields service_spec_table;
extern const struct fields stack_spec_table;

/* The service of that name, or NULL. */
struct service_spec *stack_service(const struct stack_spec *stack, const char *name);

/* The config or secret that a grant names, or NULL. */
const struct stack_file *stack_granted_file(const struct stack_spec *stack, const struct file_grant *grant);
