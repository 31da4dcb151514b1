#include "runtime/description.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/str.h"
#include "test.h"

#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

static char flat[DESCRIPTION_SIZE_MAX], scratch[DESCRIPTION_SCRATCH_MAX] __attribute__((aligned(16)));

#define LIST(...)                                                                                                      \
    (const char *const[])                                                                                              \
    {                                                                                                                  \
        __VA_ARGS__, NULL                                                                                              \
    }

/* A container that uses every field. Descriptors are numbers here: nothing opens them. */
static struct description full(void)
{
    static const char *const argv[] = {"sh", "-c", "", NULL}, *const env[] = {"PATH=/bin", "EMPTY=", NULL};
    static const char *const masked[] = {"/proc/keys", NULL}, *const readonly[] = {"/proc/sys", "/proc/bus", NULL};
    static const uint32_t groups[] = {7, 8};
    static const struct description_rlimit rlimits[] = {{.resource = 7, .soft = 100, .hard = UINT64_MAX}};
    static const struct description_join joins[] = {{.type = CLONE_NEWNET, .fd = 20}};
    static const struct description_id_map maps[] = {{0, 100000, 65536}};
    static const struct description_mount mounts[] = {
        {.kind = MOUNT_KIND_FD, .target = "/data", .source = 21, .propagation = MS_SLAVE, .recursive = 1},
        {.kind = MOUNT_KIND_TMPFS, .target = "/tmp", .source = -1, .data = "size=64k", .attributes = 1ULL << 40}};
    static const struct description_device devices[] = {{.path = "/dev/x", .mode = S_IFCHR | 0600, .major = 1}};
    static const struct description_sysctl sysctls[] = {{.name = "net.ipv4.ip_forward", .value = "1"}};
    return (struct description){
        .cgroup = 10,
        .stdio = {11, 12, 12},
        .flags = DESCRIPTION_INIT | DESCRIPTION_OOM_SCORE,
        .argv = argv,
        .env = env,
        .cwd = "/root",
        .uid = 1000,
        .gid = 1001,
        .groups = groups,
        .group_count = 2,
        .umask = 077,
        .tty_columns = 80,
        .tty_rows = 25,
        .bounding = 7,
        .permitted = 3,
        .effective = 1,
        .inheritable = 2,
        .ambient = 2,
        .rlimits = rlimits,
        .rlimit_count = 1,
        .oom_score_adj = -17,
        .namespaces = CLONE_NEWUTS | CLONE_NEWUSER,
        .joins = joins,
        .join_count = 1,
        .uid_maps = maps,
        .uid_map_count = 1,
        .gid_maps = maps,
        .gid_map_count = 1,
        .hostname = "box",
        .domainname = "example",
        .root = 22,
        .root_propagation = MS_SLAVE,
        .mounts = mounts,
        .mount_count = 2,
        .devices = devices,
        .device_count = 1,
        .masked_paths = masked,
        .readonly_paths = readonly,
        .sysctls = sysctls,
        .sysctl_count = 1,
    };
}

static size_t encode(const struct description *d, int *fds, unsigned *fd_count)
{
    struct err err;
    ssize_t size = description_encode(d, flat, sizeof(flat), fds, fd_count, &err);
    assert_true(size > 0);
    return (size_t)size;
}

static void test_round_trip(void **state)
{
    struct description d = full(), back;
    struct err err;
    int fds[DESCRIPTION_FDS_MAX];
    unsigned fd_count;
    size_t size = encode(&d, fds, &fd_count);
    assert_int_equal(fd_count, 6);
    assert_int_equal(fds[0], 10); /* the cgroup */
    for (unsigned i = 0; i < fd_count; i++)
        fds[i] += 100; /* as they arrive elsewhere */
    assert_int_equal(description_decode(flat, size, fds, fd_count, scratch, sizeof(scratch), &back, &err), 0);
    assert_int_equal(description_check(&back, false, &err), 0);
    assert_int_equal(back.cgroup, 110);
    assert_int_equal(back.stdio[1], 112);
    assert_int_equal(back.stdio[2], 112);
    assert_string_equal(back.argv[1], "-c");
    assert_string_equal(back.argv[2], "");
    assert_null(back.argv[3]);
    assert_string_equal(back.env[1], "EMPTY=");
    assert_int_equal(back.groups[1], 8);
    assert_int_equal(back.oom_score_adj, -17);
    assert_true(back.rlimits[0].hard == UINT64_MAX);
    assert_int_equal(back.joins[0].fd, 120);
    assert_int_equal(back.uid_maps[0].host, 100000);
    assert_int_equal(back.mounts[0].source, 121);
    assert_null(back.mounts[0].data);
    assert_string_equal(back.mounts[1].data, "size=64k");
    assert_int_equal(back.mounts[1].source, -1);
    assert_true(back.mounts[1].attributes == 1ULL << 40);
    assert_string_equal(back.devices[0].path, "/dev/x");
    assert_string_equal(back.readonly_paths[1], "/proc/bus");
    assert_string_equal(back.sysctls[0].value, "1");
    assert_int_equal(back.root, 122);
    assert_string_equal(back.domainname, "example");
}

