#pragma once
/*
 * The home of keeper and launchers: a mount namespace of their own with one mount, of a file system that cannot be
 * written to. CLONE_NEWNS copies little then, no payload's file is ever in reach by path, and what covers masked paths
 * comes from here.
 */
#include "base/err.h"

#define HOME_ROOT  "/root"  /* an empty folder: where a child attaches its root */
#define HOME_EMPTY "/empty" /* an empty folder: covers masked folders */
#define HOME_NULL  "/null"  /* the null device: covers masked files */
#define HOME_DEV   "/dev"   /* the devices that do no harm: the /dev of lean containers */
#define HOME_PROC  "/proc"  /* an empty folder, but while a child is born into a user namespace */

/* Moves the calling process there, for good. Descriptors stay what they are. */
int home_enter(struct err *err);

/* The devices of every container (OCI: default devices), beneath folder: null, zero, full, random, urandom, tty. 0 or
 * -errno. */
int home_make_devices(int folder);

/* Their names, NULL-terminated. */
extern const char *const home_devices[];
