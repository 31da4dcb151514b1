#pragma once
/*
 * What the database knows of containers: their definitions as the JSON of spec/, their states as small JSON columns.
 * Writes join the turn's transaction; a failure to write ends the daemon's turn with an error that its caller reports.
 */
#include "engine/container.h"

/* Brings the schema of the engine's tables up to date. */
int record_migrate(struct db *db, struct err *err);

int record_insert(struct container *container, const struct container_spec *spec, struct err *err);
/* What was inserted. */
int record_read_spec(const struct container *container, struct arena *arena, struct container_spec *ret,
                     struct err *err);
/* What changes at each start and end: a power cut may undo the last second of it (db_run_soon()). */
int record_update_state(struct container *container, struct err *err);
int record_update_endpoints(struct container *container, struct err *err);
/* Name and mounts. */
int record_update(struct container *container, struct err *err);
int record_delete(struct container *container, struct err *err);

/* Calls add() for each row, the oldest first, with a container whose plain members are filled. */
int record_load(struct engine *engine, int (*add)(struct engine *engine, struct container *container, struct err *err),
                struct err *err);
