#include "cli/container_options.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/str.h"
#include "codec/units.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define O struct container_options

const struct cli_option container_option_table[] = {
    CLI_OPTION(O, detach, "detach", 'd', FLAG, .help = "Run it in the background, print its ID"),
    CLI_OPTION(O, interactive, "interactive", 'i', FLAG, .help = "Pass standard input on"),
    CLI_OPTION(O, tty, "tty", 't', FLAG, .help = "Give it a terminal"),
    CLI_OPTION(O, remove, "rm", 0, FLAG, .help = "Remove it when it has ended"),
    CLI_OPTION(O, name, "name", 0, TEXT, "NAME", "Its name"),
    CLI_OPTION(O, env, "env", 'e', TEXTS, "KEY[=VALUE]", "A variable; without a value, ours of that name"),
    CLI_OPTION(O, env_files, "env-file", 0, TEXTS, "FILE", "A file of variables"),
    CLI_OPTION(O, volumes, "volume", 'v', TEXTS, "[SOURCE:]TARGET[:OPTIONS]", "A volume, or a folder of the host"),
    CLI_OPTION(O, mounts_tmpfs, "tmpfs", 0, TEXTS, "TARGET[:OPTIONS]", "A file system in memory"),
    CLI_OPTION(O, publish, "publish", 'p', TEXTS, "[[IP:]HOST:]PORT[/PROTOCOL]", "A port, at one of the host's"),
    CLI_OPTION(O, publish_all, "publish-all", 'P', FLAG, .help = "All exposed ports, at free ones of the host"),
    CLI_OPTION(O, expose, "expose", 0, TEXTS, "PORT[/PROTOCOL]", "A port that it serves"),
    CLI_OPTION(O, user, "user", 'u', TEXT, "USER[:GROUP]", "Who it runs as"),
    CLI_OPTION(O, workdir, "workdir", 'w', TEXT, "DIR", "Where it runs"),
    CLI_OPTION(O, entrypoint, "entrypoint", 0, TEXT, "PROGRAM", "Instead of the image's"),
    CLI_OPTION(O, hostname, "hostname", 0, TEXT, "NAME", "The name of its host"),
    CLI_OPTION(O, domainname, "domainname", 0, TEXT, "NAME", "The domain of its host"),
    CLI_OPTION(O, labels, "label", 'l', TEXTS, "KEY[=VALUE]", "A label"),
    CLI_OPTION(O, network, "network", 0, TEXT, "NETWORK", "bridge, host, none, container:NAME, or a network's name"),
    CLI_OPTION(O, network_aliases, "network-alias", 0, TEXTS, "NAME", "A name that it has on its network"),
    CLI_OPTION(O, ip, "ip", 0, TEXT, "ADDRESS", "Its IPv4 address"),
    CLI_OPTION(O, mac_address, "mac-address", 0, TEXT, "ADDRESS", "Its MAC address"),
    CLI_OPTION(O, dns, "dns", 0, TEXTS, "ADDRESS", "A DNS server"),
    CLI_OPTION(O, dns_search, "dns-search", 0, TEXTS, "DOMAIN", "A domain that names are looked up in"),
    CLI_OPTION(O, add_hosts, "add-host", 0, TEXTS, "NAME:ADDRESS", "A line for its /etc/hosts"),
    CLI_OPTION(O, restart, "restart", 0, TEXT, "POLICY", "no, always, unless-stopped, on-failure[:TIMES]"),
    CLI_OPTION(O, stop_signal, "stop-signal", 0, TEXT, "SIGNAL", "What asks it to end"),
    CLI_OPTION(O, stop_timeout, "stop-timeout", 0, TEXT, "SECONDS", "How long that may take"),
    CLI_OPTION(O, memory, "memory", 'm', TEXT, "SIZE", "Memory that it may use, as in 512m"),
    CLI_OPTION(O, cpus, "cpus", 0, TEXT, "NUMBER", "CPUs that it may use, as in 1.5"),
    CLI_OPTION(O, pids_limit, "pids-limit", 0, TEXT, "NUMBER", "Processes that it may have"),
    CLI_OPTION(O, shm_size, "shm-size", 0, TEXT, "SIZE", "The size of /dev/shm"),
    CLI_OPTION(O, ulimits, "ulimit", 0, TEXTS, "NAME=SOFT[:HARD]", "A limit of setrlimit(2)"),
    CLI_OPTION(O, read_only, "read-only", 0, FLAG, .help = "Its root file system cannot be written"),
    CLI_OPTION(O, init, "init", 0, FLAG, .help = "An init that forwards signals and reaps"),
    CLI_OPTION(O, privileged, "privileged", 0, FLAG, .help = "All capabilities and devices, nothing masked"),
    CLI_OPTION(O, cap_add, "cap-add", 0, TEXTS, "CAPABILITY", "A capability more"),
    CLI_OPTION(O, cap_drop, "cap-drop", 0, TEXTS, "CAPABILITY", "A capability less"),
    CLI_OPTION(O, security, "security-opt", 0, TEXTS, "OPTION", "no-new-privileges, seccomp=FILE …"),
    CLI_OPTION(O, sysctls, "sysctl", 0, TEXTS, "KEY=VALUE", "A kernel parameter of its namespaces"),
    CLI_OPTION(O, devices, "device", 0, TEXTS, "HOST[:TARGET[:rwm]]", "A device of the host"),
    CLI_OPTION(O, group_add, "group-add", 0, TEXTS, "GROUP", "A group more"),
    CLI_OPTION(O, ipc, "ipc", 0, TEXT, "MODE", "private, shareable, host, none, container:NAME"),
    CLI_OPTION(O, pid, "pid", 0, TEXT, "MODE", "host, container:NAME"),
    CLI_OPTION(O, uts, "uts", 0, TEXT, "MODE", "host"),
    CLI_OPTION(O, userns, "userns", 0, TEXT, "MODE", "host"),
    CLI_OPTION(O, cgroupns, "cgroupns", 0, TEXT, "MODE", "host, private"),
    CLI_OPTION(O, oom_score_adj, "oom-score-adj", 0, TEXT, "NUMBER", "-1000 (spared by the kernel) to 1000"),
    CLI_OPTION(O, runtime, "runtime", 0, TEXT, "NAME", "lean: the lightest isolation"),
    CLI_OPTION(O, log_driver, "log-driver", 0, TEXT, "NAME", "json-file (the default), none"),
    CLI_OPTION(O, log_options, "log-opt", 0, TEXTS, "KEY=VALUE", "max-size=10m, max-file=3 …"),
    CLI_OPTION(O, detach_keys, "detach-keys", 0, TEXT, "KEYS", "Keys that leave it running: ctrl-p,ctrl-q"),
    CLI_OPTION(O, pull, "pull", 0, TEXT, "WHEN", "missing (the default), always, never"),
    CLI_OPTION(O, platform, "platform", 0, TEXT, "OS/ARCH", "Of the image"),
    CLI_OPTION(O, quiet, "quiet", 0, FLAG, .help = "No progress of a pull"),
    CLI_OPTION(O, json, "json", 0, FLAG, .help = "Print JSON: with --detach the new container's ID"),
    {0},
};

