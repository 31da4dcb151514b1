#include "sys/cgroup.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "sys/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#ifndef CGROUP2_SUPER_MAGIC
#define CGROUP2_SUPER_MAGIC 0x63677270
#endif

static const struct {
    enum cgroup_controller bit;
    const char *name;
} controllers[] = {
    {CGROUP_CPU, "cpu"},       {CGROUP_CPUSET, "cpuset"}, {CGROUP_HUGETLB, "hugetlb"}, {CGROUP_IO, "io"},
    {CGROUP_MEMORY, "memory"}, {CGROUP_MISC, "misc"},     {CGROUP_PIDS, "pids"},       {CGROUP_RDMA, "rdma"},
};

const char *cgroup_controller_name(enum cgroup_controller controller)
{
    for (size_t i = 0; i < ARRAY_SIZE(controllers); i++)
        if (controllers[i].bit == controller)
            return controllers[i].name;
    return NULL;
}

int cgroup_find_mount(char *ret_path, size_t size)
{
    static const char *const places[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        struct statfs fs;
        if (statfs(places[i], &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC)
            return snprintf(ret_path, size, "%s", places[i]) < (int)size ? 0 : -ENAMETOOLONG;
    }
    return -ENOENT;
}

int cgroup_of(pid_t pid, char *ret_path, size_t size)
{
    char name[64], text[8192];
    if (pid)
        (void)snprintf(name, sizeof(name), "/proc/%d/cgroup", pid);
    else
        (void)snprintf(name, sizeof(name), "/proc/self/cgroup");
    ssize_t n = file_read_at(AT_FDCWD, name, text, sizeof(text));
    if (n < 0)
        return (int)n;
    char *rest = text, *line;
    while ((line = str_split(&rest, '\n'))) {
        const char *path = str_after(line, "0::");
        if (path)
            return snprintf(ret_path, size, "%s", path) < (int)size ? 0 : -ENAMETOOLONG;
    }
    return -ENOENT;
}

int cgroup_open(int parent, const char *path)
{
    int fd = openat(parent, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    return fd < 0 ? -errno : fd;
}

int cgroup_create(int parent, const char *name)
{
    if (mkdirat(parent, name, 0755) < 0)
        return -errno;
    return cgroup_open(parent, name);
}

int cgroup_remove(int parent, const char *name)
{
    return unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT ? -errno : 0;
}

int cgroup_kill(int cgroup)
{
    return cgroup_set(cgroup, "cgroup.kill", "1");
}

int cgroup_freeze(int cgroup, bool frozen)
{
    return cgroup_set(cgroup, "cgroup.freeze", frozen ? "1" : "0");
}

static int event_of(int cgroup, const char *key)
{
    uint64_t value;
    int r = cgroup_get_key(cgroup, "cgroup.events", key, &value);
    return r < 0 ? r : value != 0;
}

int cgroup_frozen(int cgroup)
{
    return event_of(cgroup, "frozen");
}

int cgroup_populated(int cgroup)
{
    return event_of(cgroup, "populated");
}

ssize_t cgroup_pids(int cgroup, pid_t *ret, size_t max)
{
    int fd = openat(cgroup, "cgroup.procs", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    cleanup_file FILE *f = fdopen(fd, "r");
    if (!f) {
        (void)close(fd);
        return -ENOMEM;
    }
    char line[32];
    size_t count = 0;
    while (fgets(line, sizeof(line), f)) {
        line[strcspn(line, "\n")] = '\0';
        int pid;
        if (str_to_int(line, 0, INT_MAX, &pid) && count++ < max)
            ret[count - 1] = pid;
    }
    return (ssize_t)count;
}

static int controllers_in(int cgroup, const char *file)
{
    char text[512];
    ssize_t n = cgroup_get(cgroup, file, text, sizeof(text));
    if (n < 0)
        return (int)n;
    int found = 0;
    char *rest = str_trim(text), *word;
    while ((word = str_split(&rest, ' ')))
        for (size_t i = 0; i < ARRAY_SIZE(controllers); i++)
            if (str_eq(word, controllers[i].name))
                found |= (int)controllers[i].bit;
    return found;
}

int cgroup_controllers(int cgroup)
{
    return controllers_in(cgroup, "cgroup.controllers");
}

int cgroup_enabled(int cgroup)
{
    return controllers_in(cgroup, "cgroup.subtree_control");
}

int cgroup_enable(int cgroup, unsigned wanted)
{
    char text[256] = "";
    size_t used = 0;
    for (size_t i = 0; i < ARRAY_SIZE(controllers); i++)
        if (wanted & controllers[i].bit)
            used += (size_t)snprintf(text + used, sizeof(text) - used, "+%s ", controllers[i].name);
    return used ? cgroup_set(cgroup, "cgroup.subtree_control", text) : 0;
}

int cgroup_set(int cgroup, const char *file, const char *value)
{
    return file_write_at(cgroup, file, value);
}

ssize_t cgroup_get(int cgroup, const char *file, char *ret, size_t size)
{
    return file_read_at(cgroup, file, ret, size);
}

int cgroup_get_u64(int cgroup, const char *file, uint64_t *ret)
{
    char text[64];
    ssize_t n = cgroup_get(cgroup, file, text, sizeof(text));
    if (n < 0)
        return (int)n;
    char *word = str_trim(text);
    if (str_eq(word, "max")) {
        *ret = UINT64_MAX;
        return 0;
    }
    return str_to_u64(word, ret) ? 0 : -EBADMSG;
}

int cgroup_get_key(int cgroup, const char *file, const char *key, uint64_t *ret)
{
    char text[8192];
    ssize_t n = cgroup_get(cgroup, file, text, sizeof(text));
    if (n < 0)
        return (int)n;
    char *rest = text, *line;
    while ((line = str_split(&rest, '\n'))) {
        char *name = str_split(&line, ' ');
        if (name && line && str_eq(name, key))
            return str_to_u64(line, ret) ? 0 : -EBADMSG;
    }
    return -ENOENT;
}
