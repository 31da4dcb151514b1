#pragma once
/*
 * One read-only root for all containers of an image that want no writable one: one overlay, one superblock, one page
 * cache, however many they are.
 *
 * The lowest layer of every root is DATA/skeleton, with the places that mounts of ours go to: so an image of a single
 * program needs none of them, and nothing is made for them in a writable layer.
 */
#include "base/vec.h"
#include "engine/engine.h"

/* Makes the skeleton, and takes off the host what an earlier daemon left. */
int shared_roots_open(struct engine *engine, struct err *err);
void shared_roots_close(struct engine *engine);

/* The path of the skeleton, in arena. */
const char *skeleton_path(struct engine *engine, struct arena *arena);

/* A descriptor of the image's root, to look into; it stays the engine's. lower: the image's layers, the uppermost
 * first. */
int shared_root_get(struct engine *engine, const char *image_id, struct strings lower, struct err *err);

/* A detached, read-only mount of it for one container; the caller closes it. */
int shared_root_clone(struct engine *engine, const char *image_id, struct strings lower, struct err *err);

/* Forgets the root of an image that goes. */
void shared_root_forget(struct engine *engine, const char *image_id);
