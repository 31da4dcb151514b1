#include "base/mem.h"
#include "engine/logfile_internal.h"

#include <errno.h>
#include <sys/inotify.h>

#define BUCKETS 64
#define CHANGES (IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_ONLYDIR)

struct logfile_watcher {
    struct io io;                 /* inotify's descriptor is owned */
    struct list readers[BUCKETS]; /* struct logfile, by the number of the watch */
    struct list due;              /* those to be told of what was just read */
};

static struct list *bucket(struct logfile_watcher *watcher, int watch)
{
    return &watcher->readers[(unsigned)watch % BUCKETS];
}

/* Moves those that wait for this watch (-1: for any) to the due ones: telling one may close others. */
static void collect(struct logfile_watcher *watcher, struct list *readers, int watch)
{
    struct logfile *f;
    list_foreach (f, readers, watched)
        if (f->waiting && (watch < 0 || f->watch == watch)) {
            list_remove(&f->watched);
            list_push(&watcher->due, &f->watched);
        }
}

static void collect_event(struct logfile_watcher *watcher, const struct inotify_event *event)
{
    if (!(event->mask & IN_Q_OVERFLOW)) {
        collect(watcher, bucket(watcher, event->wd), event->wd);
        return;
    }
    for (int i = 0; i < BUCKETS; i++)
        collect(watcher, &watcher->readers[i], -1);
}

static void tell_due(struct logfile_watcher *watcher)
{
    while (!list_empty(&watcher->due)) {
        struct logfile *f = container_of(watcher->due.next, struct logfile, watched);
        list_remove(&f->watched);
        list_push(bucket(watcher, f->watch), &f->watched);
        logfile_notify(f);
    }
}

/* One read a turn: a log that is written fast must not hold up the loop. */
static void watcher_ready(struct io *io, uint32_t events)
{
    struct logfile_watcher *watcher = container_of(io, struct logfile_watcher, io);
    char data[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
    ssize_t n = read(io->fd, data, sizeof(data));
    for (ssize_t at = 0; at + (ssize_t)sizeof(struct inotify_event) <= n;) {
        const struct inotify_event *event = (const struct inotify_event *)(data + at);
        collect_event(watcher, event);
        at += (ssize_t)(sizeof(*event) + event->len);
    }
    tell_due(watcher);
}

struct logfile_watcher *logfile_watcher_new(struct loop *loop, struct err *err)
{
    struct logfile_watcher *watcher = NEW(struct logfile_watcher);
    for (int i = 0; i < BUCKETS; i++)
        list_init(&watcher->readers[i]);
    list_init(&watcher->due);
    watcher->io = (struct io){.ready = watcher_ready, .fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC)};
    int r = watcher->io.fd < 0 ? err_errno(err, errno, "cannot watch log files (fs.inotify.max_user_instances)")
                               : io_add(&watcher->io, loop, watcher->io.fd, EPOLLIN, err);
    if (r < 0) {
        logfile_watcher_free(watcher);
        return NULL;
    }
    return watcher;
}

void logfile_watcher_free(struct logfile_watcher *watcher)
{
    if (!watcher)
        return;
    io_remove(&watcher->io);
    closep(&watcher->io.fd);
    free(watcher);
}

int logfile_watch(struct logfile *f, struct logfile_watcher *watcher, const char *folder, struct err *err)
{
    f->watch = inotify_add_watch(watcher->io.fd, folder, CHANGES);
    if (f->watch < 0)
        return err_errno(err, errno, "cannot watch %s (fs.inotify.max_user_watches)", folder);
    f->watcher = watcher;
    list_push(bucket(watcher, f->watch), &f->watched);
    return 0;
}

/* Readers of one folder share its watch; the last one takes it away. */
void logfile_unwatch(struct logfile *f)
{
    if (!f->watcher)
        return;
    list_remove(&f->watched);
    const struct list *lists[] = {bucket(f->watcher, f->watch), &f->watcher->due};
    const struct logfile *other;
    for (int i = 0; i < 2; i++)
        list_foreach (other, lists[i], watched)
            if (other->watch == f->watch)
                return;
    (void)inotify_rm_watch(f->watcher->io.fd, f->watch);
}

void logfile_notify(struct logfile *f)
{
    if (!f->waiting)
        return;
    f->waiting = false;
    if (f->changed)
        f->changed(f, f->changed_data);
}
