#include "engine/logfile.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "engine/logfile_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#define TAIL_BLOCK ((size_t)16 * 1024)

/* --- Finding the start -------------------------------------------------------------------------------------------- */

static uint64_t size_of(const struct logfile *f)
{
    struct stat st;
    return fstat(f->fd, &st) == 0 ? (uint64_t)st.st_size : 0;
}

/*
 * Reading backwards, one block a call: the start of the last N records is behind the newline before them, the N+1st
 * from the end. True when it is found.
 */
static bool scan_block(struct logfile *f)
{
    char block[TAIL_BLOCK];
    size_t size = f->offset < sizeof(block) ? (size_t)f->offset : sizeof(block);
    f->offset -= size;
    ssize_t n = pread(f->fd, block, size, (off_t)f->offset);
    for (ssize_t i = n; i-- > 0;)
        if (block[i] == '\n' && ++f->newlines > f->query.tail) {
            f->offset += (uint64_t)i + 1;
            return true;
        }
    return false;
}

static int tail_step(struct logfile *f, struct err *err)
{
    if (f->fd < 0 || scan_block(f)) {
        f->state = LOGFILE_READING;
        return 0;
    }
    if (f->offset > 0)
        return 0;
    int r = logfile_open_older(f, err);
    if (r > 0)
        f->offset = size_of(f);
    else
        f->state = LOGFILE_READING;
    return r < 0 ? r : 0;
}

/* A file that was last written before since_ns has nothing to say. */
static void skip_old(struct logfile *f)
{
    struct stat st;
    char last;
    if (!f->query.since_ns || f->fd < 0 || fstat(f->fd, &st) < 0 || st.st_size == 0)
        return;
    int64_t written_ns = (int64_t)st.st_mtim.tv_sec * NS_PER_S + st.st_mtim.tv_nsec;
    if (written_ns < f->query.since_ns && pread(f->fd, &last, 1, st.st_size - 1) == 1 && last == '\n')
        f->offset = (uint64_t)st.st_size;
}

static int find_start(struct logfile *f, struct err *err)
{
    int r = logfile_open_current(f, err);
    if (r > 0) {
        f->end_inode = f->inode;
        f->end_offset = size_of(f);
    }
    /* The current file may be missing for an instant in which the older ones are there. */
    if (r >= 0 && (r == 0 || f->query.tail == LOGFILE_TAIL_ALL))
        r = logfile_open_oldest(f, err);
    if (r < 0)
        return r;
    bool all = f->query.tail == LOGFILE_TAIL_ALL;
    f->state = all || f->fd < 0 ? LOGFILE_READING : LOGFILE_TAILING;
    if (f->state == LOGFILE_TAILING)
        f->offset = size_of(f);
    else
        skip_old(f);
    return 0;
}

/* --- Reading ------------------------------------------------------------------------------------------------------ */

/* Forgets what is not a whole line yet: its writer may take it back and write it again. */
static void drop_buffer(struct logfile *f)
{
    f->offset -= f->size < f->offset ? f->size : f->offset;
    f->start = f->size = 0;
    free(f->buffer);
    f->buffer = NULL;
}

/* Fills the buffer; the number of bytes read, 0 at the end of the file as it is now. */
static ssize_t fill(struct logfile *f, struct err *err)
{
    if (f->fd < 0)
        return 0;
    if (!f->buffer)
        f->buffer = mem_alloc(LOGFILE_BUFFER);
    if (f->size && f->start)
        memmove(f->buffer, f->buffer + f->start, f->size);
    f->start = 0;
    if (f->size == LOGFILE_BUFFER) {
        f->size = 0;
        f->skipping = true;
    }
    size_t room = LOGFILE_BUFFER - f->size;
    if (room > LOGFILE_STEP_BYTES / 4)
        room = LOGFILE_STEP_BYTES / 4;
    bool ends = !f->query.follow && f->inode == f->end_inode;
    if (ends && f->end_offset - f->offset < room)
        room = f->end_offset > f->offset ? (size_t)(f->end_offset - f->offset) : 0;
    ssize_t n = room ? pread(f->fd, f->buffer + f->size, room, (off_t)f->offset) : 0;
    if (n < 0)
        return err_errno(err, errno, "cannot read the log of container %s", f->id);
    f->size += (size_t)n;
    f->offset += (uint64_t)n;
    return n;
}

