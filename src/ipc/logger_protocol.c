#include "ipc/logger_protocol.h"

#include "base/str.h"
#include "codec/jsonlog.h"

#define NEEDS_ID 1U
#define HAS_TEXT 2U

static const struct {
    const char *name;
    unsigned flags;
    unsigned fds;
} requests[LOGGER_REQUEST_COUNT] = {
    [LOGGER_HELLO] = {"hello", 0, 1},          [LOGGER_OPEN] = {"open", NEEDS_ID | HAS_TEXT, 0}, /* one with a tty */
    [LOGGER_CLOSE] = {"close", NEEDS_ID, 0},   [LOGGER_ATTACH] = {"attach", NEEDS_ID, 1},
    [LOGGER_DETACH] = {"detach", 0, 0},        [LOGGER_ROTATE] = {"rotate", NEEDS_ID, 0},
    [LOGGER_REOPEN] = {"reopen", NEEDS_ID, 0}, [LOGGER_LIST] = {"list", 0, 0},
    [LOGGER_STATS] = {"stats", NEEDS_ID, 0},   [LOGGER_SHUTDOWN] = {"shutdown", 0, 0},
};

/* Is id NUL-terminated, and a whole one or none? */
static bool id_fits(const char id[ID_SIZE], bool needed)
{
    return id[ID_SIZE - 1] == '\0' && (needed ? id_is_full(id) : id[0] == '\0');
}

static int check_open(const struct logger_request *r, struct err *err)
{
    bool tty = r->flags & LOGGER_TTY;
    if (r->driver != LOGGER_JSON_FILE && r->driver != LOGGER_ATTACH_ONLY)
        return err_set(err, ERR_INVALID, "open: no log driver has the number %u", r->driver);
    if (r->flags & ~(uint32_t)(LOGGER_TTY | LOGGER_FRESH | LOGGER_NON_BLOCKING))
        return err_set(err, ERR_INVALID, "open: unknown flags %#x", r->flags);
    if (r->max_files > JSONLOG_FILES_MAX)
        return err_set(err, ERR_INVALID, "open: %u log files (at most %d)", r->max_files, JSONLOG_FILES_MAX);
    if (r->max_size && r->max_size < 4096)
        return err_set(err, ERR_INVALID, "open: a log file of %llu bytes (at least 4096)",
                       (unsigned long long)r->max_size);
    if (tty && r->streams != LOGGER_STDOUT)
        return err_set(err, ERR_INVALID, "open: a terminal has the one stream stdout");
    return 0;
}

static int check_streams(const struct logger_request *r, struct err *err)
{
    if (!r->streams || r->streams & ~(uint32_t)LOGGER_BOTH)
        return err_set(err, ERR_INVALID, "%s: streams are %u (1 stdout, 2 stderr, 3 both)", requests[r->type].name,
                       r->streams);
    return r->type == LOGGER_OPEN ? check_open(r, err) : 0;
}

static int check_request(const struct logger_request *r, unsigned fd_count, struct err *err)
{
    if (r->type < 1 || r->type >= LOGGER_REQUEST_COUNT)
        return err_set(err, ERR_INVALID, "no request has the number %u", r->type);
    const char *name = requests[r->type].name;
    if (!r->sequence)
        return err_set(err, ERR_INVALID, "%s: the sequence number is 0", name);
    if (!id_fits(r->id, requests[r->type].flags & NEEDS_ID))
        return err_set(err, ERR_INVALID, "%s: the id is not 64 hex digits, or there should be none", name);
    if (r->text_size && !(requests[r->type].flags & HAS_TEXT))
        return err_set(err, ERR_INVALID, "%s: it takes no text", name);
    unsigned fds = requests[r->type].fds + (r->type == LOGGER_OPEN && r->flags & LOGGER_TTY);
    if (fd_count != fds)
        return err_set(err, ERR_INVALID, "%s: it came with %u descriptors instead of %u", name, fd_count, fds);
    if (r->type == LOGGER_OPEN || r->type == LOGGER_ATTACH)
        return check_streams(r, err);
    return 0;
}

static int check_text(size_t size, size_t header, uint32_t text_size, struct err *err)
{
    if (text_size > LOGGER_TEXT_MAX || size != header + text_size)
        return err_set(err, ERR_INVALID, "a message of %zu bytes says that its text has %u", size, text_size);
    return 0;
}

int logger_request_read(const void *data, size_t size, unsigned fd_count, struct logger_request *ret,
                        const char **ret_text, struct err *err)
{
    *ret = (struct logger_request){0};
    if (size < sizeof(*ret))
        return err_set(err, ERR_INVALID, "a request of %zu bytes is too short", size);
    memcpy(ret, data, sizeof(*ret));
    *ret_text = (const char *)data + sizeof(*ret);
    if (check_text(size, sizeof(*ret), ret->text_size, err) < 0)
        return -1;
    return check_request(ret, fd_count, err);
}

int logger_event_read(const void *data, size_t size, struct logger_event *ret, const char **ret_text, struct err *err)
{
    *ret = (struct logger_event){0};
    if (size < sizeof(*ret))
        return err_set(err, ERR_INVALID, "an event of %zu bytes is too short", size);
    memcpy(ret, data, sizeof(*ret));
    *ret_text = (const char *)data + sizeof(*ret);
    if (ret->type < 1 || ret->type >= LOGGER_EVENT_COUNT)
        return err_set(err, ERR_INVALID, "no event has the number %u", ret->type);
    if (ret->error >= ERR_KIND_COUNT)
        return err_set(err, ERR_INVALID, "no error has the number %u", ret->error);
    bool has_id = ret->type == LOGGER_DRAINED || ret->type == LOGGER_CONTAINER || ret->type == LOGGER_ATTACH_CLOSED;
    if (!id_fits(ret->id, has_id))
        return err_set(err, ERR_INVALID, "event %u: the id is not 64 hex digits, or there should be none", ret->type);
    return check_text(size, sizeof(*ret), ret->text_size, err);
}
