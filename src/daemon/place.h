#pragma once
/* Where a daemon lives: its two folders, its name among other daemons of the machine, and the lock that keeps a second
 * one out. */
#include "base/cleanup.h"
#include "base/err.h"
#include "network/instance.h"

#include <limits.h>
#include <sys/types.h>

struct place {
    char data_dir[PATH_MAX], run_dir[PATH_MAX]; /* real paths */
    char bin_dir[PATH_MAX];                     /* of this program and its companions */
    struct instance instance;                   /* what all that it makes is named by */
    int lock;                                   /* held as long as it is open */
};

/*
 * Makes the folders where absent: the data directory for root alone to list (0710), the run directory open to who may
 * use the socket (0755). ERR_CONFLICT where another daemon has the data directory.
 */
int place_open(struct place *place, const char *data_dir, const char *run_dir, struct err *err);
void place_close(struct place *place);

/* Who may use the socket beside root: the group `shoal`, or `docker`, or root's own. */
gid_t place_socket_group(void);
