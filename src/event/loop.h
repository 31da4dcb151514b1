#pragma once
/*
 * The event loop: epoll, one timerfd's worth of timers, signals and children. One loop a process, one thread. Sources
 * are embedded in their owner (container_of() leads back), cost no allocation, and may be removed from any callback,
 * their own included: a removed source is never called again, even where its event was already fetched.
 *
 * A turn: wait, call what is ready, then the deferred calls (loop_defer), then the turn hook (the daemon commits its
 * database there and lets go the replies that waited for the commit). Callbacks never wait.
 */
#include "base/cleanup.h"
#include "base/err.h"
#include "base/list.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/types.h>

struct loop;

struct loop *loop_new(struct err *err);
void loop_free(struct loop *loop);
DEFINE_CLEANUP(struct loop *, loop_free);

/* Runs turns until loop_stop(). */
int loop_run(struct loop *loop, struct err *err);
/* One turn, waiting timeout_ms at most (-1: until something happens). For tests and for draining. */
int loop_turn(struct loop *loop, int timeout_ms, struct err *err);
void loop_stop(struct loop *loop);

/* Called at the end of each turn in which anything was called. */
void loop_on_turn_end(struct loop *loop, void (*f)(void *data), void *data);

/* --- Descriptors -------------------------------------------------------------------------------------------------- */

struct io {
    void (*ready)(struct io *io, uint32_t events); /* EPOLLIN, EPOLLOUT, EPOLLHUP, EPOLLERR, EPOLLRDHUP, EPOLLPRI */
    struct loop *loop;                             /* NULL while not watched */
    int fd;                                        /* the owner's; the loop never closes it */
    uint32_t events;
};

/*
 * Watches fd. events may be 0: then only EPOLLHUP and EPOLLERR come, and these are level-triggered and cannot be
 * masked: an owner that is not ready to deal with a hang-up must remove the source.
 */
int io_add(struct io *io, struct loop *loop, int fd, uint32_t events, struct err *err);
/* Changes what is waited for. Cheap when nothing changes. */
void io_want(struct io *io, uint32_t events);
void io_remove(struct io *io); /* harmless when not watched */

/* --- Timers ------------------------------------------------------------------------------------------------------- */

struct timer {
    void (*expired)(struct timer *timer);
    struct loop *loop; /* NULL while not armed */
    int64_t at_ms;     /* clock_monotonic_ms() */
    size_t index;      /* in the loop's heap */
};

/* Arms (or re-arms) a one-shot timer; O(log n). An idle loop with no timer never wakes. */
void timer_start(struct timer *timer, struct loop *loop, int64_t delay_ms);
void timer_stop(struct timer *timer); /* harmless when not armed */

/* --- Deferred calls ----------------------------------------------------------------------------------------------- */

struct deferred {
    void (*call)(struct deferred *deferred);
    struct list link;
};

/* Calls it once, at the end of this turn (or of the next, outside of one). Harmless when it is waiting already. */
void loop_defer(struct loop *loop, struct deferred *deferred);
void deferred_cancel(struct deferred *deferred);

/* --- Signals and children ----------------------------------------------------------------------------------------- */

struct signal_watch {
    void (*arrived)(struct signal_watch *watch, const struct signalfd_siginfo *info);
    struct io io;
};

/* Blocks signo for the process and calls back for it. */
int signal_watch_add(struct signal_watch *watch, struct loop *loop, int signo, struct err *err);
void signal_watch_remove(struct signal_watch *watch);

struct child {
    void (*exited)(struct child *child, int status); /* as waitpid(2) gives it; reaped already */
    struct io io;                                    /* a pidfd, closed by child_remove() */
    pid_t pid;
};

/* Watches a child of this process by pidfd; reaps it when it ends. */
int child_add(struct child *child, struct loop *loop, pid_t pid, struct err *err);
/* Stops watching, neither kills nor reaps. */
void child_remove(struct child *child);
