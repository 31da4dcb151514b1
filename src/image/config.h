#pragma once
/*
 * An image's configuration: the JSON document whose sha256 digest is the image's ID (OCI image-spec, config.md;
 * Docker's image spec v1.2 with its additions: Healthcheck, Shell, OnBuild, ArgsEscaped).
 */
#include "base/arena.h"
#include "base/err.h"
#include "codec/digest.h"
#include "codec/fields.h"
#include "codec/platform.h"
#include "spec/container.h"

#define IMAGE_CONFIG_MAX ((size_t)8 << 20) /* bytes */
#define IMAGE_LAYERS_MAX 256               /* overlay takes 500; Docker 127 */

/* What a container takes over where its own specification says nothing. */
struct image_run_config {
    char *hostname, *domainname, *user, *working_dir, *stop_signal, *image;
    struct strings env;
    struct strings entrypoint, cmd; /* items NULL where absent */
    struct strings exposed_ports;   /* "80/tcp" */
    struct strings volumes;         /* paths */
    struct strings on_build, shell;
    struct pairs labels;
    struct health_check *health_check; /* NULL where absent */
    bool args_escaped;
};

struct image_history {
    char *created, *created_by, *author, *comment;
    bool empty_layer;
};

struct image_config {
    char *created; /* RFC 3339, NULL where absent */
    char *author, *comment, *docker_version, *parent;
    char *architecture, *variant, *os, *os_version;
    struct image_run_config run;
    struct image_rootfs {
        char *type;              /* "layers" */
        struct strings diff_ids; /* digests of the uncompressed layers, the lowest first */
    } rootfs;
    VEC(struct image_history) history;
};

extern const struct fields image_config_table;
extern const struct fields image_run_config_table; /* "config", and Docker's Config of an inspected image */

/*
 * Reads and checks it: rootfs.type is "layers", the diff IDs are digests, at most IMAGE_LAYERS_MAX. Strings live in
 * arena. ERR_INVALID names what is wrong; what names the document.
 */
int image_config_read(const char *text, size_t size, struct arena *arena, struct image_config *ret, const char *what,
                      struct err *err);

/* When it was made, in ns since 1970; 0 where the configuration does not say. */
int64_t image_config_created_ns(const struct image_config *config);
void image_config_platform(const struct image_config *config, struct platform *ret);

/*
 * The chain ID of the layers up to and including diff_id on top of parent ("" for the lowest): sha256(parent + " " +
 * diff_id) (config.md, "Layer ChainID"). The identity of a layer in its place: what lies beneath it decides about
 * folders that it does not name itself.
 */
void image_chain_id(const char *parent, const char *diff_id, char ret[DIGEST_SIZE]);
