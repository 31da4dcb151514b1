/* Images that come and go: pull, import, load, save (Docker Engine API, "Images"). */
#include "api/api.h"
#include "api/image_json.h"
#include "api/transfer.h"
#include "base/str.h"
#include "codec/base64.h"
#include "codec/reference.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#define AUTH_MAX ((size_t)64 * 1024)

static struct images *images_of(struct api *api)
{
    return engine_images(api->options.engine);
}

static const char *query_text(const struct http_request *request, const char *name)
{
    const char *value = http_query(request, name);
    return str_empty(value) ? NULL : value;
}

/* --- Pull */

/* The credentials as JSON; NULL where there are none. */
static int read_auth(struct http_request *request, const char **ret, struct err *err)
{
    const char *header = http_header(&request->head.headers, "X-Registry-Auth");
    struct buf text cleanup(buf_done) = BUF(AUTH_MAX);
    *ret = NULL;
    if (str_empty(header))
        return 0;
    if (!base64_decode(header, strlen(header), &text))
        return err_set(err, ERR_INVALID, "the header X-Registry-Auth is not base64");
    if (text.size && !str_eq(buf_str(&text), "{}"))
        *ret = arena_strndup(&request->arena, text.data, text.size);
    return 0;
}

/* fromImage with tag, which may be a digest. All tags of a repository at once are not offered. */
static int pull_reference(struct http_request *request, const char **ret, struct err *err)
{
    const char *name = http_query(request, "fromImage"), *tag = query_text(request, "tag");
    struct reference reference;
    if (tag)
        name = arena_printf(&request->arena, str_starts(tag, "sha256:") ? "%s@%s" : "%s:%s", name, tag);
    if (reference_parse(name, &reference, err) < 0)
        return -1;
    if (!*reference.tag && !*reference.digest)
        return err_set(err, ERR_UNSUPPORTED, "pulling all tags of '%s' is not offered: name one, as in %s:latest", name,
                       name);
    *ret = name;
    return 0;
}

static int pull(struct api *api, struct http_request *request, struct err *err)
{
    struct image_pull pull = {.platform = query_text(request, "platform")};
    if (pull_reference(request, &pull.reference, err) < 0 || read_auth(request, &pull.auth, err) < 0)
        return -1;
    struct transfer *transfer = transfer_new(api, request);
    transfer_name(transfer, "pull", pull.reference);
    return transfer_run(transfer, images_pull(images_of(api), &pull, &transfer_ops, transfer, err));
}

/* --- Import */

static const char *import_reference(struct http_request *request)
{
    const char *repository = query_text(request, "repo"), *tag = query_text(request, "tag");
    return repository && tag ? arena_printf(&request->arena, "%s:%s", repository, tag) : repository;
}

static const char *const *import_changes(struct http_request *request)
{
    VEC(const char *) changes = {0};
    vec_foreach (parameter, &request->query)
        if (str_eq(parameter->name, "changes"))
            vec_push_in(&request->arena, &changes, parameter->value);
    vec_push_in(&request->arena, &changes, NULL);
    return changes.items;
}

static int import(struct api *api, struct http_request *request, struct err *err)
{
    struct image_import import = {
        .reference = import_reference(request),
        .message = query_text(request, "message"),
        .platform = query_text(request, "platform"),
        .changes = import_changes(request),
    };
    if (!str_eq(http_query(request, "fromSrc"), "-"))
        return err_set(err, ERR_UNSUPPORTED,
                       "importing from an address is not offered: send the archive, with fromSrc=-");
    struct transfer *transfer = transfer_new(api, request);
    transfer_name(transfer, "import", import.reference);
    transfer_quiet(transfer); /* clients print what comes, and expect the ID alone */
    import.fd = transfer_body(transfer, err);
    struct image_job *job = import.fd < 0 ? NULL : images_import(images_of(api), &import, &transfer_ops, transfer, err);
    return transfer_run(transfer, job);
}

static int create(struct api *api, struct http_request *request, struct err *err)
{
    if (query_text(request, "fromImage"))
        return pull(api, request, err);
    if (query_text(request, "fromSrc"))
        return import(api, request, err);
    return err_set(err, ERR_INVALID, "one of the parameters 'fromImage' (a reference to pull) and 'fromSrc' is needed");
}

/* --- Load */