/* Every prefix is refused, and none is read past its end (which the sanitizer would see). */
static void test_cut(void **state)
{
    struct description d = full(), back;
    struct err err;
    int fds[DESCRIPTION_FDS_MAX];
    unsigned fd_count;
    size_t size = encode(&d, fds, &fd_count);
    for (size_t i = 0; i < size; i++) {
        cleanup_free char *copy = mem_memdup(flat, i + 1);
        assert_int_equal(description_decode(copy, i, fds, fd_count, scratch, sizeof(scratch), &back, &err), -1);
        assert_int_equal(err.kind, ERR_INVALID);
    }
    flat[size] = 0;
    assert_int_equal(description_decode(flat, size + 1, fds, fd_count, scratch, sizeof(scratch), &back, &err), -1);
    assert_int_equal(description_decode(flat, size, fds, fd_count - 1, scratch, sizeof(scratch), &back, &err), -1);
    assert_string_equal(err.message, "source names descriptor 5 of 5");
    assert_int_equal(description_decode(flat, size, fds, fd_count, scratch, 64, &back, &err), -1);
    assert_int_equal(err.kind, ERR_LIMIT);
}

static void test_too_large(void **state)
{
    struct description d = full();
    struct err err;
    int fds[DESCRIPTION_FDS_MAX];
    unsigned fd_count;
    cleanup_free char *large = mem_alloc(DESCRIPTION_SIZE_MAX + 1);
    memset(large, 'x', DESCRIPTION_SIZE_MAX);
    const char *const env[] = {large, NULL};
    d.env = env;
    assert_int_equal(description_encode(&d, flat, sizeof(flat), fds, &fd_count, &err), -1);
    assert_int_equal(err.kind, ERR_LIMIT);
    assert_string_equal(err.message, "the description is larger than 131072 bytes");

    d = full();
    struct description_mount mounts[DESCRIPTION_FDS_MAX + 1];
    for (int i = 0; i <= DESCRIPTION_FDS_MAX; i++)
        mounts[i] = (struct description_mount){.kind = MOUNT_KIND_FD, .target = "/x", .source = 1000 + i};
    d.mounts = mounts;
    d.mount_count = DESCRIPTION_FDS_MAX + 1;
    assert_int_equal(description_encode(&d, flat, sizeof(flat), fds, &fd_count, &err), -1);
    assert_int_equal(err.kind, ERR_LIMIT);
}

/* As many of the smallest items as a message can hold: the scratch that the header promises is enough. */
static void test_scratch_always_suffices(void **state)
{
    struct description d = full(), back;
    struct err err;
    int fds[DESCRIPTION_FDS_MAX];
    unsigned fd_count;
    size_t count = (DESCRIPTION_SIZE_MAX - 1024) / 8;
    cleanup_free struct description_sysctl *sysctls = mem_alloc_array(count, sizeof(*sysctls));
    d.sysctls = sysctls;
    d.sysctl_count = (uint32_t)count;
    size_t size = encode(&d, fds, &fd_count);
    assert_int_equal(description_decode(flat, size, fds, fd_count, scratch, sizeof(scratch), &back, &err), 0);
    assert_int_equal(description_check(&back, false, &err), -1);
    assert_string_equal(err.message, "a sysctl has no name or no value");
}

struct bad {
    const char *words;
    void (*spoil)(struct description *d);
};

/* A value instead of a good one; an array instead of a good one. */
#define SPOIL(name, member, value)                                                                                     \
    static void name(struct description *d)                                                                            \
    {                                                                                                                  \
        d->member = (value);                                                                                           \
    }
