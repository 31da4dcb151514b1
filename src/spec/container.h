#pragma once
/*
 * A container as it is asked for: the create request of the Docker Engine API (v1.43 … v1.51,
 * POST /containers/create), which is also what a service's replicas are made from and what the database keeps.
 * JSON names and units are Docker's. Plain data: strings live in the arena it was read into.
 */
#include "codec/fields.h"

/* HostConfig.PortBindings["80/tcp"][i]. An empty host_port asks for any free port. */
struct port_binding {
    char *host_ip;
    char *host_port; /* "8080", or a range "8080-8090" of which one is taken */
};

struct port_bindings {
    char *port; /* "80/tcp" */
    VEC(struct port_binding) list;
};

struct health_check {
    struct strings test; /* ["NONE"], ["CMD", …], ["CMD-SHELL", "…"]; empty: inherit the image's */
    int64_t interval_ns, timeout_ns, start_period_ns, start_interval_ns; /* 0: inherit, then Docker's defaults */
    int retries;
};

struct log_config {
    char *type; /* "json-file", "none", "local"; NULL: the daemon's default */
    struct pairs options;
};

struct restart_policy {
    char *name; /* "", "no", "always", "unless-stopped", "on-failure" */
    int maximum_retry_count;
};

struct device_mapping {
    char *path_on_host, *path_in_container, *cgroup_permissions;
};

struct device_request {
    char *driver;
    int count;
    struct strings device_ids;
    VEC(struct strings_holder { struct strings list; }) capabilities;
    struct pairs options;
};

struct ulimit {
    char *name;
    int64_t soft, hard;
};

struct weight_device {
    char *path;
    int weight;
};

struct throttle_device {
    char *path;
    int64_t rate;
};

struct mount_spec {
    char *type; /* bind, volume, tmpfs, image; npipe and cluster are refused */
    char *source, *target;
    bool read_only;
    char *consistency;
    struct bind_options {
        char *propagation;
        bool non_recursive, create_mountpoint, read_only_non_recursive, read_only_force_recursive;
    } * bind;
    struct volume_options {
        bool no_copy;
        struct pairs labels;
        struct driver_config {
            char *name;
            struct pairs options;
        } * driver;
        char *subpath;
    } * volume;
    struct image_mount_options {
        char *subpath;
    } * image;
    struct tmpfs_options {
        int64_t size_bytes;
        int mode;
    } * tmpfs;
};

/* NetworkingConfig.EndpointsConfig[name]: how a container hangs on one network. */
struct endpoint_spec {
    char *network;
    struct endpoint_ipam {
        char *ipv4_address, *ipv6_address;
        struct strings link_local_ips;
    } * ipam;
    struct strings links, aliases;
    char *mac_address;
    struct pairs driver_options;
    int gateway_priority;
    /* Answers of inspect that clients send back; read and not honoured by meaning, as in Docker. */
    char *network_id, *endpoint_id, *gateway, *ip_address, *ipv6_gateway, *global_ipv6_address;
    int ip_prefix_len, global_ipv6_prefix_len;
    struct strings dns_names;
};

struct host_config {
    struct strings binds; /* "source:target[:options]" */
    char *container_id_file;
    struct log_config log;
    char *network_mode; /* "", default, bridge, host, none, container:ID, or a network's name */
    VEC(struct port_bindings) port_bindings;
    struct restart_policy restart;
    bool auto_remove, privileged, publish_all_ports, readonly_rootfs;
    char *volume_driver;
    struct strings volumes_from;                            /* "container[:ro|rw]" */
    VEC(struct console_extent { int cells; }) console_size; /* height, width: what the client's terminal had */
    struct pairs annotations, storage_options, tmpfs, sysctls;
    struct strings cap_add, cap_drop, dns, dns_options, dns_search, extra_hosts, group_add, links, security_options;
    char *cgroupns_mode, *ipc_mode, *pid_mode, *uts_mode, *userns_mode, *cgroup, *runtime, *isolation;
    int oom_score_adj;
    int64_t shm_size;

    /* Resources. Bytes, and billionths of a CPU. 0: no limit. */
    int64_t cpu_shares, memory, nano_cpus, cpu_period, cpu_quota, cpu_realtime_period, cpu_realtime_runtime;
    int64_t memory_reservation, memory_swap, kernel_memory, kernel_memory_tcp, cpu_count, cpu_percent, io_maximum_iops,
        io_maximum_bandwidth;
    struct opt_i64 memory_swappiness, pids_limit;
    struct opt_bool oom_kill_disable, init;
    char *cgroup_parent, *cpuset_cpus, *cpuset_mems;
    int blkio_weight;
    VEC(struct weight_device) blkio_weight_device;
    VEC(struct throttle_device)
    blkio_device_read_bps, blkio_device_write_bps, blkio_device_read_iops, blkio_device_write_iops;
    VEC(struct device_mapping) devices;
    struct strings device_cgroup_rules;
    VEC(struct device_request) device_requests;
    VEC(struct ulimit) ulimits;

    VEC(struct mount_spec) mounts;
    struct strings masked_paths, readonly_paths; /* items NULL: the default list; empty: none */
};

struct networking_config {
    VEC(struct endpoint_spec) endpoints;
};

struct container_spec {
    char *hostname, *domainname, *user, *image, *working_dir, *mac_address, *stop_signal;
    bool attach_stdin, attach_stdout, attach_stderr, tty, open_stdin, stdin_once, args_escaped, network_disabled;
    struct strings env;             /* "KEY=value"; "KEY" alone removes the image's */
    struct strings cmd, entrypoint; /* items NULL: the image's */
    struct strings exposed_ports, volumes, on_build, shell;
    struct health_check *health_check;
    struct pairs labels;
    struct opt_i64 stop_timeout; /* seconds */
    struct host_config host;
    struct networking_config networking;
};

extern const struct fields container_spec_table; /* Config, with HostConfig and NetworkingConfig inside */
extern const struct fields host_config_table;
extern const struct fields health_check_table;
extern const struct fields endpoint_spec_table;
