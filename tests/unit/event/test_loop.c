#include "event/loop.h"

#include "base/clock.h"
#include "base/str.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cmocka.h>

static struct loop *make_loop(void)
{
    struct err err;
    struct loop *loop = loop_new(&err);
    assert_non_null(loop);
    return loop;
}

static void turn(struct loop *loop, int timeout_ms)
{
    struct err err;
    assert_int_equal(loop_turn(loop, timeout_ms, &err), 0);
}

/* --- Descriptors */

struct counted_io {
    struct io io;
    struct io *victim; /* removed by the first call */
    int calls;
    uint32_t last;
};

static void count_io(struct io *io, uint32_t events)
{
    struct counted_io *counted = container_of(io, struct counted_io, io);
    counted->calls++;
    counted->last = events;
    if (counted->victim)
        io_remove(counted->victim);
}

static void test_readable(void **state)
{
    struct loop *loop cleanup(loop_freep) = make_loop();
    struct err err;
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    struct counted_io source = {.io.ready = count_io};
    assert_int_equal(io_add(&source.io, loop, pair[0], EPOLLIN, &err), 0);
    turn(loop, 0);
    assert_int_equal(source.calls, 0);
    assert_int_equal(write(pair[1], "x", 1), 1);
    turn(loop, 1000);
    assert_int_equal(source.calls, 1);
    io_want(&source.io, 0);
    turn(loop, 0);
    assert_int_equal(source.calls, 1);
    io_remove(&source.io);
    io_remove(&source.io);
    close(pair[0]);
    close(pair[1]);
}

/* Two sources are ready in one turn; whichever comes first removes the other, which must not be called. */
static void test_removed_while_fetched(void **state)
{
    struct loop *loop cleanup(loop_freep) = make_loop();
    struct err err;
    int a[2], b[2];
    assert_int_equal(pipe(a), 0);
    assert_int_equal(pipe(b), 0);
    struct counted_io first = {.io.ready = count_io}, second = {.io.ready = count_io};
    first.victim = &second.io;
    second.victim = &first.io;
    assert_int_equal(io_add(&first.io, loop, a[0], EPOLLIN, &err), 0);
    assert_int_equal(io_add(&second.io, loop, b[0], EPOLLIN, &err), 0);
    assert_int_equal(write(a[1], "x", 1), 1);
    assert_int_equal(write(b[1], "x", 1), 1);
    turn(loop, 1000);
    assert_int_equal(first.calls + second.calls, 1);
    for (int i = 0; i < 2; i++) {
        close(a[i]);
        close(b[i]);
    }
}

/* --- Timers */

struct ordered_timer {
    struct timer timer;
    int *next;
    int place;
};

static void note_order(struct timer *timer)
{
    struct ordered_timer *t = container_of(timer, struct ordered_timer, timer);
    t->place = (*t->next)++;
}

static void test_timers_fire_in_order(void **state)
{
    struct loop *loop cleanup(loop_freep) = make_loop();
    enum { N = 50 };
    struct ordered_timer timers[N] = {0};
    int next = 0;
    for (int i = 0; i < N; i++) {
        int delay = (i * 37) % N;
        timers[i] = (struct ordered_timer){.timer.expired = note_order, .next = &next, .place = -1};
        timer_start(&timers[i].timer, loop, delay);
    }
    for (int i = 0; i < N; i += 3)
        timer_stop(&timers[i].timer);
    int64_t deadline = clock_monotonic_ms() + 2000;
    while (next < N - (N + 2) / 3 && clock_monotonic_ms() < deadline)
        turn(loop, 100);
    for (int i = 0; i < N; i++) {
        if (i % 3 == 0) {
            assert_int_equal(timers[i].place, -1);
            continue;
        }
        /* Started one after the other, they may lie a little closer than their delays: the machine may be busy. */
        for (int j = 0; j < N; j++)
            if (j % 3 && (i * 37) % N + 10 < (j * 37) % N)
                assert_true(timers[i].place < timers[j].place);
    }
}

/* --- Deferred calls and the turn's end */

struct counted_deferred {
    struct deferred deferred;
    struct loop *loop;
    struct counted_deferred *then;
    int calls;
};

static void count_deferred(struct deferred *deferred)
{
    struct counted_deferred *counted = container_of(deferred, struct counted_deferred, deferred);
    counted->calls++;
    if (counted->then)
        loop_defer(counted->loop, &counted->then->deferred);
}

static void count_turn(void *data)
{
    ++*(int *)data;
}

static void test_deferred(void **state)
{
    struct loop *loop cleanup(loop_freep) = make_loop();
    int turns = 0;
    loop_on_turn_end(loop, count_turn, &turns);
    struct counted_deferred second = {.deferred.call = count_deferred, .loop = loop};
    struct counted_deferred first = {.deferred.call = count_deferred, .loop = loop, .then = &second};
    loop_defer(loop, &first.deferred);
    loop_defer(loop, &first.deferred);
    turn(loop, -1);
    assert_int_equal(first.calls, 1);
    assert_int_equal(second.calls, 1);
    assert_int_equal(turns, 1);
    turn(loop, 0);
    assert_int_equal(turns, 1);
    loop_defer(loop, &second.deferred);
    deferred_cancel(&second.deferred);
    turn(loop, 0);
    assert_int_equal(second.calls, 1);
}

/* --- Signals and children */

struct counted_signal {
    struct signal_watch watch;
    int calls;
};

static void count_signal(struct signal_watch *watch, const struct signalfd_siginfo *info)
{
    assert_int_equal(info->ssi_signo, SIGUSR1);
    container_of(watch, struct counted_signal, watch)->calls++;
}

static void test_signal(void **state)
{
    struct loop *loop cleanup(loop_freep) = make_loop();
    struct err err;
    struct counted_signal counted = {.watch.arrived = count_signal};
    assert_int_equal(signal_watch_add(&counted.watch, loop, SIGUSR1, &err), 0);
    assert_int_equal(raise(SIGUSR1), 0);
    turn(loop, 1000);
    assert_int_equal(counted.calls, 1);
    signal_watch_remove(&counted.watch);
}

struct noted_child {
    struct child child;
    int status;
};

static void note_exit(struct child *child, int status)
{
    container_of(child, struct noted_child, child)->status = status;
}

static void test_child(void **state)
{
    struct loop *loop cleanup(loop_freep) = make_loop();
    struct err err;
    pid_t pid = fork();
    if (pid == 0)
        _exit(7);
    struct noted_child noted = {.child.exited = note_exit, .status = -1};
    assert_int_equal(child_add(&noted.child, loop, pid, &err), 0);
    turn(loop, 5000);
    assert_true(WIFEXITED(noted.status));
    assert_int_equal(WEXITSTATUS(noted.status), 7);
    assert_int_equal(waitpid(pid, NULL, WNOHANG), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_readable),
        cmocka_unit_test(test_removed_while_fetched),
        cmocka_unit_test(test_timers_fire_in_order),
        cmocka_unit_test(test_deferred),
        cmocka_unit_test(test_signal),
        cmocka_unit_test(test_child),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
