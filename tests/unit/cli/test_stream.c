#include "cli/stream.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "test.h"

static struct buf out[3];

static void take(void *data, int fd, const char *bytes, size_t size)
{
    buf_add(&out[fd], bytes, size);
}

static const char text[] = "\1\0\0\0\0\0\0\3out\2\0\0\0\0\0\0\5error\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\1!";

/* Whatever the pieces in which they come. */
static void test_frames_are_taken_apart(void **state)
{
    for (size_t step = 1; step < sizeof(text); step++) {
        struct stream stream = {0};
        struct err err;
        out[1] = out[2] = BUF(100);
        for (size_t at = 0; at < sizeof(text) - 1; at += step) {
            size_t left = sizeof(text) - 1 - at;
            assert_return_code(stream_feed(&stream, text + at, left < step ? left : step, take, NULL, &err), 0);
        }
        assert_string_equal(buf_str(&out[1]), "out!");
        assert_string_equal(buf_str(&out[2]), "error");
        buf_done(&out[1]);
        buf_done(&out[2]);
    }
}

static void test_what_is_no_stream_is_refused(void **state)
{
    struct stream stream = {0};
    struct err err;
    assert_int_equal(stream_feed(&stream, "hello world", 11, take, NULL, &err), -1);
    assert_int_equal(err.kind, ERR_INVALID);
}

TEST_MAIN(cmocka_unit_test(test_frames_are_taken_apart), cmocka_unit_test(test_what_is_no_stream_is_refused))
