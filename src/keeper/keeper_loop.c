#include "base/log.h"
#include "base/str.h"
#include "keeper/keeper.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>

static struct epoll_event event_of(uint32_t events, enum watch_kind kind, uint32_t number)
{
    return (struct epoll_event){.events = events, .data.u64 = (uint64_t)kind << 32 | number};
}

int keeper_watch(struct keeper *k, int fd, uint32_t events, enum watch_kind kind, uint32_t number, struct err *err)
{
    struct epoll_event event = event_of(events, kind, number);
    if (epoll_ctl(k->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
        return err_errno(err, errno, "watching a descriptor");
    return 0;
}

void keeper_watch_again(struct keeper *k, int fd, uint32_t events, enum watch_kind kind, uint32_t number)
{
    struct epoll_event event = event_of(events, kind, number);
    (void)epoll_ctl(k->epoll, EPOLL_CTL_MOD, fd, &event);
}

static void dispatch(struct keeper *k, const struct epoll_event *event)
{
    uint32_t number = (uint32_t)event->data.u64;
    switch ((enum watch_kind)(event->data.u64 >> 32)) {
    case WATCH_LISTENER:
        peer_accept(k);
        break;
    case WATCH_SIGNALS:
        reap_signals_ready(k);
        break;
    case WATCH_PEER:
        peer_ready(k, event->events);
        break;
    case WATCH_LAUNCHER:
        spawn_launcher_ready(k, number, event->events);
        break;
    case WATCH_STATUS:
        spawn_status_ready(k, number);
        break;
    }
}

int keeper_run(struct keeper *k)
{
    for (;;) {
        int timeout_ms = reap_due(k);
        peer_continue(k);
        if (k->ending && !k->table.living && !k->peer.reply_waits)
            return EXIT_SUCCESS;
        struct epoll_event events[32];
        int n = epoll_wait(k->epoll, events, ARRAY_SIZE(events), timeout_ms);
        if (n < 0 && errno != EINTR) {
            log_error("waiting for events: %s", strerror(errno));
            return EXIT_FAILURE;
        }
        for (int i = 0; i < n; i++)
            dispatch(k, &events[i]);
    }
}
