#pragma once
/* What `shoal config` prints. */
#include "compose/compose.h"

#define COMPOSE_PRINT_MAX (256U << 20)

enum compose_form { COMPOSE_YAML, COMPOSE_JSON };

/*
 * The model as text that, read again, gives the same model: dollar signs are doubled (unless raw), nothing is left to a
 * default. JSON leaves extensions (x-…) out below the top, as Docker's tools do.
 */
void compose_print(struct arena *arena, const struct compose_project *project, enum compose_form form, bool raw,
                   struct buf *out);

/* The names under a key of the model ("services", "volumes" …), sorted; models by what they are called where they run.
 */
void compose_list_names(struct arena *arena, const struct compose_project *project, const char *key,
                        struct strings *ret);
/* The profiles that services name, those of disabled ones too, sorted. */
void compose_list_profiles(struct arena *arena, const struct compose_project *project, struct strings *ret);
/* The image of each service, in the order of their names; PROJECT-SERVICE for one that is built without a name. */
void compose_list_images(struct arena *arena, const struct compose_project *project, struct strings *ret);
