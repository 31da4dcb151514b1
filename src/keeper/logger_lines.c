#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "keeper/logger.h"

#include <errno.h>
#include <stdio.h>

/* Records under way from a window into l->out, and from there into the file as one write. */
struct batch {
    size_t consumed; /* bytes of the window */
    size_t out_size;
    uint32_t extra;   /* records of our own at its beginning */
    uint64_t marked;  /* dropped lines that they tell of */
    uint64_t records; /* in all */
    int64_t time_ns;  /* of the next record: each gets its own */
    bool stopped;     /* something is left: the file or l->out is full */
};

/* --- Dropping ----------------------------------------------------------------------------------------------------- */

/* Counts a piece that is lost; a line is one however many pieces it has. */
static void count_dropped(struct container *c, struct stream *s, char last_byte, int reason)
{
    if (s->midline)
        c->cut |= s->number;
    if (!s->skipping) {
        c->dropped++;
        c->unmarked++;
    }
    s->midline = false;
    s->skipping = last_byte != '\n';
    c->drop_reason = reason;
}

/* Drops the whole lines of a window, or, with one, what is left of the line whose beginning was dropped. */
static size_t drop_lines(struct logger *l, struct container *c, struct stream *s, const struct window *w, bool last,
                         int reason, bool one)
{
    size_t used = 0;
    for (size_t n; (n = jsonlog_piece(w->data + used, w->size - used, last));) {
        used += n;
        count_dropped(c, s, w->data[used - 1], reason);
        if (one && !s->skipping)
            break;
    }
    stream_consume(l, s, used, NULL);
    return used;
}

/*
 * In non-blocking mode the pipe is the buffer: from three quarters on lines are dropped, the oldest first, until it is
 * half empty, so that the payload has room to write while the disk is waited for.
 */
static bool is_behind(const struct container *c, struct stream *s)
{
    if (!(c->flags & LOGGER_NON_BLOCKING) || s->terminal || s->hung_up || c->closing)
        return false;
    size_t used, capacity;
    stream_fill(s, &used, &capacity);
    s->behind = used > capacity / 4 * (s->behind ? 2 : 3);
    return s->behind;
}

/* --- Batches ------------------------------------------------------------------------------------------------------ */

/* Adds a record; false where l->out or the file has no room for it, and nothing is added. */
static bool add_record(struct logger *l, struct container *c, struct batch *b, enum jsonlog_stream stream,
                       const char *text, size_t size)
{
    const struct jsonlog_record record = {.text = text,
                                          .size = size,
                                          .stream = stream,
                                          .time_ns = b->time_ns,
                                          .attrs = c->attrs,
                                          .attrs_size = c->attrs_size};
    size_t n = jsonlog_format(l->out + b->out_size, sizeof(l->out) - b->out_size, &record, &l->clock);
    uint64_t after = c->file.size + b->out_size + n;
    if (!n || (after > c->file.max_size && c->file.size + b->out_size > 0))
        return false;
    b->out_size += n;
    b->records++;
    b->time_ns++;
    return true;
}

static const char *drop_reason(int reason)
{
    if (reason == EAGAIN)
        return "the log is slower than the container";
    return reason == ENOSPC || reason == EDQUOT ? "disk full" : strerror(reason);
}

/* Tells of lost lines in the log itself, after an end for each line that was lost in its middle. */
static void add_mark(struct logger *l, struct container *c, struct batch *b)
{
    if (!c->unmarked)
        return;
    char text[128];
    int n = snprintf(text, sizeof(text), "[shoal: %llu line%s dropped: %s]\n", (unsigned long long)c->unmarked,
                     c->unmarked == 1 ? "" : "s", drop_reason(c->drop_reason));
    bool added = (!(c->cut & JSONLOG_STDOUT) || add_record(l, c, b, JSONLOG_STDOUT, "\n", 1)) &&
                 (!(c->cut & JSONLOG_STDERR) || add_record(l, c, b, JSONLOG_STDERR, "\n", 1)) &&
                 add_record(l, c, b, JSONLOG_STDERR, text, n < (int)sizeof(text) ? (size_t)n : sizeof(text) - 1);
    b->marked = added ? c->unmarked : 0;
    b->extra = (uint32_t)b->records;
    b->stopped = !added;
}

static void add_pieces(struct logger *l, struct container *c, struct batch *b, struct stream *s, const struct window *w,
                       bool last)
{
    for (size_t n; !b->stopped && (n = jsonlog_piece(w->data + b->consumed, w->size - b->consumed, last));) {
        b->stopped = !add_record(l, c, b, s->number, w->data + b->consumed, n);
        if (!b->stopped)
            b->consumed += n;
    }
}

static void batch_fill(struct logger *l, struct container *c, struct batch *b, struct stream *s, const struct window *w,
                       bool last)
{
    *b = (struct batch){.time_ns = clock_realtime_ns()};
    add_mark(l, c, b);
    add_pieces(l, c, b, s, w, last);
}

