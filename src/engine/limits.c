#include "engine/limits.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "sys/cgroup.h"

#include <stdio.h>
#include <sys/resource.h>

#define CPU_PERIOD_US 100000

static const struct {
    const char *name;
    int resource;
} rlimits[] = {
    {"as", RLIMIT_AS},           {"core", RLIMIT_CORE},         {"cpu", RLIMIT_CPU},
    {"data", RLIMIT_DATA},       {"fsize", RLIMIT_FSIZE},       {"locks", RLIMIT_LOCKS},
    {"memlock", RLIMIT_MEMLOCK}, {"msgqueue", RLIMIT_MSGQUEUE}, {"nice", RLIMIT_NICE},
    {"nofile", RLIMIT_NOFILE},   {"nproc", RLIMIT_NPROC},       {"rss", RLIMIT_RSS},
    {"rtprio", RLIMIT_RTPRIO},   {"rttime", RLIMIT_RTTIME},     {"sigpending", RLIMIT_SIGPENDING},
    {"stack", RLIMIT_STACK},
};

int rlimit_by_name(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(rlimits); i++)
        if (str_eq(name, rlimits[i].name))
            return rlimits[i].resource;
    return -1;
}

static bool wants_io(const struct host_config *host)
{
    return host->blkio_weight || host->blkio_weight_device.count || host->blkio_device_read_bps.count ||
           host->blkio_device_write_bps.count || host->blkio_device_read_iops.count ||
           host->blkio_device_write_iops.count;
}

unsigned limits_controllers(const struct host_config *host)
{
    unsigned controllers = 0;
    if (host->memory || host->memory_reservation || host->memory_swap)
        controllers |= CGROUP_MEMORY;
    if (host->nano_cpus || host->cpu_quota || host->cpu_shares)
        controllers |= CGROUP_CPU;
    if (!str_empty(host->cpuset_cpus) || !str_empty(host->cpuset_mems))
        controllers |= CGROUP_CPUSET;
    if (host->pids_limit.set && host->pids_limit.value > 0)
        controllers |= CGROUP_PIDS;
    return controllers;
}

int limits_check(const struct host_config *host, unsigned controllers, struct err *err)
{
    if (wants_io(host))
        return err_set(err, ERR_UNSUPPORTED, "limits on block devices (BlkioWeight …) are not offered yet");
    if (host->memory && host->memory < 6 << 20)
        return err_set(err, ERR_INVALID, "Minimum memory limit allowed is 6MB");
    if (host->memory_swap > 0 && host->memory_swap < host->memory)
        return err_set(err, ERR_INVALID, "Minimum memoryswap limit should be larger than memory limit, see usage");
    if (host->nano_cpus && host->cpu_quota)
        return err_set(err, ERR_INVALID, "Conflicting options: Nano CPUs and CPU Quota cannot both be set");
    unsigned missing = limits_controllers(host) & ~controllers;
    for (unsigned bit = 1; missing && bit <= CGROUP_RDMA; bit <<= 1)
        if (missing & bit)
            return err_set(err, ERR_UNSUPPORTED,
                           "a limit that needs the cgroup v2 controller \"%s\" was asked for, and this machine does "
                           "not offer it on"
                           " version 2 (see cgroup.controllers; boot with systemd.unified_cgroup_hierarchy=1)",
                           cgroup_controller_name(bit));
    return 0;
}

int limits_offered(int cgroups)
{
    cleanup_fd int parent = cgroup_open(cgroups, "..");
    return parent < 0 ? parent : cgroup_controllers(parent);
}

int limits_enable(int cgroups, unsigned controllers)
{
    cleanup_fd int parent = cgroup_open(cgroups, "..");
    int there = parent < 0 ? parent : cgroup_enabled(parent);
    int r = there < 0 ? there : cgroup_enable(parent, controllers & ~(unsigned)there);
    return r < 0 ? r : cgroup_enable(cgroups, controllers);
}

static int set(int cgroup, const char *file, struct err *err, const char *format, long long a, long long b)
{
    char value[64];
    (void)snprintf(value, sizeof(value), format, a, b);
    int r = cgroup_set(cgroup, file, value);
    return r < 0 ? err_errno(err, r, "cannot set %s to %s", file, value) : 0;
}

static int apply_memory(const struct host_config *host, int cgroup, struct err *err)
{
    if (host->memory && set(cgroup, "memory.max", err, "%lld", host->memory, 0) < 0)
        return -1;
    if (host->memory_reservation && set(cgroup, "memory.low", err, "%lld", host->memory_reservation, 0) < 0)
        return -1;
    /* Docker's memory_swap is memory and swap together; -1: no limit; unset: as much swap as memory. */
    if (host->memory && host->memory_swap >= 0)
        return set(cgroup, "memory.swap.max", err, "%lld",
                   host->memory_swap ? host->memory_swap - host->memory : host->memory, 0);
    return 0;
}

static int apply_cpu(const struct host_config *host, int cgroup, struct err *err)
{
    long long period = host->cpu_period ? host->cpu_period : CPU_PERIOD_US;
    long long quota = host->nano_cpus ? host->nano_cpus * period / 1000000000 : host->cpu_quota;
    if (quota > 0 && set(cgroup, "cpu.max", err, "%lld %lld", quota, period) < 0)
        return -1;
    /* The kernel's own mapping of cgroup v1's 2…262144 to v2's 1…10000. */
    if (host->cpu_shares)
        return set(cgroup, "cpu.weight", err, "%lld", 1 + ((host->cpu_shares - 2) * 9999) / 262142, 0);
    return 0;
}

static int set_text(int cgroup, const char *file, const char *value, struct err *err)
{
    int r = str_empty(value) ? 0 : cgroup_set(cgroup, file, value);
    return r < 0 ? err_errno(err, r, "cannot set %s to %s", file, value) : 0;
}

int limits_apply(const struct host_config *host, int cgroup, struct err *err)
{
    if (apply_memory(host, cgroup, err) < 0 || apply_cpu(host, cgroup, err) < 0 ||
        set_text(cgroup, "cpuset.cpus", host->cpuset_cpus, err) < 0 ||
        set_text(cgroup, "cpuset.mems", host->cpuset_mems, err) < 0)
        return -1;
    bool pids = host->pids_limit.set && host->pids_limit.value > 0;
    return pids ? set(cgroup, "pids.max", err, "%lld", host->pids_limit.value, 0) : 0;
}
