#pragma once
/* Between registry.c and registry_tls.c. */
#include "image/registry.h"

/* Fills authorities, certificate and key from the registry's folders. */
int registry_read_certificates(struct registry *registry, const char *const *folders, struct err *err);
void registry_set_tls(const struct registry *registry, CURL *curl);