#define SPOIL_ARRAY(name, member, type, ...)                                                                           \
    static void name(struct description *d)                                                                            \
    {                                                                                                                  \
        static type const bad[] = {__VA_ARGS__};                                                                       \
        d->member = (const void *)bad;                                                                                 \
    }

SPOIL_ARRAY(no_command, argv, char *, NULL)
SPOIL_ARRAY(empty_command, argv, char *, (char *)"", NULL)
SPOIL(relative_cwd, cwd, "here")
SPOIL(no_cwd, cwd, NULL)
SPOIL(wide_umask, umask, 01000)
SPOIL(too_effective, effective, 4)
SPOIL(too_ambient, ambient, 1)
SPOIL(no_stream, stdio[2], -1)
SPOIL(no_root, root, -1)
SPOIL(oom_score, oom_score_adj, 1001)
SPOIL(unknown_namespace, namespaces, CLONE_NEWUTS | CLONE_NEWUSER | CLONE_THREAD)
SPOIL(joined_and_new, namespaces, CLONE_NEWUTS | CLONE_NEWUSER | CLONE_NEWNET)
SPOIL(no_maps, uid_map_count, 0)
SPOIL(hostname_of_the_host, namespaces, CLONE_NEWUSER)
SPOIL_ARRAY(bad_device, devices, struct description_device, {.path = "/dev/x", .mode = S_IFREG | 0644})
SPOIL_ARRAY(climbing_sysctl, sysctls, struct description_sysctl, {.name = "net/../kernel/panic", .value = "1"})
SPOIL_ARRAY(climbing_net_sysctl, sysctls, struct description_sysctl, {.name = "net.../kernel", .value = "1"})
SPOIL_ARRAY(sysctl_of_ipc, sysctls, struct description_sysctl, {.name = "kernel.sem", .value = "1"})
SPOIL_ARRAY(relative_mask, masked_paths, char *, (char *)"proc/keys", NULL)
SPOIL_ARRAY(wrong_limit, rlimits, struct description_rlimit, {.resource = 99})
SPOIL_ARRAY(crossed_limit, rlimits, struct description_rlimit, {.soft = 2, .hard = 1})
SPOIL_ARRAY(unknown_mount, mounts, struct description_mount, {.kind = 77, .target = "/x", .source = -1}, {0})
SPOIL_ARRAY(mount_without_source, mounts, struct description_mount,
            {.kind = MOUNT_KIND_FD, .target = "/x", .source = -1}, {0})

static void test_checks(void **state)
{
    static const struct bad cases[] = {
        {"no command", no_command},
        {"no command", empty_command},
        {"working directory must be an absolute path", relative_cwd},
        {"working directory must be an absolute path", no_cwd},
        {"umask 01000", wide_umask},
        {"effective capabilities", too_effective},
        {"ambient capabilities", too_ambient},
        {"standard stream 2", no_stream},
        {"root file system", no_root},
        {"between -1000 and 1000", oom_score},
        {"unknown namespaces", unknown_namespace},
        {"both new and joined", joined_and_new},
        {"uid mappings", no_maps},
        {"hostname needs", hostname_of_the_host},
        {"neither character", bad_device},
        {"belongs to no namespace", climbing_sysctl},
        {"belongs to no namespace", climbing_net_sysctl},
        {"needs an ipc namespace", sysctl_of_ipc},
        {"masked path must be an absolute path", relative_mask},
        {"resource limit 99", wrong_limit},
        {"above its hard limit", crossed_limit},
        {"kind 77", unknown_mount},
        {"a source belongs to a bind mount", mount_without_source},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct description d = full();
        struct err err = {0};
        assert_int_equal(description_check(&d, false, &err), 0);
        cases[i].spoil(&d);
        assert_int_equal(description_check(&d, false, &err), -1);
        assert_int_equal(err.kind, ERR_INVALID);
        if (!strstr(err.message, cases[i].words))
            fail_msg("\"%s\" instead of \"%s\"", err.message, cases[i].words);
    }
}

TEST_MAIN(cmocka_unit_test(test_round_trip), cmocka_unit_test(test_cut), cmocka_unit_test(test_too_large),
          cmocka_unit_test(test_scratch_always_suffices), cmocka_unit_test(test_checks))
