#pragma once
/*
 * `--change` of import and commit: Dockerfile instructions that alter an image's configuration. CMD, ENTRYPOINT, ENV,
 * EXPOSE, HEALTHCHECK, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME, WORKDIR. Pure.
 */
#include "image/config.h"

/* Applies one instruction, as "CMD [\"run\"]"; what it adds lives in arena. ERR_INVALID names the instruction. */
int image_change(struct image_run_config *run, const char *instruction, struct arena *arena, struct err *err);
