#pragma once
/*
 * A relay between a user (a client's connection, a terminal) and a process (a tty, pipes, a connection to a daemon):
 * what attach and exec are made of. On the loop, without a thread; whoever is not read is not read from, and at most
 * RELAY_PIECE bytes wait for each of them. Half-close is carried over: the end of the user's input closes the process'
 * input and leaves the way back open.
 *
 *     user.in ───────────────────► process.out
 *     user.out ◄────────────────── process.in, and process.err
 *
 * With framed, each piece on its way to the user gets Docker's stdcopy header: stream (1: in, 2: err), three zeros,
 * size (4 bytes, big-endian); Docker Engine API, "Attach to a container", stream format.
 */
#include "base/cleanup.h"
#include "event/loop.h"

#include <stdbool.h>
#include <stddef.h>

#define RELAY_PIECE (32 * 1024)

struct relay;

/*
 * Descriptors may be sockets, pipes, ttys, or files; -1 where there is none. In a program that must never wait they are
 * non-blocking. They become the relay's, which closes them; in and out of a side may be the same.
 */
struct relay_user {
    int in;
    int out;
};

struct relay_process {
    int in;  /* its output, read from */
    int err; /* its error output */
    int out; /* its input, written to */
};

struct relay_options {
    struct loop *loop;
    struct relay_user user;
    struct relay_process process;
    const void *early; /* bytes that the user sent before the relay began; copied */
    size_t early_size;
    bool framed;
    /*
     * The end of the process' output ends the relay, whatever the user still has to say. Without it the user's end of
     * input is waited for too.
     */
    bool until_process_ends;
    /*
     * What the user sends passes through here and may be changed in place; returns how much of it goes on. *detach ends
     * the relay after that. NULL: all goes on.
     */
    size_t (*filter)(void *data, char *bytes, size_t size, bool *detach);
    /* Takes what the process says instead of user.out, which is -1 then (a client that takes the frames apart). May be
     * NULL. */
    void (*output)(void *data, const char *bytes, size_t size);
    /* Called once, from the loop, when it is over: both ways ended, the user is gone, or detached. May free the relay.
     */
    void (*ended)(void *data);
    void *data;
};

struct relay *relay_new(const struct relay_options *options);
/* Ends it, closes the descriptors; ended is not called. */
void relay_free(struct relay *relay);
DEFINE_CLEANUP(struct relay *, relay_free);
