/*
 * shoal-worker JOB: does one job that blocks, and ends. The request is a JSON document on standard input, the answer
 * JSON lines on standard output (ipc/worker.h). By hand:
 *
 *     echo '{"data_dir": "/tmp/d", "path": "/tmp/image.tar"}' | shoal-worker load
 *
 * To add a job: a function of type work_job in a file worker_JOB.c, its name in image/work.h, a line in the table
 * below.
 */
#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "codec/json.h"
#include "image/confine.h"
#include "image/work.h"
#include "sys/files.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define REQUEST_MAX ((size_t)64 << 20)
#define RESULT_MAX  ((size_t)4 << 20)
#define READ_SIZE   ((size_t)64 * 1024)
#define DATA_FD     3

static const struct {
    const char *name;
    work_job *run;
    const char *what;
} jobs[] = {
    {"load", work_load, "images out of an archive of docker save, an OCI archive or an OCI layout"},
    {"import", work_import, "a tar of a root file system becomes an image"},
    {"pull", work_pull, "an image from a registry"},
    {"save", work_save, "images into an archive"},
    {"remove", work_remove, "folders with all in them"},
    {"copy-up", work_copy_up, "a path of an image into a volume"},
};

static int usage(void)
{
    (void)fprintf(stderr, "Usage: shoal-worker JOB < REQUEST\n\nJobs:\n");
    for (size_t i = 0; i < ARRAY_SIZE(jobs); i++)
        (void)fprintf(stderr, "  %-8s %s\n", jobs[i].name, jobs[i].what);
    return 2;
}

static int read_request(struct buf *text, struct err *err)
{
    for (;;) {
        void *room = buf_reserve(text, READ_SIZE);
        if (!room)
            return err_set(err, ERR_LIMIT, "a request of more than %zu bytes", REQUEST_MAX);
        ssize_t n = read(STDIN_FILENO, room, READ_SIZE);
        if (n < 0 && errno != EINTR)
            return err_errno(err, errno, "cannot read the request");
        if (n == 0)
            return 0;
        if (n > 0)
            buf_claim(text, (size_t)n);
    }
}

static void send(struct buf *line)
{
    buf_addc(line, '\n');
    (void)file_write_all(STDOUT_FILENO, line->data, line->size);
}

static int answer_error(const struct err *err)
{
    struct buf line cleanup(buf_done) = BUF(RESULT_MAX);
    struct json_out out = {.buf = &line};
    json_put_object(&out);
    json_key(&out, "error");
    json_put_object(&out);
    json_key_string(&out, "kind", err_kind_name(err->kind));
    json_key_int(&out, "errno", err->errnum);
    json_key_string(&out, "message", err->message);
    json_put_object_end(&out);
    json_put_object_end(&out);
    send(&line);
    return 1;
}

static int answer_result(struct work *work)
{
    struct buf line cleanup(buf_done) = BUF(RESULT_MAX + 64);
    struct err err;
    json_put_object_end(&work->out);
    if (buf_failed(&work->result)) {
        err_set(&err, ERR_LIMIT, "the result of %s is larger than %zu bytes", work->job, RESULT_MAX);
        return answer_error(&err);
    }
    buf_printf(&line, "{\"result\":%s}", buf_str(&work->result));
    send(&line);
    return 0;
}

static int run(struct work *work, work_job *job)
{
    struct err err;
    struct buf text cleanup(buf_done) = BUF(REQUEST_MAX);
    if (read_request(&text, &err) < 0)
        return answer_error(&err);
    json_value *request cleanup(json_freep) = json_parse(buf_str(&text), text.size, "the request", &err);
    if (!request)
        return answer_error(&err);
    work->request = request;
    work->result = BUF(RESULT_MAX);
    work->out = (struct json_out){.buf = &work->result};
    json_put_object(&work->out);
    int status = job(work, &err) < 0 ? answer_error(&err) : answer_result(work);
    buf_done(&work->result);
    arena_done(&work->arena);
    return status;
}

/* Small folders-in-folders take a descriptor each, and downloads some more. */
static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int main(int argc, char **argv)
{
    const char *parent = argc > 1 ? str_after(argv[1], "--parent=") : NULL;
    int pid;
    if (parent && str_to_int(parent, 1, INT32_MAX, &pid)) {
        confine_to_parent(pid);
        argv++, argc--;
    }
    if (argc != 2)
        return usage();
    log_open("shoal-worker", LOG_LEVEL_WARNING);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)umask(0);
    raise_file_limit();
    struct work work = {.job = argv[1], .data_fd = fcntl(DATA_FD, F_SETFD, FD_CLOEXEC) == 0 ? DATA_FD : -1};
    for (size_t i = 0; i < ARRAY_SIZE(jobs); i++)
        if (str_eq(jobs[i].name, work.job))
            return run(&work, jobs[i].run);
    return usage();
}
