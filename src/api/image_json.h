#pragma once
/* Images as the API shows them, and the events that the engine's clients see of them. */
#include "api/api.h"
#include "image/image.h"

/* ["nginx:latest"] and ["nginx@sha256:…"]: keys and values. Before version 1.43 an image without any has "<none>" of
 * both. */
void image_json_names(const struct http_request *request, const struct strings *tags, const struct strings *digests,
                      struct json_out *out);
/* Names as people write them, under key. */
void image_json_tags(const char *key, const struct strings *names, struct json_out *out);
/* The whole answer of inspect. */
void image_json_inspect(const struct http_request *request, const struct image *image,
                        const struct image_config *config, struct json_out *out);

/* Tells of "pull", "tag", "untag", "delete", "load", "import"; name: what the attributes call it. */
void image_emit(struct api *api, const char *action, const char *id, const char *name);
