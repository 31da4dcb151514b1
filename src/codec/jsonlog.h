#pragma once
/*
 * Docker's json-file log format: one JSON object a line,
 *
 *     {"log":"text\n","stream":"stdout","attrs":{"key":"value"},"time":"2026-11-22T14:30:05.123456789Z"}
 *
 * "log" ends with \n where the line is complete; a line longer than JSONLOG_PIECE_MAX is cut into pieces that lack it,
 * and readers join them. Escaped as Docker does: \" \\ \n \r, \u00xx for other controls and for < > &, \u2028 and
 * \u2029; bytes that are no UTF-8 become \ufffd. "attrs" stands only where labels or environment were asked for.
 *
 * Files: DATA/containers/ID/ID-json.log, the older ones ID-json.log.1, .2 and so on.
 *
 * Pure and without allocation: the static logger writes with it, the daemon reads.
 */
#include "base/id.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSONLOG_PIECE_MAX ((size_t)16 * 1024)
#define JSONLOG_ATTRS_MAX ((size_t)8 * 1024)
#define JSONLOG_FILES_MAX 100 /* so the highest suffix is .99 */
/* The longest record a piece can become: every byte six, and the frame around it. */
#define JSONLOG_RECORD_MAX (6 * JSONLOG_PIECE_MAX + JSONLOG_ATTRS_MAX + 128)
#define JSONLOG_NAME_MAX   (ID_SIZE + 16)

/* The numbers of Docker's stdcopy framing. */
enum jsonlog_stream { JSONLOG_STDOUT = 1, JSONLOG_STDERR = 2 };

struct jsonlog_record {
    const char *text; /* not NUL-terminated */
    size_t size;
    enum jsonlog_stream stream;
    int64_t time_ns;   /* clock_realtime_ns() */
    const char *attrs; /* a JSON object as text, NULL or empty where there is none; not NUL-terminated when parsed */
    size_t attrs_size;
};

/* Remembers the last second as text, which most lines share. Zeroed at first. */
struct jsonlog_clock {
    int64_t second;
    char text[24]; /* "2026-11-22T14:30:05." */
};

/* Writes one record with its end of line; the size, or 0 where JSONLOG_RECORD_MAX-like room for it is missing. */
size_t jsonlog_format(char *out, size_t room, const struct jsonlog_record *record, struct jsonlog_clock *clock);

/*
 * Reads one line (with or without its \n) and decodes it in place: the text of *ret points into line. False where it is
 * no record. Keys may stand in any order; those not known are skipped. A missing time is 0, a missing stream stdout.
 */
bool jsonlog_parse(char *line, size_t size, struct jsonlog_record *ret);

/*
 * The size of the next piece of a stream: up to and with the first \n, or JSONLOG_PIECE_MAX where none comes within it;
 * 0 where more data must come to know. With last, what is there is a piece.
 */
size_t jsonlog_piece(const char *data, size_t size, bool last);

/* "ID-json.log" for index 0, "ID-json.log.1" for the one before it … */
void jsonlog_name(char name[JSONLOG_NAME_MAX], const char *id, unsigned index);
