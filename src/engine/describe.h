#pragma once
/*
 * From a container's definition to what the runtime carries out (runtime/description.h): process, namespaces, mounts,
 * capabilities and limits. What needs the host's file systems is opened here and goes along as descriptors.
 */
#include "engine/container.h"
#include "runtime/description.h"
#include "sys/capabilities.h"

/* A description with everything that it points to. */
struct described {
    struct description description;
    struct arena arena;
    VEC(int) fds; /* owned: mounts, namespaces, streams */
};

void described_done(struct described *described);

struct describe_options {
    int root; /* the root file system; the caller's */
    bool root_shared;
    int netns; /* the namespace made for it, or -1 */
    int cgroup;
    int stdio[3]; /* -1 with a terminal */
};

int describe_container(struct container *container, const struct container_spec *spec,
                       const struct describe_options *options, struct described *ret, struct err *err);

/* The parts, one file each. */
int describe_process(const struct container_spec *spec, int root, struct described *ret, struct err *err);
int describe_mounts(struct container *container, const struct container_spec *spec, bool root_shared,
                    struct described *ret, struct err *err);
int describe_namespaces(struct container *container, const struct container_spec *spec, int netns,
                        struct described *ret, struct err *err);

/* What exec sessions need too. more: variables of the session, over the container's. */
struct identity;
void describe_environment(const struct container_spec *spec, const struct strings *more, bool tty,
                          const struct identity *identity, struct described *ret);
const char *const *describe_words(struct described *ret, const struct strings *first, const struct strings *second);
void describe_no_new_privileges(const struct host_config *host, struct description *description);

/* Docker's default set with what the definition adds and drops. */
uint64_t capabilities_of(const struct host_config *host);

/* runtime: lean? */
bool is_lean(const struct host_config *host);
