#pragma once
/* The options of `shoal container run`, docker's names and meanings, and the create request that they make. */
#include "cli/cli.h"
#include "spec/container.h"

struct container_options {
    /* How it is run. */
    bool detach, interactive, tty, remove, json, quiet;
    const char *name, *detach_keys, *pull, *platform;
    /* What is run. */
    const char *user, *workdir, *entrypoint, *hostname, *domainname, *stop_signal, *stop_timeout;
    struct strings env, env_files, labels, volumes, mounts_tmpfs, publish, expose;
    /* Where. */
    const char *network, *ip, *mac_address;
    struct strings network_aliases, dns, dns_search, add_hosts;
    /* How far. */
    const char *restart, *runtime, *log_driver, *memory, *cpus, *shm_size, *ipc, *pid, *uts, *userns, *cgroupns;
    struct strings log_options, cap_add, cap_drop, security, sysctls, ulimits, devices, group_add;
    const char *pids_limit, *oom_score_adj;
    bool privileged, read_only, init, publish_all;
};

extern const struct cli_option container_option_table[];

/* image and command as given; command is NULL-terminated. Everything lives in arena. */
int container_options_spec(const struct container_options *options, const char *image, char **command,
                           struct arena *arena, struct container_spec *ret, struct err *err);

/* One -p: [IP:][HOST[-HOST]:]PORT[-PORT][/tcp|udp], added to spec. */
int container_option_publish(struct arena *arena, const char *text, struct container_spec *spec, struct err *err);
