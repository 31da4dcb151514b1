#include "sys/mounts.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>

static int result(long r)
{
    return r < 0 ? -errno : (int)r;
}

/* One word of the list: "key=value" or "flag". */
static int configure(int fs, char *option)
{
    char *value = strchr(option, '=');
    if (!value)
        return result(syscall(SYS_fsconfig, fs, FSCONFIG_SET_FLAG, option, NULL, 0));
    *value++ = '\0';
    return result(syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, option, value, 0));
}

static int configure_all(int fs, const char *data)
{
    for (const char *next = data; *next; next += *next == ',') {
        char option[4096]; /* one at a time: a hundred layers are more than that together */
        size_t size = strcspn(next, ",");
        if (size >= sizeof(option))
            return -E2BIG;
        memcpy(option, next, size);
        option[size] = '\0';
        next += size;
        int r = size ? configure(fs, option) : 0;
        if (r < 0)
            return r;
    }
    return 0;
}

/* Messages of the context come one a read(2), as "e overlay: …" with the first letter a class. */
static void read_message(int fs, struct mount_message *ret)
{
    ssize_t n = read(fs, ret->text, sizeof(ret->text) - 1);
    ret->text[n > 0 ? n : 0] = '\0';
    if (n > 2 && ret->text[1] == ' ')
        memmove(ret->text, ret->text + 2, (size_t)n - 1);
    ret->text[strcspn(ret->text, "\n")] = '\0';
}

static int build(int fs, const char *source, const char *data, unsigned attributes)
{
    int r = 0;
    if (source)
        r = result(syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "source", source, 0));
    if (r >= 0 && data)
        r = configure_all(fs, data);
    if (r >= 0)
        r = result(syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
    if (r >= 0)
        r = result(syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, attributes));
    return r;
}

int mount_new(const char *type, const char *source, const char *data, unsigned attributes, struct mount_message *ret)
{
    ret->text[0] = '\0';
    cleanup_fd int fs = result(syscall(SYS_fsopen, type, FSOPEN_CLOEXEC));
    if (fs < 0)
        return fs;
    int r = build(fs, source, data, attributes);
    if (r < 0)
        read_message(fs, ret);
    return r;
}

static int open_tree_clone(int folder, const char *path, bool recursive, unsigned flags)
{
    flags |= OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0) | (*path ? 0 : AT_EMPTY_PATH);
    return result(syscall(SYS_open_tree, folder, path, flags));
}

int mount_clone(int folder, const char *path, bool recursive)
{
    return open_tree_clone(folder, path, recursive, 0);
}

int mount_clone_nofollow(int folder, const char *path, bool recursive)
{
    return open_tree_clone(folder, path, recursive, AT_SYMLINK_NOFOLLOW);
}

int mount_attach(int mount, int target)
{
    return result(syscall(SYS_move_mount, mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH));
}

int mount_attach_at(int mount, int folder, const char *path)
{
    return result(syscall(SYS_move_mount, mount, "", folder, path, MOVE_MOUNT_F_EMPTY_PATH));
}

int mount_change(int mount, uint64_t set, uint64_t clear, uint64_t propagation, bool recursive)
{
    /* The access time setting is a field, not flags: it is cleared as a whole before it is set. */
    if (set & MOUNT_ATTR__ATIME)
        clear |= MOUNT_ATTR__ATIME;
    struct mount_attr attributes = {.attr_set = set, .attr_clr = clear, .propagation = propagation};
    return result(syscall(SYS_mount_setattr, mount, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attributes,
                          sizeof(attributes)));
}

int mount_pivot_here(void)
{
    return result(syscall(SYS_pivot_root, ".", "."));
}

int mount_make_all_private(void)
{
    return result(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
}
