#include "base/cleanup.h"
#include "base/mem.h"
#include "ipc/keeper_request.h"
#include "sys/files.h"

#include <string.h>

/* Where an argument is wrong before anything could be sent. */
static void refuse(keeper_reply *reply, void *data, const char *id)
{
    struct err err;
    (void)err_set(&err, ERR_INVALID, "\"%s\" is no id of %d hex digits", id, 2 * KEEPER_ID_SIZE);
    if (reply)
        reply(data, &err, NULL, 0, -1);
}

static void ask(struct keeper_client *c, enum keeper_type type, const void *body, size_t size, int fd,
                keeper_reply *reply, void *data)
{
    struct keeper_part part = {body, size};
    keeper_request_submit(c, keeper_request_new(c, type, &part, NULL, reply, data), &fd, fd >= 0);
}

void keeper_client_launcher(struct keeper_client *c, const uint8_t key[KEEPER_KEY_SIZE], const void *outer,
                            size_t outer_size, const void *inner, size_t inner_size, keeper_reply *reply, void *data)
{
    struct keeper_launcher body = {.outer_size = (uint32_t)outer_size, .inner_size = (uint32_t)inner_size};
    memcpy(body.key, key, KEEPER_KEY_SIZE);
    cleanup_free char *both = mem_alloc(outer_size + inner_size + 1);
    memcpy(both, outer_size ? outer : "", outer_size);
    memcpy(both + outer_size, inner_size ? inner : "", inner_size);
    cleanup_fd int fd = outer_size ? file_sealed_memfd("filters", both, outer_size + inner_size, false) : -1;
    ask(c, KEEPER_LAUNCHER, &body, sizeof(body), fd, reply, data);
}

static struct keeper_request *new_spawn(struct keeper_client *c, const struct keeper_client_spawn *s,
                                        const struct keeper_spawn *body, keeper_reply *reply, void *data)
{
    struct keeper_part description = {s->description, s->description_size};
    return keeper_request_new(c, KEEPER_SPAWN, &(struct keeper_part){body, sizeof(*body)}, &description, reply, data);
}

static struct keeper_request *new_exec(struct keeper_client *c, const struct keeper_client_spawn *s,
                                       const struct keeper_spawn *like, keeper_reply *reply, void *data)
{
    struct keeper_part description = {s->description, s->description_size};
    struct keeper_exec body = {.flags = like->flags, .description_size = like->description_size};
    memcpy(body.id, like->id, sizeof(body.id));
    memcpy(body.key, like->key, sizeof(body.key));
    if (!keeper_id_parse(s->container, body.container))
        return NULL;
    return keeper_request_new(c, KEEPER_EXEC, &(struct keeper_part){&body, sizeof(body)}, &description, reply, data);
}

void keeper_client_spawn(struct keeper_client *c, const struct keeper_client_spawn *s, keeper_reply *reply, void *data)
{
    struct keeper_spawn body = {.flags = s->flags, .description_size = (uint32_t)s->description_size};
    memcpy(body.key, s->key, sizeof(body.key));
    if (!keeper_id_parse(s->id, body.id)) {
        refuse(reply, data, s->id);
        return;
    }
    struct keeper_request *r = s->container ? new_exec(c, s, &body, reply, data) : new_spawn(c, s, &body, reply, data);
    if (!r) {
        refuse(reply, data, s->container);
        return;
    }
    memcpy(r->starts, body.id, sizeof(body.id));
    keeper_request_submit(c, r, s->fds, s->fd_count);
}

void keeper_client_signal(struct keeper_client *c, const char *id, int signo, keeper_reply *reply, void *data)
{
    struct keeper_signal body = {.signo = signo};
    if (keeper_id_parse(id, body.id))
        ask(c, KEEPER_SIGNAL, &body, sizeof(body), -1, reply, data);
    else
        refuse(reply, data, id);
}

static void ask_about(struct keeper_client *c, enum keeper_type type, const char *id, keeper_reply *reply, void *data)
{
    struct keeper_id body;
    if (keeper_id_parse(id, body.id))
        ask(c, type, &body, sizeof(body), -1, reply, data);
    else
        refuse(reply, data, id);
}

void keeper_client_ack(struct keeper_client *c, const char *id, keeper_reply *reply, void *data)
{
    ask_about(c, KEEPER_ACK, id, reply, data);
}

void keeper_client_tty(struct keeper_client *c, const char *id, keeper_reply *reply, void *data)
{
    ask_about(c, KEEPER_TTY, id, reply, data);
}

static void ask_store(struct keeper_client *c, enum keeper_type type, const char *name, int fd, keeper_reply *reply,
                      void *data)
{
    struct keeper_store body = {0};
    struct err err;
    if (!*name || strlen(name) >= sizeof(body.name)) {
        (void)err_set(&err, ERR_INVALID, "\"%s\" is no name of 1 to %zu bytes", name, sizeof(body.name) - 1);
        if (reply)
            reply(data, &err, NULL, 0, -1);
        return;
    }
    memcpy(body.name, name, strlen(name));
    ask(c, type, &body, sizeof(body), fd, reply, data);
}

void keeper_client_store_fd(struct keeper_client *c, const char *name, int fd, keeper_reply *reply, void *data)
{
    ask_store(c, KEEPER_STORE_FD, name, fd, reply, data);
}

void keeper_client_take_fd(struct keeper_client *c, const char *name, keeper_reply *reply, void *data)
{
    ask_store(c, KEEPER_TAKE_FD, name, -1, reply, data);
}

void keeper_client_drop_fd(struct keeper_client *c, const char *name, keeper_reply *reply, void *data)
{
    ask_store(c, KEEPER_DROP_FD, name, -1, reply, data);
}

void keeper_client_stored(struct keeper_client *c, uint32_t from, keeper_reply *reply, void *data)
{
    ask(c, KEEPER_STORED, &(struct keeper_list){.from = from}, sizeof(struct keeper_list), -1, reply, data);
}

void keeper_client_reexec(struct keeper_client *c, int fd, keeper_reply *reply, void *data)
{
    ask(c, KEEPER_REEXEC, NULL, 0, fd, reply, data);
}

void keeper_client_shutdown(struct keeper_client *c, keeper_reply *reply, void *data)
{
    ask(c, KEEPER_SHUTDOWN, NULL, 0, -1, reply, data);
}
