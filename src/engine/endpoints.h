#pragma once
/*
 * A container's places in networks: made for each start, given back at its end. Its ports are published and its names
 * resolve from its start on.
 */
#include "engine/container.h"

/* Do the networks that the definition names exist? For creating. */
int endpoints_check(struct container *container, const struct container_spec *spec, struct err *err);

/*
 * Makes the network namespace and attaches it. *ret_netns is its descriptor, the caller's, or -1 where the container
 * has none of its own (host, none, another container's).
 */
int endpoints_attach(struct container *container, const struct container_spec *spec, int *ret_netns, struct err *err);

/* Takes over what the database says of a container that runs since an earlier daemon. */
int endpoints_adopt(struct container *container, struct err *err);

/* Gives addresses, ports and names back. alive: only the daemon's side goes, for the engine's own end. */
void endpoints_release(struct container *container);

/* The name changed: DNS follows. */
void endpoints_renamed(struct container *container);

/* /etc/hosts and /etc/resolv.conf for this run, in arena. NULL: the image's own file stays. */
const char *endpoints_hosts_file(struct container *container, const struct container_spec *spec, struct arena *arena);
const char *endpoints_resolv_file(struct container *container, const struct container_spec *spec, struct arena *arena);
