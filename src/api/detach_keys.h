#pragma once
/*
 * The keys that leave an attached terminal without ending what runs in it: "ctrl-p,ctrl-q" unless the client asks for
 * others (Docker Engine API, detachKeys: single characters and ctrl-<value>, value one of a-z @ [ \ ] ^ _).
 */
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

#define DETACH_KEYS_MAX     16
#define DETACH_KEYS_DEFAULT "ctrl-p,ctrl-q"

struct detach_keys {
    char keys[DETACH_KEYS_MAX];
    size_t count;   /* 0: none, nothing detaches */
    size_t pressed; /* how many of them have come, one after the other */
};

/* NULL or "" gives the default. ERR_INVALID names the key. */
int detach_keys_parse(const char *text, struct detach_keys *ret, struct err *err);

/*
 * Looks for the keys in what the user types. Returns how many bytes may go on: all of them, and *detach is false, or
 * those before the last key of the sequence. (The keys before the last one have gone on by then: nothing is held back
 * from who types ctrl-p alone.)
 */
size_t detach_keys_feed(struct detach_keys *keys, const char *typed, size_t size, bool *detach);
