#pragma once
/*
 * The mount API of Linux 5.2 and later (fsopen, open_tree, move_mount, mount_setattr …): mounts are made detached,
 * changed while nobody sees them, and attached in one step. Descriptors are CLOEXEC; functions return ≥ 0 or -errno.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mount.h> /* the system's */

/* glibc's sys/mount.h has the constants (MOUNT_ATTR_…, FSCONFIG_…); musl's has not. */
#ifndef MOUNT_ATTR_RDONLY
#include <linux/mount.h>
#endif
#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000
#endif

#define MOUNT_MESSAGE_MAX 256

/* What the kernel has to say about a failed mount ("overlay: No changes allowed in …"); "" where it says nothing. */
struct mount_message {
    char text[MOUNT_MESSAGE_MAX];
};

/*
 * A new file system as a detached mount. data is a list as mount(8) takes it after -o, "size=64m,mode=755"; NULL for
 * none; a value may be 255 bytes long. source may be NULL. attributes: MOUNT_ATTR_…
 */
int mount_new(const char *type, const char *source, const char *data, unsigned attributes, struct mount_message *ret);

/*
 * A detached copy of what is mounted at path (of fd itself where path is ""), with all that is mounted beneath where
 * recursive. Must be called in the mount namespace that holds it.
 */
int mount_clone(int folder, const char *path, bool recursive);

/* The same, but symbolic links at the end of path are not followed. */
int mount_clone_nofollow(int folder, const char *path, bool recursive);

/* Attaches a detached mount at target, a descriptor (O_PATH will do) of the folder or file to be covered. */
int mount_attach(int mount, int target);

/* The same at a path. */
int mount_attach_at(int mount, int folder, const char *path);

/*
 * Changes attributes: set and clear are MOUNT_ATTR_…; propagation MS_PRIVATE, MS_SLAVE, MS_SHARED, MS_UNBINDABLE
 * or 0 to leave it.
 */
int mount_change(int mount, uint64_t set, uint64_t clear, uint64_t propagation, bool recursive);

/* pivot_root(2) onto the working directory, with the old root on top of it: umount2(".", MNT_DETACH) drops that. */
int mount_pivot_here(void);

/* Two lines of mount(2)'s old interface that the new one lacks names for: makes the whole tree at "/" private. */
int mount_make_all_private(void);
