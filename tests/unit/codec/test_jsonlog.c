#include "codec/jsonlog.h"

#include "base/clock.h"
#include "base/str.h"
#include "test.h"

#include <stdlib.h>

#define TIME_NS (1795357805LL * NS_PER_S + 123456789)
#define TIME    "2026-11-22T14:30:05.123456789Z"

static char out[JSONLOG_RECORD_MAX + 1];

static const char *format(const char *text, size_t size, enum jsonlog_stream stream, const char *attrs)
{
    struct jsonlog_clock clock = {0};
    struct jsonlog_record record = {.text = text,
                                    .size = size,
                                    .stream = stream,
                                    .time_ns = TIME_NS,
                                    .attrs = attrs,
                                    .attrs_size = attrs ? strlen(attrs) : 0};
    size_t n = jsonlog_format(out, sizeof(out) - 1, &record, &clock);
    assert_true(n > 0);
    out[n] = '\0';
    return out;
}

#define FORMAT(text) format(text, sizeof(text) - 1, JSONLOG_STDOUT, NULL)
#define LINE(text)   "{\"log\":\"" text "\",\"stream\":\"stdout\",\"time\":\"" TIME "\"}\n"

static void test_format(void **state)
{
    assert_string_equal(FORMAT("hello\n"), LINE("hello\\n"));
    assert_string_equal(FORMAT(""), LINE(""));
    assert_string_equal(format("x", 1, JSONLOG_STDERR, "{\"a\":\"b\"}"),
                        "{\"log\":\"x\",\"stream\":\"stderr\",\"attrs\":{\"a\":\"b\"},\"time\":\"" TIME "\"}\n");
}

static void test_escapes(void **state)
{
    assert_string_equal(FORMAT("a\"b\\c\r\t\x01\x1f\x7f<&>/\n"),
                        LINE("a\\\"b\\\\c\\r\\u0009\\u0001\\u001f\x7f\\u003c\\u0026\\u003e/\\n"));
    assert_string_equal(FORMAT("nul\0."), LINE("nul\\u0000."));
}

static void test_utf8(void **state)
{
    assert_string_equal(FORMAT("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\x9f"),
                        LINE("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\x9f"));
    /* NOLINTNEXTLINE(misc-misleading-bidirectional): that is what is tested */
    assert_string_equal(FORMAT("\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa"), LINE("\\u2028\\u2029\xe2\x80\xaa"));
    /* A lone byte, an overlong form, a surrogate, a sequence cut short: U+FFFD for each byte, as Go decodes. */
    assert_string_equal(FORMAT("\xff|\xc0\xaf|\xed\xa0\x80|\xe2\x82"),
                        LINE("\\ufffd|\\ufffd\\ufffd|\\ufffd\\ufffd\\ufffd|\\ufffd\\ufffd"));
}

static void test_format_needs_room(void **state)
{
    struct jsonlog_clock clock = {0};
    struct jsonlog_record record = {.text = "\x01\x01\x01", .size = 3, .stream = JSONLOG_STDOUT, .time_ns = TIME_NS};
    for (size_t room = 0; room < 300; room++) {
        memset(out, '#', 300);
        size_t n = jsonlog_format(out, room, &record, &clock);
        assert_true(n <= room);
        for (size_t i = room; i < 300; i++)
            assert_int_equal(out[i], '#');
    }
}

static void test_largest_record(void **state)
{
    static char text[JSONLOG_PIECE_MAX];
    char *attrs = malloc(JSONLOG_ATTRS_MAX);
    memset(text, 1, sizeof(text));
    memset(attrs, 'x', JSONLOG_ATTRS_MAX);
    struct jsonlog_clock clock = {0};
    struct jsonlog_record record = {.text = text,
                                    .size = sizeof(text),
                                    .stream = JSONLOG_STDERR,
                                    .time_ns = TIME_NS,
                                    .attrs = attrs,
                                    .attrs_size = JSONLOG_ATTRS_MAX};
    size_t n = jsonlog_format(out, JSONLOG_RECORD_MAX, &record, &clock);
    assert_true(n > 6 * sizeof(text) && n <= JSONLOG_RECORD_MAX);
    assert_int_equal(jsonlog_format(out, JSONLOG_RECORD_MAX - 1, &record, &clock), 0);
    free(attrs);
}

static struct jsonlog_record parse(char *line)
{
    struct jsonlog_record record;
    assert_true(jsonlog_parse(line, strlen(line), &record));
    return record;
}