/* After `kept` bytes of the batch were written, and with this error the others not. */
static void account(struct logger *l, struct container *c, struct stream *s, const struct window *w,
                    const struct batch *b, size_t kept, int error)
{
    uint64_t records = b->records, done = 0;
    if (kept < b->out_size) {
        records = 0;
        for (size_t i = 0; i < kept; i++)
            records += l->out[i] == '\n';
    }
    if (records >= b->extra && b->marked) {
        c->unmarked -= b->marked;
        c->cut = 0;
    }
    c->lines += records;
    for (size_t used = 0; used < b->consumed; done++) {
        size_t n = jsonlog_piece(w->data + used, b->consumed - used, true);
        used += n;
        char last_byte = w->data[used - 1];
        if (b->extra + done >= records) {
            count_dropped(c, s, last_byte, -error);
            continue;
        }
        c->bytes += n;
        s->midline = last_byte != '\n';
    }
}

/* Writes it, then takes it out of the FIFO: see logger_journal.h. */
static void batch_commit(struct logger *l, struct container *c, struct stream *s, const struct window *w,
                         const struct batch *b)
{
    struct journal_entry entry = {.size = (uint32_t)b->consumed,
                                  .offset = c->file.size,
                                  .inode = c->file.inode,
                                  .extra = b->extra,
                                  .stream = s->number};
    memcpy(entry.id, c->id, ID_SIZE);
    bool journaled = b->consumed && !s->terminal;
    if (journaled)
        journal_begin(&l->journal, &entry, w->data[0]);
    size_t kept;
    int error = log_file_append(&l->files, &c->file, c->id, l->out, b->out_size, &kept);
    account(l, c, s, w, b, kept, error);
    if (b->consumed)
        stream_consume(l, s, b->consumed, journaled ? journal_proof(&l->journal) : NULL);
    if (journaled)
        journal_end(&l->journal);
}

/* Opens the file, and begins a new one where the next record would not fit. */
static int make_room(struct logger *l, struct container *c, struct batch *b, struct stream *s, const struct window *w,
                     bool last)
{
    int r = log_file_open(&l->files, &c->file, c->id);
    if (r < 0)
        return r;
    batch_fill(l, c, b, s, w, last);
    if (b->records || !b->stopped)
        return 0;
    r = log_file_rotate(&l->files, &c->file, c->id);
    if (r == 0)
        batch_fill(l, c, b, s, w, last);
    return r;
}

static size_t log_lines(struct logger *l, struct container *c, struct stream *s, const struct window *w, bool last,
                        bool *ret_stopped)
{
    struct batch b;
    int r = make_room(l, c, &b, s, w, last);
    if (r < 0)
        return drop_lines(l, c, s, w, last, -r, false);
    *ret_stopped = b.stopped;
    if (b.records)
        batch_commit(l, c, s, w, &b);
    return b.consumed;
}

size_t container_log(struct logger *l, struct container *c, struct stream *s, const struct window *w, bool last,
                     bool *ret_stopped)
{
    *ret_stopped = false;
    if (!jsonlog_piece(w->data, w->size, last)) {
        /* A pipe that is full without a whole line would stay so: a line is cut where it must be. */
        if (!w->size || !stream_is_full(l, s, w->more))
            return 0;
        last = true;
    }
    if (s->skipping) {
        *ret_stopped = true;
        return drop_lines(l, c, s, w, last, c->drop_reason, true);
    }
    if (is_behind(c, s))
        return drop_lines(l, c, s, w, last, EAGAIN, false);
    return log_lines(l, c, s, w, last, ret_stopped);
}

void container_log_end(struct logger *l, struct container *c)
{
    struct batch b = {.time_ns = clock_realtime_ns()};
    size_t kept = 0;
    if (!c->unmarked || log_file_open(&l->files, &c->file, c->id) < 0)
        return;
    add_mark(l, c, &b);
    if (b.stopped && log_file_rotate(&l->files, &c->file, c->id) == 0) {
        b = (struct batch){.time_ns = clock_realtime_ns()};
        add_mark(l, c, &b);
    }
    (void)log_file_append(&l->files, &c->file, c->id, l->out, b.out_size, &kept);
}

/* --- After a kill ------------------------------------------------------------------------------------------------- */

/* The bytes of the first `records` pieces of what was a batch of `size` bytes. */
static size_t pieces_size(const struct window *w, size_t size, size_t records)
{
    size_t used = 0;
    if (size > w->size)
        return 0;
    for (; records && used < size; records--)
        used += jsonlog_piece(w->data + used, size - used, true);
    return used;
}

void stream_recover(struct logger *l, struct stream *s)
{
    struct container *c = stream_container(s);
    struct journal_entry *entry = journal_find(&l->journal, c->id, s->number);
    if (!entry)
        return;
    struct window w;
    size_t records;
    int r = log_file_mend(&l->files, &c->file, c->id, entry->inode, entry->offset, &records);
    if (r < 0)
        log_warning("container %s: a few lines may be in the log twice: %s", c->id, strerror(-r));
    if (r == 0 && !journal_was_consumed(entry) && records > entry->extra && stream_look(l, s, &w)) {
        size_t size = pieces_size(&w, entry->size, records - entry->extra);
        stream_consume(l, s, size, &entry->proof); /* should this be killed too */
    }
    journal_forget(entry);
}
