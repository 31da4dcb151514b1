#pragma once
/* A volume as it is asked for: the create request of the Docker Engine API. */
#include "codec/fields.h"

struct volume_spec {
    char *name;   /* NULL: an anonymous volume, named by 64 random hex digits */
    char *driver; /* "local" */
    struct pairs driver_options, labels;
};

extern const struct fields volume_spec_table;
