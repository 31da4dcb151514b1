#include "bench/fetch.h"

#include "base/clock.h"
#include "base/str.h"
#include "bench/load.h"
#include "http/uri.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#define PATIENCE_MS 20000
#define RETRY_MS    5

/* 0, or -errno of a connection to a port of this machine. It is closed by a reset, which leaves nothing behind. */
static int try_port(unsigned port)
{
    const struct linger at_once = {.l_onoff = 1};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    cleanup_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
        return -errno;
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    return 0;
}

int fetch_check_free(const struct bench *bench, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        int result = try_port(bench_port(bench, i));
        if (result == 0)
            return err_set(err, ERR_CONFLICT, "somebody listens on port %u of this machine: choose --first-port",
                           bench_port(bench, i));
        if (result != -ECONNREFUSED)
            return err_errno(err, result, "cannot try port %u of this machine", bench_port(bench, i));
    }
    return 0;
}

int fetch_wait(struct bench *bench, size_t first, size_t count, struct err *err)
{
    int64_t end_ms = clock_monotonic_ms() + PATIENCE_MS;
    for (size_t i = first; i < first + count; i++) {
        int result;
        while ((result = try_port(bench_port(bench, i))) == -ECONNREFUSED && clock_monotonic_ms() < end_ms)
            if (bench_wait(bench, RETRY_MS, err) < 0)
                return -1;
        if (result < 0)
            return err_errno(err, result, "number %zu does not listen on port %u", i, bench_port(bench, i));
    }
    return 0;
}

/* --- All files of all of them: number n of the load is file n % files of server first + n / files */

struct fetch {
    struct bench *bench;
    const char *subject;
    size_t first, count;
};

static const struct site_file *file_of(const struct fetch *fetch, size_t n)
{
    return &fetch->bench->site.files[n % fetch->bench->site.file_count];
}

static size_t server_of(const struct fetch *fetch, size_t n)
{
    return fetch->first + n / fetch->bench->site.file_count;
}

static void find_server(const void *data, size_t n, struct http_address *ret)
{
    const struct fetch *fetch = data;
    *ret = (struct http_address){.host = "127.0.0.1"};
    (void)snprintf(ret->port, sizeof(ret->port), "%u", bench_port(fetch->bench, server_of(fetch, n)) & UINT16_MAX);
}

static void ask_file(const void *data, size_t n, struct buf *target, struct buf *body)
{
    buf_addc(target, '/');
    http_percent_encode(target, file_of(data, n)->name);
}

static int check_file(const void *data, size_t n, const struct buf *answer, struct err *err)
{
    const struct site_file *file = file_of(data, n);
    if (answer->size == file->content.size && memcmp(buf_str(answer), buf_str(&file->content), answer->size) == 0)
        return 0;
    return err_set(err, ERR_INVALID, "%s of server %zu came with %zu bytes that are not the %zu of the image",
                   file->name, server_of(data, n), answer->size, file->content.size);
}

static void tell(void *data, size_t done)
{
    const struct fetch *fetch = data;
    status_show(&fetch->bench->status, fetch->subject, "fetching from", done / fetch->bench->site.file_count,
                fetch->count);
}

int fetch_all(struct bench *bench, const char *subject, size_t first, size_t count, struct err *err)
{
    static const struct load_step step = {
        .name = "fetch", .method = HTTP_METHOD_GET, .ask = ask_file, .check = check_file};
    struct fetch fetch = {bench, subject, first, count};
    const struct load load = {.loop = bench->loop,
                              .clients = (size_t)bench->options.clients,
                              .count = count * bench->site.file_count,
                              .steps = &step,
                              .step_count = 1,
                              .data = &fetch,
                              .find = find_server,
                              .told = tell,
                              .told_data = &fetch,
                              .stop = &bench->stop};
    return load_run(&load, NULL, err);
}