/* Takes the next whole line out of the buffer. */
static char *take_line(struct logfile *f, size_t *ret_size)
{
    char *line = f->buffer ? f->buffer + f->start : NULL;
    char *end = line ? memchr(line, '\n', f->size) : NULL;
    if (!end)
        return NULL;
    *ret_size = (size_t)(end - line) + 1;
    f->start += *ret_size;
    f->size -= *ret_size;
    return line;
}

/* A record that was asked for in the buffer? One behind until_ns ends it all. */
static bool next_wanted(struct logfile *f, struct jsonlog_record *ret)
{
    const struct logfile_query *q = &f->query;
    size_t size;
    for (char *line; (line = take_line(f, &size));) {
        bool whole = !f->skipping;
        f->skipping = false;
        if (!whole || !jsonlog_parse(line, size, ret))
            continue;
        if (q->until_ns && ret->time_ns > q->until_ns) {
            f->state = LOGFILE_ENDED;
            return false;
        }
        bool stream_wanted = ret->stream == JSONLOG_STDERR ? q->stderr_wanted : q->stdout_wanted;
        if (stream_wanted && ret->time_ns >= q->since_ns)
            return true;
    }
    return false;
}

/*
 * At the end of a file. A file that was renamed is written no more, but it may have been after our last look: it is
 * read to its end once more before the next one begins.
 */
static int go_on(struct logfile *f, struct err *err)
{
    drop_buffer(f);
    if (f->fd >= 0 && size_of(f) < f->offset) /* somebody emptied it */
        f->offset = 0;
    if (f->fd >= 0 && !f->query.follow && f->inode == f->end_inode)
        return LOGFILE_END;
    if (f->fd >= 0 && !f->renamed) {
        f->renamed = logfile_is_renamed(f);
        if (f->renamed)
            return LOGFILE_AGAIN;
    } else {
        int r = f->fd < 0 ? logfile_open_oldest(f, err) : logfile_open_newer(f, err);
        if (r < 0)
            return r;
        if (r > 0) {
            f->renamed = false;
            skip_old(f);
            return LOGFILE_AGAIN;
        }
    }
    return f->query.follow && !f->finished ? LOGFILE_WAIT : LOGFILE_END;
}

int logfile_next(struct logfile *f, struct jsonlog_record *ret, struct err *err)
{
    f->waiting = false;
    for (size_t done = 0; done < LOGFILE_STEP_BYTES; done += sizeof(struct stat)) {
        int r = 0;
        if (f->state == LOGFILE_ENDED)
            return LOGFILE_END;
        if (f->state == LOGFILE_TAILING) {
            done += TAIL_BLOCK;
            r = tail_step(f, err);
        } else if (next_wanted(f, ret)) {
            return LOGFILE_RECORD;
        } else if (f->state == LOGFILE_READING) {
            r = (int)fill(f, err);
            done += r > 0 ? (size_t)r : 0;
            if (r == 0 && (r = go_on(f, err)) != LOGFILE_AGAIN) {
                f->waiting = r == LOGFILE_WAIT;
                return r;
            }
        }
        if (r < 0)
            return r;
    }
    return LOGFILE_AGAIN;
}

/* --- Life --------------------------------------------------------------------------------------------------------- */

struct logfile *logfile_open(const char *folder, const char *id, const struct logfile_query *query,
                             struct logfile_watcher *watcher, struct err *err)
{
    if (!id_is_full(id)) {
        (void)err_set(err, ERR_INVALID, "%s is no container's id", id);
        return NULL;
    }
    struct logfile *f = NEW(struct logfile);
    memcpy(f->id, id, ID_SIZE);
    f->query = *query;
    f->fd = f->watch = -1;
    f->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = f->folder_fd < 0 ? err_errno(err, errno, "cannot read the log of container %s in %s", id, folder) : 0;
    /* Before the first look: what is written after it must wake us. */
    if (r == 0 && query->follow)
        r = logfile_watch(f, watcher, folder, err);
    if (r == 0)
        r = find_start(f, err);
    if (r < 0) {
        logfile_close(f);
        return NULL;
    }
    return f;
}

void logfile_close(struct logfile *f)
{
    if (!f)
        return;
    logfile_unwatch(f);
    closep(&f->folder_fd);
    closep(&f->fd);
    free(f->buffer);
    free(f);
}

void logfile_on_change(struct logfile *f, void (*changed)(struct logfile *f, void *data), void *data)
{
    f->changed = changed;
    f->changed_data = data;
}

void logfile_finish(struct logfile *f)
{
    f->finished = true;
    logfile_notify(f);
}
