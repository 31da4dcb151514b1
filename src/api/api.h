#pragma once
/*
 * The Docker Engine API (docs.docker.com/reference/api/engine) over http/, for the engine of this node. One file for
 * each resource, with the table of its routes at its end; api.c joins the tables, checks what holds for every route,
 * and turns errors into answers.
 *
 * To offer one more route: write its handler in the resource's file, add a line to the table there (and take the line
 * out of unoffered.c), name the query parameters it honours in the same line.
 */
#include "base/list.h"
#include "codec/fields.h"
#include "engine/engine.h"
#include "http/reply.h"
#include "http/server.h"

struct api;
struct manager;

struct api_route {
    enum http_method method;
    const char *pattern;
    /* Answers now or later; negative with *err filled: that is the answer. NULL: a route of Docker's that is not
     * offered (501). */
    int (*handle)(struct api *api, struct http_request *request, struct err *err);
    const char *query; /* the parameters that it honours, separated by blanks; others are refused by name. NULL: none */
    unsigned flags;    /* enum http_route_flags */
    size_t body_max;   /* bytes; 0: HTTP_BODY_DEFAULT_MAX */
};

/* What handlers work with. All of it outlives the api. */
struct api_options {
    struct loop *loop;
    struct engine *engine;
    struct manager *manager; /* of stacks */
};

struct api {
    struct api_options options;
    struct http_route *routes; /* owned: what the server is given; routes[i] leads to tables[i] */
    const struct api_route **tables;
    size_t route_count;
    struct list streams; /* api/stream.h; owned */
};

struct api *api_new(const struct api_options *options);
/* After the server: ends the streams of attached clients, too. */
void api_free(struct api *api);
DEFINE_CLEANUP(struct api *, api_free);

/* Sets the routes, the context and the check of each request; the rest of *options is the caller's. */
void api_serve(struct api *api, struct http_server_options *options);

/* --- For the files of api/
 * ---------------------------------------------------------------------------------------------- */

/* Of a stack with the contents of its configs and secrets. */
#define API_STACK_MAX ((size_t)64 << 20)

/* Of the largest whole answer: thousands of containers, inspected. */
#define API_JSON_MAX ((size_t)256 << 20)

/*
 * A whole answer in JSON:
 *
 *     struct api_json json cleanup(api_json_done) = API_JSON(json);
 *     json_put_object(&json.out);
 *     …
 *     return api_reply(request, 200, &json);
 */
struct api_json {
    struct buf buf;
    struct json_out out;
};
#define API_JSON(name)                                                                                                 \
    {                                                                                                                  \
        .buf = BUF(API_JSON_MAX), .out = {.buf = &(name).buf }                                                         \
    }

static inline void api_json_done(struct api_json *json)
{
    buf_done(&json->buf);
}

/* These return 0, so that a handler can end with them. */
int api_reply(struct http_request *request, int status, struct api_json *json);
int api_reply_empty(struct http_request *request, int status);

/* The body as JSON, to be freed with json_free(); an empty one is {}. */
json_value *api_parse(const struct http_request *request, struct err *err);

/*
 * Reads a body by its field table into *out, in the request's arena. What the table does not know and what asks for
 * something (is not null, false, 0 or empty) is told in *ignored, one sentence each, for the answer's warnings; ignored
 * NULL: it is an error. also: fields that the handler reads by itself, separated by blanks; NULL: none.
 */
int api_read(struct http_request *request, const json_value *body, const struct fields *table, void *out,
             const char *also, struct strings *ignored, struct err *err);

/* "h" and "w": the size of a terminal. */
int api_terminal_size(const struct http_request *request, int *ret_rows, int *ret_columns, struct err *err);

/* The tables: each ends with {0}. */
extern const struct api_route api_system_routes[];
extern const struct api_route api_events_routes[];
extern const struct api_route api_container_list_routes[];
extern const struct api_route api_container_create_routes[];
extern const struct api_route api_container_inspect_routes[];
extern const struct api_route api_container_life_routes[];
extern const struct api_route api_container_attach_routes[];
extern const struct api_route api_container_logs_routes[];
extern const struct api_route api_container_top_routes[];
extern const struct api_route api_exec_routes[];
extern const struct api_route api_image_routes[];
extern const struct api_route api_image_transfer_routes[];
extern const struct api_route api_network_routes[];
extern const struct api_route api_volume_routes[];
extern const struct api_route api_stack_routes[]; /* Shoal's own */
extern const struct api_route api_unoffered_routes[];
