#include "base/mem.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/map.h"
#include "base/str.h"
#include "base/vec.h"
#include "test.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs work in a child whose allocation number fault fails; returns its exit status, and what it wrote to stderr. */
static int run_child(void (*work)(void), int fault, char *text, size_t size)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (!pid) {
        char value[16];
        (void)snprintf(value, sizeof(value), "%d", fault);
        (void)setenv("SHOAL_FAULT_ALLOC", value, 1);
        (void)dup2(fds[1], STDERR_FILENO);
        work();
        _exit(0);
    }
    (void)close(fds[1]);
    size_t used = 0;
    ssize_t n;
    while (used < size - 1 && (n = read(fds[0], text + used, size - 1 - used)) > 0)
        used += (size_t)n;
    text[used] = '\0';
    (void)close(fds[0]);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* Uses every allocating part of base/. */
static void use_everything(void)
{
    struct arena arena = {0};
    struct buf buf = BUF(100000);
    struct map map = {0};
    VEC(char *) v = {0};
    for (int i = 0; i < 40; i++) {
        vec_push(&v, mem_printf("%d", i));
        (void)map_put(&map, v.items[i], &arena);
        buf_printf(&buf, "%s %s\n", v.items[i], arena_printf(&arena, "%1000d", i));
    }
    vec_foreach (item, &v)
        free(*item);
    vec_done(&v);
    map_done(&map);
    buf_done(&buf);
    arena_done(&arena);
}

static void test_each_failure_ends_the_process(void **state)
{
    char text[200];
    int fault = 1;
    for (; run_child(use_everything, fault, text, sizeof(text)) == MEM_EXIT_STATUS; fault++) {
        assert_true(str_starts(text, "shoal: out of memory ("));
        assert_true(fault < 1000);
    }
    assert_string_equal(text, "");
    assert_true(fault > 80); /* so the loop above saw the failure of each of them */
}

static void allocate_too_much(void)
{
    (void)mem_alloc_array(SIZE_MAX / 2, 3);
}

static void allocate_too_much_in_arena(void)
{
    struct arena arena = {0};
    (void)arena_alloc_array(&arena, SIZE_MAX / 2, 3);
}

/* With its header the block would wrap around to a few bytes. */
static void allocate_almost_everything_in_arena(void)
{
    struct arena arena = {0};
    (void)arena_alloc(&arena, SIZE_MAX - 20);
}

static void test_sizes_that_overflow(void **state)
{
    static void (*const works[])(void) = {allocate_too_much, allocate_too_much_in_arena,
                                          allocate_almost_everything_in_arena};
    for (size_t i = 0; i < ARRAY_SIZE(works); i++) {
        char text[200];
        assert_int_equal(run_child(works[i], 0, text, sizeof(text)), MEM_EXIT_STATUS);
    }
}

static void test_plain_use(void **state)
{
    static const unsigned char zeroes[64];
    unsigned char *p = mem_alloc(64);
    assert_memory_equal(p, zeroes, 64);
    p = mem_realloc(p, 128);
    free(p);
    free(mem_alloc(0));
    free(mem_memdup(NULL, 0));
    char *text = mem_strndup("webserver", 3);
    assert_string_equal(text, "web");
    free(text);
    text = mem_printf("%s:%d", "web", 80);
    assert_string_equal(text, "web:80");
    free(text);
}

TEST_MAIN(cmocka_unit_test(test_each_failure_ends_the_process), cmocka_unit_test(test_sizes_that_overflow),
          cmocka_unit_test(test_plain_use))
