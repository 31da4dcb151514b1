#include "base/log.h"

#include "base/clock.h"
#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct {
    const char *name;
    enum log_level level;
    enum { TO_FILE, TO_TERMINAL, TO_JOURNAL } kind;
} logger = {.name = "shoal", .level = LOG_LEVEL_INFO};

static const struct {
    const char *word, *journal, *colour;
} levels[] = {
    [LOG_LEVEL_ERROR] = {"error", "<3>", "\033[31m"},
    [LOG_LEVEL_WARNING] = {"warning", "<4>", "\033[33m"},
    [LOG_LEVEL_INFO] = {"info", "<6>", "\033[36m"},
    [LOG_LEVEL_DEBUG] = {"debug", "<7>", "\033[2m"},
};

void log_open(const char *name, enum log_level level)
{
    logger.name = name;
    logger.level = level;
    const char *wanted = getenv("SHOAL_LOG");
    for (size_t i = 0; wanted && i < ARRAY_SIZE(levels); i++)
        if (str_eq(wanted, levels[i].word))
            logger.level = (enum log_level)i;
    if (getenv("JOURNAL_STREAM"))
        logger.kind = TO_JOURNAL;
    else if (isatty(STDERR_FILENO))
        logger.kind = TO_TERMINAL;
}

void log_line(enum log_level level, const char *format, ...)
{
    if (level > logger.level)
        return;
    char text[2048], line[2300], time[CLOCK_TEXT_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    clock_format(clock_realtime_ns(), time);
    int n;
    if (logger.kind == TO_JOURNAL)
        n = snprintf(line, sizeof(line), "%s%s\n", levels[level].journal, text);
    else if (logger.kind == TO_TERMINAL)
        n = snprintf(line, sizeof(line), "%s%s\033[0m %s: %s\n", levels[level].colour, levels[level].word, logger.name,
                     text);
    else
        n = snprintf(line, sizeof(line), "%s %s %s: %s\n", time, levels[level].word, logger.name, text);
    (void)!write(STDERR_FILENO, line, (size_t)n); /* one write: lines of several processes do not mix */
}
