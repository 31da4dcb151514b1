/*
 * Runs inside a container with CAP_SYS_ADMIN and wants what lies beneath its root: detaches that, goes to the root of
 * its mount namespace, prints what is there, and tries to write to it, where it is read-only after making it writable:
 * "owned" or "denied". Static: the container's files are out of reach then.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

static int fail(const char *what)
{
    (void)printf("%s: %s\n", what, strerror(errno));
    return 1;
}

int main(void)
{
    int namespace = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
    if (namespace < 0 || umount2("/", MNT_DETACH) < 0 || setns(namespace, CLONE_NEWNS) < 0)
        return fail("beneath the root");
    DIR *root = opendir("/");
    struct dirent *entry;
    while (root && (entry = readdir(root)))
        if (entry->d_name[0] != '.')
            (void)printf("%s\n", entry->d_name);
    (void)mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL);
    (void)mount(NULL, "/", NULL, MS_REMOUNT, NULL);
    (void)printf("%s\n", mkdir("/empty/owned", 0700) < 0 ? "denied" : "owned");
    return 0;
}