/* --- Options that are short for more */

/* "KEY=VALUE" into pairs; without '=' the value is "" or, where required, an error. */
static int add_pairs(struct arena *arena, const struct strings *from, const char *option, bool required,
                     struct pairs *to, struct err *err)
{
    vec_foreach (text, from) {
        char *copy = arena_strdup(arena, *text), *equals = strchr(copy, '=');
        if (copy == equals || (!equals && required))
            return err_set(err, ERR_INVALID, "--%s %s: expected KEY=VALUE", option, *text);
        if (equals)
            *equals = '\0';
        struct pair pair = {copy, equals ? equals + 1 : arena_strdup(arena, "")};
        vec_push_in(arena, to, pair);
    }
    return 0;
}

static int read_env_file(struct arena *arena, const char *path, struct strings *to, struct err *err)
{
    cleanup_file FILE *file = fopen(path, "re");
    char *line cleanup_free = NULL;
    size_t room = 0;
    if (!file)
        return err_errno(err, errno, "--env-file %s", path);
    while (getline(&line, &room, file) >= 0) {
        char *text = line + strspn(line, " \t");
        text[strcspn(text, "\r\n")] = '\0';
        if (!*text || *text == '#')
            continue;
        if (*text == '=' || strcspn(text, " \t") < strcspn(text, "="))
            return err_set(err, ERR_INVALID, "--env-file %s: '%s': expected KEY=VALUE", path, text);
        vec_push_in(arena, to, arena_strdup(arena, text));
    }
    return 0;
}

/* A variable without a value is ours of that name; where we have none it is none. */
static void add_variable(struct arena *arena, const char *text, struct strings *to)
{
    const char *ours = strchr(text, '=') ? NULL : getenv(text);
    if (strchr(text, '='))
        vec_push_in(arena, to, arena_strdup(arena, text));
    else if (ours)
        vec_push_in(arena, to, arena_printf(arena, "%s=%s", text, ours));
}

