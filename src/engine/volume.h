#pragma once
/* Volumes: folders of the data directory that outlive containers. */
#include "engine/engine.h"
#include "spec/volume.h"

struct volume {
    struct volume_spec spec;
    char *mountpoint; /* DATA/volumes/NAME/_data */
    int64_t created_ns;
    bool anonymous;
    int users; /* containers that name it, running or not */
};

/* A volume of that name that is there already is given back, where driver and options agree (ERR_CONFLICT otherwise).
 */
int engine_volume_create(struct engine *engine, const struct volume_spec *spec, struct volume **ret, struct err *err);
struct volume *engine_find_volume(struct engine *engine, const char *name, struct err *err);
struct volume *engine_next_volume(struct engine *engine, struct volume *after);
/* ERR_CONFLICT where a container uses it. Its files are out of the way at once; a worker removes them later. */
int engine_volume_remove(struct engine *engine, struct volume *volume, struct err *err);
