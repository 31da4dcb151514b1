#pragma once
/* A container's definition completed by its image's configuration and by the engine's defaults, as `docker create`
 * does. */
#include "base/arena.h"
#include "image/config.h"
#include "spec/container.h"

/*
 * Takes in what the image says where the definition is silent: Env (the definition's win), Cmd and Entrypoint,
 * WorkingDir, User, ExposedPorts, Volumes, Labels, StopSignal, Healthcheck, Shell. ERR_INVALID where no command
 * results.
 */
int defaults_from_image(struct container_spec *spec, const struct image_run_config *image, struct arena *arena,
                        struct err *err);

/* The engine's own: hostname, network mode, log driver, shm size, masked paths … */
void defaults_of_engine(struct container_spec *spec, const char *id, struct arena *arena);
