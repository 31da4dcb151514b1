#pragma once
/* The inside of compose_to_spec(): what its files share. */
#include "compose/to_spec.h"

struct spec_maker {
    const struct compose_options *options;
    const struct compose_project *project;
    struct arena *arena;
    struct err *err;
};

/* The real name of a network or volume ("networks", "volumes"), or key itself. */
char *spec_real_name(const struct spec_maker *maker, const char *kind, const char *key);
/* com.docker.compose.project and what else all of a stack's objects carry. */
void spec_add_label(const struct spec_maker *maker, struct pairs *labels, const char *key, const char *value);

/* Fills a service, all but the container (to_service.c). */
void spec_make_service(const struct spec_maker *maker, const char *name, const struct yaml *from,
                       struct service_spec *ret);
/* Fills the container of a replica (to_container.c). */
void spec_make_container(const struct spec_maker *maker, const char *name, const struct yaml *from,
                         struct container_spec *ret);
/* Its mounts, devices and limits (to_resources.c). */
void spec_make_resources(const struct spec_maker *maker, const struct yaml *from, struct host_config *ret);
/* Its networks and published ports (to_network.c). */
void spec_make_network(const struct spec_maker *maker, const char *name, const struct yaml *from,
                       struct container_spec *ret);
