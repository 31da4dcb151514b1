#pragma once
/* Images on their way to the daemon: pulled, loaded, imported, with the progress that the daemon reports (Docker Engine
 * API, JSON lines). */
#include "cli/daemon.h"

enum transfer_output {
    TRANSFER_PROGRESS, /* bars on a terminal, lines elsewhere; on stderr */
    TRANSFER_QUIET,
    TRANSFER_JSON, /* the daemon's lines as they are, on stdout */
};

/* Pulls an image; "nginx" means its tag latest. platform may be NULL. */
int transfer_pull(const struct daemon *daemon, const char *reference, const char *platform, enum transfer_output output,
                  struct err *err);

/*
 * Sends what is read from fd (a file or a pipe, size bytes where known, else 0) to a target of the API and shows what
 * it answers. *ret_last, where given, is the last line's text, in the daemon's arena ("Loaded image: nginx:latest", an
 * ID).
 */
int transfer_upload(const struct daemon *daemon, const char *target, int fd, int64_t size, enum transfer_output output,
                    const char **ret_last, struct err *err);