static void assert_text(const struct jsonlog_record *record, const char *text, size_t size)
{
    assert_int_equal(record->size, size);
    assert_memory_equal(record->text, text, size);
}

static void test_round_trip(void **state)
{
    char text[256 + 8];
    for (int i = 0; i < 256; i++)
        text[i] = (char)(i < 128 ? i : 'x');
    memcpy(text + 256, "\xf0\x9f\x90\x9f\xe2\x80\xa8\n", 8);
    (void)format(text, sizeof(text), JSONLOG_STDERR, "{\"k\":{\"}\":[1,\"]\\\"\"]}}");
    struct jsonlog_record record = parse(out);
    assert_text(&record, text, sizeof(text));
    assert_int_equal(record.stream, JSONLOG_STDERR);
    assert_true(record.time_ns == TIME_NS);
    assert_int_equal(record.attrs_size, strlen("{\"k\":{\"}\":[1,\"]\\\"\"]}}"));
}

static void test_parse_others(void **state)
{
    char any[] = " { \"time\" : \"2026-11-22T15:30:05.5+01:00\" , \"x\":[{},null,-1e5], \"log\":\"\\t\\/\\u00fc\" }";
    struct jsonlog_record record = parse(any);
    assert_text(&record, "\t/\xc3\xbc", 4);
    assert_true(record.time_ns == 1795357805LL * NS_PER_S + NS_PER_S / 2);
    char pair[] = "{\"log\":\"\\ud83d\\udc1f\\ud83d.\\udc1f\"}";
    record = parse(pair);
    assert_text(&record, "\xf0\x9f\x90\x9f\xef\xbf\xbd.\xef\xbf\xbd", 11);
    char empty[] = "{}";
    record = parse(empty);
    assert_int_equal(record.size, 0);
}

static void test_parse_refuses(void **state)
{
    static const char *const bad[] = {
        "",
        "x",
        "{",
        "{\"log\"}",
        "{\"log\":1}",
        "{\"log\":\"a",
        "{\"log\":\"a\\",
        "{\"log\":\"a\\u12\"}",
        "{\"log\":\"a\\x\"}",
        "{\"log\":\"a\",",
        "{\"log\":\"a\" \"time\":\"2026-11-22\"}",
        "{\"time\":\"yesterday\"}",
        "{\"time\":\"2026-11-22T14:30:05.123456789123456789123456789123456789Z\"}",
        "{\"attrs\":{\"a\":\"}",
        "{\"x\":]}",
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        char *line = strdup(bad[i]);
        struct jsonlog_record record;
        if (jsonlog_parse(line, strlen(line), &record))
            fail_msg("taken: %s", bad[i]);
        free(line);
    }
}

static void test_pieces(void **state)
{
    static char data[3 * JSONLOG_PIECE_MAX];
    memset(data, 'x', sizeof(data));
    assert_int_equal(jsonlog_piece("a\nb", 3, false), 2);
    assert_int_equal(jsonlog_piece("\n", 1, false), 1);
    assert_int_equal(jsonlog_piece("ab", 2, false), 0);
    assert_int_equal(jsonlog_piece("ab", 2, true), 2);
    assert_int_equal(jsonlog_piece("", 0, true), 0);
    assert_int_equal(jsonlog_piece(data, JSONLOG_PIECE_MAX - 1, false), 0);
    assert_int_equal(jsonlog_piece(data, sizeof(data), false), JSONLOG_PIECE_MAX);
    data[JSONLOG_PIECE_MAX - 1] = '\n';
    assert_int_equal(jsonlog_piece(data, sizeof(data), false), JSONLOG_PIECE_MAX);
    data[100] = '\n';
    assert_int_equal(jsonlog_piece(data, sizeof(data), true), 101);
}

static void test_names(void **state)
{
    char name[JSONLOG_NAME_MAX];
    jsonlog_name(name, "abc", 0);
    assert_string_equal(name, "abc-json.log");
    jsonlog_name(name, "abc", 12);
    assert_string_equal(name, "abc-json.log.12");
}

TEST_MAIN(cmocka_unit_test(test_format), cmocka_unit_test(test_escapes), cmocka_unit_test(test_utf8),
          cmocka_unit_test(test_format_needs_room), cmocka_unit_test(test_largest_record),
          cmocka_unit_test(test_round_trip), cmocka_unit_test(test_parse_others), cmocka_unit_test(test_parse_refuses),
          cmocka_unit_test(test_pieces), cmocka_unit_test(test_names))
