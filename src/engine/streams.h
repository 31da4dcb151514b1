#pragma once
/*
 * Standard streams of containers. Output goes through FIFOs in RUN/containers/ID/ that the logger reads, input through
 * one that whoever is attached writes; with a terminal both are the pty's master. A container whose output nobody keeps
 * has /dev/null and none of this.
 */
#include "engine/container.h"

/* Makes and opens what the container will need; harmless twice. */
int streams_prepare(struct container *container, struct err *err);

/* /dev/null, for who has no stream; the caller closes it. */
int streams_open_null(struct err *err);

/* The payload's ends, opened for a start; the caller closes them. All -1 with a terminal. */
int streams_for_payload(struct container *container, int stdio[3], struct err *err);

/* The container runs: terminal is the pty's master, or -1. Attachments that waited for it begin. */
void streams_started(struct container *container, int terminal);

/* It runs already, found at the daemon's start. */
void streams_adopt(struct container *container);

/*
 * For who writes its input: *ret is untouched where it takes none. With stdin_once it is the only writing end, so that
 * its end is the end of the input.
 */
int streams_give_input(struct container *container, int *ret, struct err *err);

/* It ended, or never ran: input is closed, FIFOs are removed once their output is read. */
void streams_ended(struct container *container);
void streams_remove(struct container *container);
/* The same where it never ran, and the logger waits for output all the same. */
void streams_abandon(struct container *container);
/* Does a run, or one that is being prepared, have FIFOs and a reader? What else there is of them is left over. */
bool streams_in_use(const struct container *container);
void streams_unlink(struct engine *engine, const char *id);

/* The logger died: what the container says until there is another one is kept, even where it ends meanwhile. */
void streams_logger_lost(struct container *container);

/* Opens a container's streams at a logger that has just been connected to. */
void streams_open_at_logger(struct container *container, bool fresh);
