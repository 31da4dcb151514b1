#pragma once
/*
 * Who to be at a registry: from the X-Registry-Auth of an API request, or from Docker's client configuration
 * (~/.docker/config.json: auths, credHelpers, credsStore). Blocks where a credential helper is asked.
 */
#include "base/arena.h"
#include "base/err.h"
#include "codec/json.h"

struct credentials {
    char *username, *password; /* NULL: nobody in particular */
    char *identity_token;      /* OAuth2 refresh token, instead of a password */
    char *registry_token;      /* a bearer token, used as it is */
};

/* From an AuthConfig object of Docker's API: username, password, auth, identitytoken, registrytoken. */
int credentials_from_auth(const json_value *auth, struct arena *arena, struct credentials *ret, struct err *err);

/*
 * For the registry of that host ("docker.io" for Docker Hub) from the configuration at path; a file that does not exist
 * knows nobody. ERR_INVALID where it is broken, ERR_DENIED where a helper fails.
 */
int credentials_find(const char *path, const char *host, struct arena *arena, struct credentials *ret, struct err *err);

/* $DOCKER_CONFIG/config.json or $HOME/.docker/config.json; NULL where neither is set. */
char *credentials_default_path(struct arena *arena);
