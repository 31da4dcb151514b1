#pragma once
/* What everything of one daemon is called on a machine: all of it comes from the path of its data directory. */
#include "base/err.h"
#include "sys/rtnl.h"

#include <stdint.h>

struct instance {
    uint32_t number;                  /* the metric of its routes and addresses */
    char text[9];                     /* the same in hex, "1a2b3c4d" */
    char table[16];                   /* "shoal-1a2b3c4d" */
    char link_prefix[LINK_NAME_MAX];  /* "sh1a2b3c4d", 5 characters of a serial number follow */
    char link_pattern[LINK_NAME_MAX]; /* "sh1a2b3c4d*" */
};

#define INSTANCE_LINKS    60466176 /* 36^5 serial numbers */
#define INSTANCE_PROTOCOL 213      /* RTPROT and IFA_PROTO: "Shoal"; which Shoal, the metric says */

/* The directory need not exist yet; where it does, its real path counts. */
int instance_init(struct instance *instance, const char *data_dir, struct err *err);
void instance_link_name(const struct instance *instance, uint32_t serial, char name[LINK_NAME_MAX]);
/* The serial number in a link's name, or -1 for links that are not of this instance. */
int64_t instance_link_serial(const struct instance *instance, const char *name);
