#pragma once
/*
 * The engine of one node: containers, exec sessions, networks, volumes and images as objects with states, and the
 * events that their changes make. It is told what to do by api/ (plain containers) and by cluster/ (replicas of
 * services), runs on the daemon's loop and never waits: what takes time answers through an engine_done callback, in
 * this turn or a later one.
 *
 * Objects are looked up by engine_… functions, live as long as they are defined, and are changed by functions of their
 * own headers: engine/container.h, engine/exec.h, engine/network.h, engine/volume.h, engine/events.h.
 */
#include "base/cleanup.h"
#include "base/err.h"
#include "base/map.h"
#include "db/db.h"
#include "event/loop.h"
#include "image/store.h"

struct container;
struct engine;
struct images;
struct keeper_client;
struct logger_client;

/* The end of something that took time; failure is NULL on success, and valid during the call alone. Called exactly
 * once. */
typedef void engine_done(void *data, const struct err *failure);

struct engine_config {
    struct loop *loop;
    struct db *db;
    const char *data_dir, *run_dir; /* absolute */
    const char *instance;           /* the name that everything made on the machine carries: 8 hex digits */
    const char *bin_dir;            /* where shoal-keeper, shoal-logger and shoal-worker are */
};

/* Opens what is defined in the database. Nothing runs or is compared before engine_start(). */
struct engine *engine_new(const struct engine_config *config, struct err *err);

/*
 * Connects to the keeper and the logger (starts them where nobody did), compares what is defined with what runs
 * (engine/recover.h), resumes half-done steps and starts what its restart policy wants running after a boot. done comes
 * when the engine is in order.
 */
int engine_start(struct engine *engine, engine_done *done, void *data, struct err *err);

/* The turn's transaction is committed: what waited for that goes on, starts before all. Called at each turn's end. */
void engine_committed(struct engine *engine);

/*
 * The daemon is about to end. Where no container runs, the keeper and the logger are told to end too and the control
 * group goes; otherwise they stay, as every container does. Nothing may be asked of the engine afterwards.
 */
void engine_stop(struct engine *engine, engine_done *done, void *data);

/* Closes connections and frees; every container runs on. */
void engine_free(struct engine *engine);
DEFINE_CLEANUP(struct engine *, engine_free);

const struct engine_config *engine_config(const struct engine *engine);
struct images *engine_images(struct engine *engine);

/* What keeps containers from working on this machine: a sentence for people, each. */
void engine_problems(struct engine *engine, void (*found)(const char *problem, void *data), void *data);

/* Who uses an image, for image_store_remove() and image_store_prune(). */
struct image_usage engine_image_usage(struct engine *engine);

/* What `info` tells. */
struct engine_counts {
    int containers, running, paused, stopped, images;
};
struct engine_counts engine_count(struct engine *engine);
