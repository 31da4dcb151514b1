#pragma once
/* What /info and /version tell of the machine. */
#include <stdint.h>

#define HOST_TEXT_MAX 256

struct host {
    char name[HOST_TEXT_MAX];           /* its host name */
    char kernel[HOST_TEXT_MAX];         /* "6.1.0-28-amd64" */
    char machine[HOST_TEXT_MAX];        /* uname's: "x86_64" */
    char system[HOST_TEXT_MAX];         /* "Debian GNU/Linux 12 (bookworm)" */
    char system_version[HOST_TEXT_MAX]; /* "12" */
    int cpus;
    int64_t memory; /* bytes */
};

void host_read(struct host *host);
