#pragma once
/*
 * From the short forms of the specification to the long ones, and the defaults of the long ones. The steps named here
 * stand in the tables of shapes. In a raw walk (no interpolation) what does not read as a short form stays as it is.
 */
#include "compose/shape.h"

/* Brings a whole tree into its long forms. */
int lengthen(struct walk *walk, const struct shape *shape, const struct place *place, struct yaml **node);
/* Fills in the defaults that the long forms have. */
int fill_defaults(struct walk *walk, const struct shape *shape, const struct place *place, struct yaml **node);

/* Steps of lengthening. */
shape_step lengthen_build, lengthen_depends_on, lengthen_device, lengthen_env_files, lengthen_extends,
    lengthen_external, lengthen_gpus, lengthen_grant, lengthen_names, lengthen_contexts, lengthen_ports, lengthen_ssh,
    lengthen_texts, lengthen_volume, lengthen_scalar;

/* Steps of filling in. */
shape_step fill_build, fill_device_request, fill_port, fill_secret;

/*
 * A short volume (Compose Specification, "volumes", short syntax): SOURCE:TARGET:OPTIONS as a mapping of the long
 * syntax. NULL where it is none, with the reason in *why; else *why is an option that has no effect, or NULL.
 */
struct yaml *volume_from_text(struct arena *arena, const char *text, const struct yaml *at, const char **why);
