#include "ipc/logger_protocol.h"

#include "base/str.h"
#include "test.h"

#define ID "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd"

static int check(struct logger_request r, unsigned fds, size_t size, const char *message)
{
    char data[sizeof(r) + 64] = {0};
    struct logger_request ret;
    const char *text;
    struct err err = {0};
    memcpy(data, &r, sizeof(r));
    int result = logger_request_read(data, size, fds, &ret, &text, &err);
    if (result < 0 && message && !strstr(err.message, message))
        fail_msg("\"%s\" is not in \"%s\"", message, err.message);
    return result;
}

#define OPEN(...) .type = LOGGER_OPEN, .sequence = 1, .id = ID, __VA_ARGS__
#define BOTH      .streams = LOGGER_BOTH, .driver = LOGGER_JSON_FILE
#define SIZE      sizeof(struct logger_request)

static void test_requests(void **state)
{
    static const struct {
        struct logger_request request;
        unsigned fds;
        size_t size;
        const char *message; /* NULL: it is taken */
    } cases[] = {
        {{OPEN(BOTH)}, 0, SIZE, NULL},
        {{OPEN(BOTH, .text_size = 3)}, 0, SIZE + 3, NULL},
        {{OPEN(.streams = LOGGER_STDOUT, .driver = LOGGER_ATTACH_ONLY, .flags = LOGGER_TTY)}, 1, SIZE, NULL},
        {{.type = LOGGER_HELLO, .sequence = 1}, 1, SIZE, NULL},
        {{OPEN(BOTH)}, 0, SIZE - 1, "too short"},
        {{OPEN(BOTH)}, 0, SIZE + 1, "its text has 0"},
        {{OPEN(BOTH, .text_size = UINT32_MAX)}, 0, SIZE, "its text has"},
        {{OPEN(BOTH)}, 1, SIZE, "1 descriptors instead of 0"},
        {{.type = 99, .sequence = 1}, 0, SIZE, "no request has the number 99"},
        {{.type = LOGGER_LIST}, 0, SIZE, "sequence number is 0"},
        {{.type = LOGGER_STATS, .sequence = 1, .id = "../../etc"}, 0, SIZE, "64 hex digits"},
        {{.type = LOGGER_STATS, .sequence = 1, .id = ID "x"}, 0, SIZE, "64 hex digits"},
        {{OPEN(.streams = 4)}, 0, SIZE, "streams are 4"},
        {{OPEN(.streams = 0)}, 0, SIZE, "streams are 0"},
        {{OPEN(.streams = LOGGER_BOTH, .driver = 7)}, 0, SIZE, "no log driver"},
        {{OPEN(BOTH, .flags = 64)}, 0, SIZE, "unknown flags"},
        {{OPEN(BOTH, .max_files = 101)}, 0, SIZE, "101 log files"},
        {{OPEN(BOTH, .max_size = 4095)}, 0, SIZE, "at least 4096"},
        {{OPEN(BOTH, .flags = LOGGER_TTY)}, 1, SIZE, "one stream stdout"},
        {{.type = LOGGER_LIST, .sequence = 1, .id = ID}, 0, SIZE, "there should be none"},
        {{.type = LOGGER_STATS, .sequence = 1, .id = ID, .text_size = 1}, 0, SIZE + 1, "takes no text"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_int_equal(check(cases[i].request, cases[i].fds, cases[i].size, cases[i].message),
                         cases[i].message ? -1 : 0);
}

static void test_events(void **state)
{
    struct logger_event event = {.type = LOGGER_REPLY, .sequence = 1, .error = ERR_LIMIT}, ret;
    const char *text;
    struct err err;
    assert_int_equal(logger_event_read(&event, sizeof(event), &ret, &text, &err), 0);
    event.error = ERR_KIND_COUNT;
    assert_int_equal(logger_event_read(&event, sizeof(event), &ret, &text, &err), -1);
    event.error = 0;
    event.type = LOGGER_DRAINED; /* of whom? */
    assert_int_equal(logger_event_read(&event, sizeof(event), &ret, &text, &err), -1);
}

TEST_MAIN(cmocka_unit_test(test_requests), cmocka_unit_test(test_events))
