#pragma once
/*
 * The WWW-Authenticate header of a registry (RFC 9110, section 11.6.1): what it wants to see. Pure.
 *
 *     Bearer realm="https://auth.example/token",service="registry.example",scope="repository:a/b:pull"
 */
#include <stdbool.h>
#include <stddef.h>

#define CHALLENGE_VALUE_MAX 1024

struct challenge {
    bool basic;  /* user and password in each request */
    bool bearer; /* a token, which realm gives out (Docker's token authentication) */
    char realm[CHALLENGE_VALUE_MAX];
    char service[CHALLENGE_VALUE_MAX];
    char scope[CHALLENGE_VALUE_MAX]; /* "" where it does not say */
};

/*
 * Takes in one header's value; several headers, and several challenges in one, add up, and the last Bearer's parameters
 * count. False where it could not be read to its end: what was understood until then stays.
 */
bool challenge_read(const char *value, size_t size, struct challenge *ret);