static int add_env(const O *o, struct arena *arena, struct container_spec *spec, struct err *err)
{
    struct strings texts = {0};
    vec_foreach (path, &o->env_files)
        if (read_env_file(arena, *path, &texts, err) < 0)
            return -1;
    vec_foreach (text, &o->env)
        vec_push_in(arena, &texts, *text);
    vec_foreach (text, &texts) {
        if (**text == '=')
            return err_set(err, ERR_INVALID, "--env %s: expected KEY=VALUE", *text);
        add_variable(arena, *text, &spec->env);
    }
    return 0;
}

/* "./data:/data:ro": relative folders become absolute; "/data" alone is an anonymous volume. */
static int add_volume(struct arena *arena, char *text, struct container_spec *spec, struct err *err)
{
    char *colon = strchr(text, ':');
    if (!colon) {
        vec_push_in(arena, &spec->volumes, text);
        return 0;
    }
    if (text[0] != '.' && text[0] != '~') {
        vec_push_in(arena, &spec->host.binds, text);
        return 0;
    }
    char resolved[PATH_MAX];
    const char *source = arena_strndup(arena, text, (size_t)(colon - text));
    if (!realpath(source, resolved))
        return err_errno(err, errno, "--volume %s: %s", text, source);
    vec_push_in(arena, &spec->host.binds, arena_printf(arena, "%s%s", resolved, colon));
    return 0;
}

/* "8000-8003": the first and the last. */
static bool parse_range(const char *text, int *first, int *last)
{
    char copy[16];
    if (strlen(text) >= sizeof(copy))
        return false;
    memcpy(copy, text, strlen(text) + 1);
    char *rest = copy;
    const char *low = str_split(&rest, '-'), *high = str_split(&rest, '-');
    if (rest || !str_to_int(low, 1, 65535, first))
        return false;
    *last = *first;
    return !high || (str_to_int(high, 1, 65535, last) && *last >= *first);
}

static struct port_bindings *bindings_of(struct arena *arena, const char *port, struct container_spec *spec)
{
    vec_foreach (known, &spec->host.port_bindings)
        if (str_eq(known->port, port))
            return known;
    struct port_bindings bindings = {.port = arena_strdup(arena, port)};
    vec_push_in(arena, &spec->host.port_bindings, bindings);
    vec_push_in(arena, &spec->exposed_ports, bindings.port);
    return &spec->host.port_bindings.items[spec->host.port_bindings.count - 1];
}

static int publish_range(struct arena *arena, const char *ip, const char *host, const char *ports, const char *protocol,
                         struct container_spec *spec)
{
    int first, last, host_first = 0, host_last = 0;
    if (!parse_range(ports, &first, &last) || (!str_empty(host) && !parse_range(host, &host_first, &host_last)))
        return -1;
    bool one_of_many = first == last && host_last > host_first;
    if (!str_empty(host) && !one_of_many && host_last - host_first != last - first)
        return -1;
    for (int port = first; port <= last; port++) {
        struct port_bindings *to = bindings_of(arena, arena_printf(arena, "%d/%s", port, protocol), spec);
        struct port_binding binding = {.host_ip = arena_strdup(arena, ip), .host_port = arena_strdup(arena, "")};
        if (one_of_many)
            binding.host_port = arena_strdup(arena, host);
        else if (!str_empty(host))
            binding.host_port = arena_printf(arena, "%d", host_first + port - first);
        vec_push_in(arena, &to->list, binding);
    }
    return 0;
}

static bool is_address(const char *text)
{
    struct in6_addr address;
    return inet_pton(AF_INET, text, &address) == 1 || inet_pton(AF_INET6, text, &address) == 1;
}

int container_option_publish(struct arena *arena, const char *text, struct container_spec *spec, struct err *err)
{
    char *copy = arena_strdup(arena, text), *slash = strchr(copy, '/');
    const char *protocol = slash ? slash + 1 : "tcp", *ip = "", *host = "";
    if (slash)
        *slash = '\0';
    char *ports = strrchr(copy, ':');
    if (ports) {
        *ports++ = '\0';
        char *last = copy[0] == '[' && copy[strlen(copy) - 1] == ']' ? NULL : strrchr(copy, ':');
        host = last ? last + 1 : str_starts(copy, "[") ? "" : copy;
        if (last)
            *last = '\0';
        ip = last || str_starts(copy, "[") ? copy : "";
        if (ip[0] == '[' && ip[strlen(ip) - 1] == ']')
            ip = arena_strndup(arena, ip + 1, strlen(ip) - 2);
    }
    bool known = str_in(protocol, (const char *const[]){"tcp", "udp", "sctp", NULL}) && (!*ip || is_address(ip));
    if (!known || publish_range(arena, ip, host, ports ? ports : copy, protocol, spec) < 0)
        return err_set(err, ERR_INVALID, "--publish %s: expected [[IP:]HOST:]PORT[/tcp|udp], as in 8080:80", text);
    return 0;
}

