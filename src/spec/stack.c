#include "spec/stack.h"

#include "base/str.h"

static const char *const condition_names[] = {"service_started", "service_healthy", "service_completed_successfully",
                                              NULL};
static const char *const pull_policy_names[] = {"missing", "always", "never", "build", NULL};

static const struct field dependency_fields[] = {
    FIELD(struct dependency, service, "service", STRING, .flags = FIELD_REQUIRED),
    FIELD(struct dependency, condition, "condition", ENUM, .names = condition_names),
    FIELD(struct dependency, restart, "restart", BOOL),
    FIELD(struct dependency, optional, "optional", BOOL),
    {0},
};
static const struct fields dependency_table = {"dependency", sizeof(struct dependency), dependency_fields};

static const struct field file_grant_fields[] = {
    FIELD(struct file_grant, source, "source", STRING, .flags = FIELD_REQUIRED),
    FIELD(struct file_grant, target, "target", STRING, .flags = FIELD_REQUIRED),
    FIELD(struct file_grant, uid, "uid", STRING),
    FIELD(struct file_grant, gid, "gid", STRING),
    FIELD(struct file_grant, mode, "mode", INT),
    FIELD(struct file_grant, secret, "secret", BOOL),
    {0},
};
static const struct fields file_grant_table = {"file", sizeof(struct file_grant), file_grant_fields};

static const struct field service_hook_fields[] = {
    FIELD(struct service_hook, command, "command", STRINGS, .flags = FIELD_REQUIRED),
    FIELD(struct service_hook, user, "user", STRING),
    FIELD(struct service_hook, working_dir, "working_dir", STRING),
    FIELD(struct service_hook, privileged, "privileged", BOOL),
    FIELD(struct service_hook, env, "env", STRINGS),
    {0},
};
static const struct fields service_hook_table = {"hook", sizeof(struct service_hook), service_hook_fields};

static const struct field update_policy_fields[] = {
    FIELD(struct update_policy, parallelism, "parallelism", INT),
    FIELD(struct update_policy, delay_ns, "delay_ns", I64),
    FIELD(struct update_policy, monitor_ns, "monitor_ns", I64),
    FIELD(struct update_policy, failure_action, "failure_action", STRING),
    FIELD(struct update_policy, order, "order", STRING),
    FIELD(struct update_policy, max_failure_ratio, "max_failure_ratio", DOUBLE),
    {0},
};
static const struct fields update_policy_table = {"update policy", sizeof(struct update_policy), update_policy_fields};

static const struct field service_spec_fields[] = {
    FIELD(struct service_spec, name, "name", STRING, .flags = FIELD_REQUIRED),
    FIELD(struct service_spec, container, "container", OBJECT, .of = &container_spec_table, .flags = FIELD_REQUIRED),
    FIELD(struct service_spec, container_name, "container_name", STRING),
    FIELD(struct service_spec, replicas, "replicas", INT, .flags = FIELD_ALWAYS),
    FIELD(struct service_spec, global, "global", BOOL),
    FIELD(struct service_spec, pull_policy, "pull_policy", ENUM, .names = pull_policy_names),
    FIELD(struct service_spec, build, "build", BOOL),
    FIELD(struct service_spec, attach_logs, "attach_logs", BOOL),
    FIELD(struct service_spec, stop_grace_ns, "stop_grace_ns", I64),
    FIELD(struct service_spec, depends_on, "depends_on", LIST, .of = &dependency_table),
    FIELD(struct service_spec, links, "links", STRINGS),
    FIELD(struct service_spec, volumes_from, "volumes_from", STRINGS),
    FIELD(struct service_spec, network_of, "network_of", STRING),
    FIELD(struct service_spec, ipc_of, "ipc_of", STRING),
    FIELD(struct service_spec, pid_of, "pid_of", STRING),
    FIELD(struct service_spec, files, "files", LIST, .of = &file_grant_table),
    FIELD(struct service_spec, post_start, "post_start", LIST, .of = &service_hook_table),
    FIELD(struct service_spec, pre_stop, "pre_stop", LIST, .of = &service_hook_table),
    FIELD(struct service_spec, deploy_labels, "deploy_labels", PAIRS),
    FIELD(struct service_spec, update, "update", POINTER, .of = &update_policy_table),
    FIELD(struct service_spec, restart_window_ns, "restart_window_ns", I64),
    FIELD(struct service_spec, restart_delay_ns, "restart_delay_ns", I64),
    {0},
};
const struct fields service_spec_table = {"service", sizeof(struct service_spec), service_spec_fields};

static const struct field stack_network_fields[] = {
    FIELD(struct stack_network, key, "key", STRING, .flags = FIELD_REQUIRED),
    FIELD(struct stack_network, external, "external", BOOL),
    FIELD(struct stack_network, network, "network", OBJECT, .of = &network_spec_table),
    {0},
};
static const struct fields stack_network_table = {"network", sizeof(struct stack_network), stack_network_fields};

static const struct field stack_volume_fields[] = {
    FIELD(struct stack_volume, key, "key", STRING, .flags = FIELD_REQUIRED),
    FIELD(struct stack_volume, external, "external", BOOL),
    FIELD(struct stack_volume, volume, "volume", OBJECT, .of = &volume_spec_table),
    {0},
};
static const struct fields stack_volume_table = {"volume", sizeof(struct stack_volume), stack_volume_fields};

static const struct field stack_file_fields[] = {
    FIELD(struct stack_file, key, "key", STRING, .flags = FIELD_REQUIRED),
    FIELD(struct stack_file, external, "external", BOOL),
    FIELD(struct stack_file, name, "name", STRING),
    FIELD(struct stack_file, content, "content", STRING),
    {0},
};
static const struct fields stack_file_table = {"file", sizeof(struct stack_file), stack_file_fields};

static const struct field stack_spec_fields[] = {
    FIELD(struct stack_spec, name, "name", STRING, .flags = FIELD_REQUIRED),
    FIELD(struct stack_spec, working_dir, "working_dir", STRING),
    FIELD(struct stack_spec, config_files, "config_files", STRINGS),
    FIELD(struct stack_spec, services, "services", LIST, .of = &service_spec_table, .flags = FIELD_ALWAYS),
    FIELD(struct stack_spec, networks, "networks", LIST, .of = &stack_network_table),
    FIELD(struct stack_spec, volumes, "volumes", LIST, .of = &stack_volume_table),
    FIELD(struct stack_spec, configs, "configs", LIST, .of = &stack_file_table),
    FIELD(struct stack_spec, secrets, "secrets", LIST, .of = &stack_file_table),
    {0},
};
const struct fields stack_spec_table = {"stack", sizeof(struct stack_spec), stack_spec_fields};

struct service_spec *stack_service(const struct stack_spec *stack, const char *name)
{
    vec_foreach (service, &stack->services)
        if (str_eq(service->name, name))
            return service;
    return NULL;
}

const struct stack_file *stack_granted_file(const struct stack_spec *stack, const struct file_grant *grant)
{
    const struct stack_file *files = grant->secret ? stack->secrets.items : stack->configs.items;
    size_t count = grant->secret ? stack->secrets.count : stack->configs.count;
    for (size_t i = 0; i < count; i++)
        if (str_eq(files[i].key, grant->source))
            return &files[i];
    return NULL;
}