static int load(struct api *api, struct http_request *request, struct err *err)
{
    struct transfer *transfer = transfer_new(api, request);
    transfer_name(transfer, "load", NULL);
    if (http_query_bool(request, "quiet"))
        transfer_quiet(transfer);
    struct image_load load = {.fd = transfer_body(transfer, err)};
    struct image_job *job = load.fd < 0 ? NULL : images_load(images_of(api), &load, &transfer_ops, transfer, err);
    return transfer_run(transfer, job);
}

/* --- Save: what a worker writes into a pipe goes to the client, no faster than it reads */

struct save {
    struct http_request *request;
    struct loop *loop;
    struct image_job *job; /* NULL once it is done */
    struct io io;          /* the reading end; owned */
    int pipe;              /* the writing end, until the job is done */
    bool streaming;
};

static void save_close(struct save *save)
{
    io_remove(&save->io);
    close_fd(&save->io.fd);
    close_fd(&save->pipe);
    if (save->job)
        image_job_cancel(save->job);
    save->job = NULL;
}

static void save_over(struct http_request *request, bool client_gone)
{
    save_close(request->data);
}

static void save_readable(struct io *io, uint32_t events)
{
    struct save *save = container_of(io, struct save, io);
    struct http_request *request = save->request;
    char data[HTTP_STREAM_ROOM];
    ssize_t n = read(io->fd, data, sizeof(data));
    if (n > 0) {
        if (!save->streaming)
            http_stream_start(request, 200, "application/x-tar");
        save->streaming = true;
        http_stream_write(request, data, (size_t)n);
        if (http_stream_room(request) == 0)
            io_remove(io); /* until pull: a hang-up would wake us all the while */
    } else if (n == 0) {
        save_close(save);
        http_stream_end(request);
    }
}

static void save_pull(struct http_request *request)
{
    struct save *save = request->data;
    struct err ignored;
    if (save->io.fd >= 0 && !save->io.loop)
        (void)io_add(&save->io, save->loop, save->io.fd, EPOLLIN, &ignored);
}

static void save_done(void *data, struct image *image, const struct strings *names, const struct err *err)
{
    struct save *save = data;
    struct http_request *request = save->request;
    save->job = NULL;
    if (!err) {
        close_fd(&save->pipe); /* what is still in it follows, and then its end */
        return;
    }
    save_close(save);
    if (save->streaming)
        http_stream_abort(request);
    else
        http_reply_err(request, err);
}

static const struct image_job_ops save_ops = {.done = save_done};

static int save_images(struct api *api, struct http_request *request, const char *const *names, struct err *err)
{
    int ends[2];
    struct save *save = ARENA_NEW(&request->arena, struct save);
    if (pipe2(ends, O_CLOEXEC) < 0)
        return err_errno(err, errno, "a pipe for the archive");
    *save = (struct save){
        .request = request,
        .loop = api->options.loop,
        .io = {.ready = save_readable, .fd = ends[0]},
        .pipe = ends[1],
    };
    if (fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0 || io_add(&save->io, save->loop, ends[0], EPOLLIN, err) < 0 ||
        !(save->job = images_save(images_of(api), names, ends[1], &save_ops, save, err))) {
        save_close(save);
        return -1;
    }
    request->data = save;
    request->over = save_over;
    request->pull = save_pull;
    return 0;
}

static int get_one(struct api *api, struct http_request *request, struct err *err)
{
    const char *names[] = {http_param(request, "name"), NULL};
    return save_images(api, request, names, err);
}

static int get_many(struct api *api, struct http_request *request, struct err *err)
{
    VEC(const char *) names = {0};
    vec_foreach (parameter, &request->query)
        if (str_eq(parameter->name, "names"))
            vec_push_in(&request->arena, &names, parameter->value);
    if (!names.count)
        return err_set(err, ERR_INVALID, "the parameter 'names' is missing: an image to save");
    vec_push_in(&request->arena, &names, NULL);
    return save_images(api, request, names.items, err);
}

const struct api_route api_image_transfer_routes[] = {
    {HTTP_METHOD_POST, "/images/create", create, "fromImage fromSrc repo tag message platform changes",
     HTTP_ROUTE_STREAM_BODY},
    {HTTP_METHOD_POST, "/images/load", load, "quiet", HTTP_ROUTE_STREAM_BODY},
    {HTTP_METHOD_GET, "/images/get", get_many, "names"},
    {HTTP_METHOD_GET, "/images/{name*}/get", get_one},
    {0},
};