static void add_expose(struct arena *arena, const struct strings *ports, struct container_spec *spec)
{
    vec_foreach (port, ports)
        vec_push_in(arena, &spec->exposed_ports, strchr(*port, '/') ? *port : arena_printf(arena, "%s/tcp", *port));
}

static int add_ulimit(struct arena *arena, const char *text, struct container_spec *spec, struct err *err)
{
    char *rest = arena_strdup(arena, text);
    struct ulimit limit = {.name = str_split(&rest, '=')};
    const char *soft = rest ? str_split(&rest, ':') : NULL;
    if (!soft || !str_to_i64(soft, &limit.soft) || !str_to_i64(rest ? rest : soft, &limit.hard))
        return err_set(err, ERR_INVALID, "--ulimit %s: expected NAME=SOFT[:HARD], as in nofile=1024:4096", text);
    vec_push_in(arena, &spec->host.ulimits, limit);
    return 0;
}

static void add_device(struct arena *arena, const char *text, struct container_spec *spec)
{
    char *rest = arena_strdup(arena, text);
    struct device_mapping device = {.path_on_host = str_split(&rest, ':')};
    char *second = rest ? str_split(&rest, ':') : NULL;
    device.path_in_container = second && second[0] == '/' ? second : device.path_on_host;
    device.cgroup_permissions = rest ? rest : second && second[0] != '/' ? second : arena_strdup(arena, "rwm");
    vec_push_in(arena, &spec->host.devices, device);
}

static int set_restart(struct arena *arena, const char *text, struct restart_policy *policy, struct err *err)
{
    char *rest = arena_strdup(arena, text);
    policy->name = str_split(&rest, ':');
    bool times =
        rest && str_eq(policy->name, "on-failure") && str_to_int(rest, 0, INT_MAX, &policy->maximum_retry_count);
    if (!str_in(policy->name, (const char *const[]){"no", "always", "unless-stopped", "on-failure", NULL}) ||
        (rest && !times))
        return err_set(err, ERR_INVALID, "--restart %s: expected no, always, unless-stopped or on-failure[:TIMES]",
                       text);
    return 0;
}

/* --- Numbers */

static int set_size(const char *option, const char *text, int64_t *ret, struct err *err)
{
    if (text && !size_parse(text, ret))
        return err_set(err, ERR_INVALID, "--%s %s: expected a size, as in 512m", option, text);
    return 0;
}

static int set_number(const char *option, const char *text, struct opt_i64 *ret, struct err *err)
{
    if (text && !str_to_i64(text, &ret->value))
        return err_set(err, ERR_INVALID, "--%s %s: expected a whole number", option, text);
    ret->set = text != NULL;
    return 0;
}

static int set_numbers(const O *o, struct container_spec *spec, struct err *err)
{
    struct opt_i64 oom = {0};
    char *end = NULL;
    double cpus = o->cpus ? strtod(o->cpus, &end) : 0;
    if (set_size("memory", o->memory, &spec->host.memory, err) < 0 ||
        set_size("shm-size", o->shm_size, &spec->host.shm_size, err) < 0 ||
        set_number("pids-limit", o->pids_limit, &spec->host.pids_limit, err) < 0 ||
        set_number("stop-timeout", o->stop_timeout, &spec->stop_timeout, err) < 0 ||
        set_number("oom-score-adj", o->oom_score_adj, &oom, err) < 0)
        return -1;
    if (end && (*end || end == o->cpus || !isfinite(cpus) || cpus < 0 || cpus > 1e6))
        return err_set(err, ERR_INVALID, "--cpus %s: expected a number, as in 1.5", o->cpus);
    spec->host.nano_cpus = (int64_t)(cpus * 1e9);
    spec->host.oom_score_adj = (int)oom.value;
    return 0;
}

/* --- All of it */

