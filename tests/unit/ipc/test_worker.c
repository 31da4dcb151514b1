#include "ipc/worker.h"

#include "base/mem.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

/* A worker that is a shell script, and what became of it. */
struct fixture {
    char path[64], program[80];
    struct loop *loop;
    struct worker worker;
    struct worker_request request;
    bool ended, succeeded;
    int lines;
    char text[256]; /* of the last line, or of the result's "text" */
    struct err err;
};

static void on_line(struct worker *worker, const char *key, const json_value *value)
{
    struct fixture *f = container_of(worker, struct fixture, worker);
    f->lines++;
    (void)snprintf(f->text, sizeof(f->text), "%s", json_get_text(value, "text") ? json_get_text(value, "text") : key);
}

static void on_end(struct worker *worker, const json_value *result, const struct err *err)
{
    struct fixture *f = container_of(worker, struct fixture, worker);
    f->ended = true;
    f->succeeded = result != NULL;
    if (result)
        (void)snprintf(f->text, sizeof(f->text), "%s", json_get_text(result, "text"));
    else
        f->err = *err;
    loop_stop(f->loop);
}

static int make_fixture(void **state)
{
    struct fixture *f = test_calloc(1, sizeof(*f));
    struct err err;
    (void)snprintf(f->path, sizeof(f->path), "/tmp/shoal-worker-XXXXXX");
    assert_non_null(mkdtemp(f->path));
    (void)snprintf(f->program, sizeof(f->program), "%s/program", f->path);
    f->loop = loop_new(&err);
    f->worker.line = on_line;
    f->worker.ended = on_end;
    f->request = (struct worker_request){.job = "job", .request = "{}", .program = f->program};
    *state = f;
    return 0;
}

static int drop_fixture(void **state)
{
    struct fixture *f = *state;
    worker_done(&f->worker);
    loop_free(f->loop);
    (void)unlink(f->program);
    (void)rmdir(f->path);
    test_free(f);
    return 0;
}

static void script(struct fixture *f, const char *text)
{
    FILE *file = fopen(f->program, "we");
    assert_non_null(file);
    (void)fprintf(file, "#!/bin/sh\n%s\n", text);
    (void)fclose(file);
    assert_int_equal(chmod(f->program, 0700), 0);
}

static void run(struct fixture *f)
{
    struct err err;
    worker_start(&f->worker, f->loop, &f->request);
    assert_false(f->ended);
    assert_int_equal(loop_run(f->loop, &err), 0);
    assert_true(f->ended);
    assert_int_equal(f->worker.state, WORKER_IDLE);
}

static void test_request_lines_and_result(void **state)
{
    struct fixture *f = *state;
    script(f, "read request; echo '{\"progress\":{\"text\":\"half\"}}'; echo '{\"warning\":\"w\"}';"
              "printf '{\"result\":{\"text\":\"%s %s\"}}\\n' \"$request\" \"$2\"");
    f->request.request = "12\n";
    run(f);
    assert_true(f->succeeded);
    assert_int_equal(f->lines, 2);
    assert_string_equal(f->text, "12 job");
}

static void test_an_error_keeps_its_kind(void **state)
{
    struct fixture *f = *state;
    script(f, "echo '{\"error\":{\"kind\":\"not found\",\"errno\":2,\"message\":\"no such thing\"}}'; exit 1");
    run(f);
    assert_false(f->succeeded);
    assert_int_equal(f->err.kind, ERR_NOT_FOUND);
    assert_int_equal(f->err.errnum, 2);
    assert_string_equal(f->err.message, "no such thing");
}

static void test_ends_without_an_answer(void **state)
{
    static const char *const scripts[] = {"exit 0",        "exit 3",    "kill -SEGV $$",
                                          "echo nonsense", "echo '{}'", "printf '{\"result\":{}}'"};
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
        f->ended = false;
        script(f, scripts[i]);
        run(f);
        assert_false(f->succeeded);
    }
}

static void test_no_program(void **state)
{
    struct fixture *f = *state;
    f->request.program = "/nonexistent/shoal-worker";
    run(f);
    assert_int_equal(f->err.kind, ERR_NOT_FOUND);
}

static void test_the_data_descriptor(void **state)
{
    struct fixture *f = *state;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(write(ends[1], "bytes", 5), 5);
    (void)close(ends[1]);
    script(f, "printf '{\"result\":{\"text\":\"%s\"}}\\n' \"$(cat <&3)\"");
    f->request.data_fd = ends[0];
    run(f);
    (void)close(ends[0]);
    assert_string_equal(f->text, "bytes");
}

static void test_cancel(void **state)
{
    struct fixture *f = *state;
    struct err err;
    script(f, "exec sleep 100");
    worker_start(&f->worker, f->loop, &f->request);
    worker_cancel(&f->worker);
    assert_false(f->ended);
    assert_int_equal(loop_run(f->loop, &err), 0);
    assert_int_equal(f->err.kind, ERR_CANCELLED);
}

static void test_a_queue(void **state)
{
    struct fixture *f = *state;
    struct fixture *g = NULL;
    struct err err;
    struct worker_queue queue;
    assert_int_equal(make_fixture((void **)&g), 0);
    worker_queue_init(&queue, 1);
    script(f, "echo '{\"result\":{\"text\":\"one\"}}'");
    f->request.queue = &queue;
    worker_start(&f->worker, f->loop, &f->request);
    struct worker_request second = f->request;
    worker_start(&g->worker, f->loop, &second);
    assert_int_equal(f->worker.state, WORKER_RUNNING);
    assert_int_equal(g->worker.state, WORKER_WAITING);
    assert_int_equal(loop_run(f->loop, &err), 0);
    assert_int_equal(g->worker.state, WORKER_RUNNING);
    struct loop *own = g->loop;
    g->loop = f->loop;
    assert_int_equal(loop_run(f->loop, &err), 0);
    assert_true(g->succeeded);
    assert_int_equal(queue.running, 0);
    g->loop = own;
    assert_int_equal(drop_fixture((void **)&g), 0);
}

static void test_cancel_in_the_queue(void **state)
{
    struct fixture *f = *state;
    struct err err;
    struct worker_queue queue;
    worker_queue_init(&queue, 0);
    f->request.queue = &queue;
    worker_start(&f->worker, f->loop, &f->request);
    assert_int_equal(f->worker.state, WORKER_WAITING);
    worker_cancel(&f->worker);
    assert_int_equal(loop_run(f->loop, &err), 0);
    assert_int_equal(f->err.kind, ERR_CANCELLED);
    assert_true(list_empty(&queue.waiting));
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, make_fixture, drop_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_request_lines_and_result),
        TEST(test_an_error_keeps_its_kind),
        TEST(test_ends_without_an_answer),
        TEST(test_no_program),
        TEST(test_the_data_descriptor),
        TEST(test_cancel),
        TEST(test_a_queue),
        TEST(test_cancel_in_the_queue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
