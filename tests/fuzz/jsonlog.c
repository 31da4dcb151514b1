/* A record that is read, written again and read again says the same. */
#include "codec/jsonlog.h"
#include "base/clock.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_round_trip(const struct jsonlog_record *record)
{
    static char out[JSONLOG_RECORD_MAX];
    struct jsonlog_clock clock = {0};
    struct jsonlog_record again;
    struct jsonlog_record written = *record;
    written.attrs_size = 0;
    size_t n = jsonlog_format(out, sizeof(out), &written, &clock);
    if (!n)
        return;
    if (!jsonlog_parse(out, n, &again) || again.stream != record->stream)
        abort();
    if (record->time_ns > NS_PER_S && record->time_ns < 4000000000LL * NS_PER_S && again.time_ns != record->time_ns)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *line = mem_memdup(data, size);
    struct jsonlog_record record;
    if (jsonlog_parse(line, size, &record))
        check_round_trip(&record);
    size_t at = 0;
    for (size_t n; at < size && (n = jsonlog_piece((const char *)data + at, size - at, true)); at += n)
        if (n > JSONLOG_PIECE_MAX)
            abort();
    if (at != size)
        abort();
    free(line);
    return 0;
}