static void set_texts(const O *o, struct arena *arena, struct container_spec *spec)
{
    const struct {
        const char *from;
        char **to;
    } texts[] = {
        {o->user, &spec->user},
        {o->workdir, &spec->working_dir},
        {o->hostname, &spec->hostname},
        {o->domainname, &spec->domainname},
        {o->stop_signal, &spec->stop_signal},
        {o->mac_address, &spec->mac_address},
        {o->network, &spec->host.network_mode},
        {o->ipc, &spec->host.ipc_mode},
        {o->pid, &spec->host.pid_mode},
        {o->uts, &spec->host.uts_mode},
        {o->userns, &spec->host.userns_mode},
        {o->cgroupns, &spec->host.cgroupns_mode},
        {o->runtime, &spec->host.runtime},
        {o->log_driver, &spec->host.log.type},
    };
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        *texts[i].to = arena_strdup(arena, texts[i].from);
    spec->host.cap_add = o->cap_add;
    spec->host.cap_drop = o->cap_drop;
    spec->host.security_options = o->security;
    spec->host.dns = o->dns;
    spec->host.dns_search = o->dns_search;
    spec->host.extra_hosts = o->add_hosts;
    spec->host.group_add = o->group_add;
}

static void set_flags(const O *o, struct container_spec *spec)
{
    spec->tty = o->tty;
    spec->open_stdin = o->interactive;
    spec->stdin_once = spec->attach_stdin = o->interactive && !o->detach;
    spec->attach_stdout = spec->attach_stderr = !o->detach;
    spec->host.auto_remove = o->remove;
    spec->host.privileged = o->privileged;
    spec->host.readonly_rootfs = o->read_only;
    spec->host.publish_all_ports = o->publish_all;
    spec->host.init = (struct opt_bool){.set = o->init, .value = o->init};
}

static void set_endpoint(const O *o, struct arena *arena, struct container_spec *spec)
{
    if (!o->network || (!o->ip && !o->network_aliases.count))
        return;
    struct endpoint_spec endpoint = {.network = arena_strdup(arena, o->network), .aliases = o->network_aliases};
    if (o->ip) {
        endpoint.ipam = ARENA_NEW(arena, struct endpoint_ipam);
        endpoint.ipam->ipv4_address = arena_strdup(arena, o->ip);
    }
    vec_push_in(arena, &spec->networking.endpoints, endpoint);
}

static int add_lists(const O *o, struct arena *arena, struct container_spec *spec, struct err *err)
{
    struct strings tmpfs = {0};
    vec_foreach (volume, &o->volumes)
        if (add_volume(arena, *volume, spec, err) < 0)
            return -1;
    vec_foreach (port, &o->publish)
        if (container_option_publish(arena, *port, spec, err) < 0)
            return -1;
    vec_foreach (limit, &o->ulimits)
        if (add_ulimit(arena, *limit, spec, err) < 0)
            return -1;
    vec_foreach (device, &o->devices)
        add_device(arena, *device, spec);
    vec_foreach (mount, &o->mounts_tmpfs) { /* "TARGET:OPTIONS" is a pair, too, of another separator */
        char *copy = arena_strdup(arena, *mount), *colon = strchr(copy, ':');
        if (colon)
            *colon = '=';
        vec_push_in(arena, &tmpfs, copy);
    }
    add_expose(arena, &o->expose, spec);
    if (add_pairs(arena, &tmpfs, "tmpfs", false, &spec->host.tmpfs, err) < 0 ||
        add_pairs(arena, &o->labels, "label", false, &spec->labels, err) < 0 ||
        add_pairs(arena, &o->sysctls, "sysctl", true, &spec->host.sysctls, err) < 0 ||
        add_pairs(arena, &o->log_options, "log-opt", true, &spec->host.log.options, err) < 0)
        return -1;
    return add_env(o, arena, spec, err);
}

int container_options_spec(const struct container_options *o, const char *image, char **command, struct arena *arena,
                           struct container_spec *ret, struct err *err)
{
    struct container_spec spec = {.image = arena_strdup(arena, image)};
    set_texts(o, arena, &spec);
    set_flags(o, &spec);
    set_endpoint(o, arena, &spec);
    for (; *command; command++)
        vec_push_in(arena, &spec.cmd, *command);
    if (o->entrypoint)
        vec_push_in(arena, &spec.entrypoint, arena_strdup(arena, o->entrypoint));
    if (set_numbers(o, &spec, err) < 0 || add_lists(o, arena, &spec, err) < 0)
        return -1;
    if (o->restart && set_restart(arena, o->restart, &spec.host.restart, err) < 0)
        return -1;
    if (o->remove && spec.host.restart.name && !str_eq(spec.host.restart.name, "no"))
        return err_set(err, ERR_INVALID, "--rm and --restart %s exclude each other", o->restart);
    *ret = spec;
    return 0;
}
