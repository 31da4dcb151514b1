#pragma once
/*
 * The program's own log: lines on standard error, with a level that journald understands (sd-daemon(3) prefixes) where
 * stderr is the journal, a coloured word on a terminal, and a time elsewhere. Library code logs nothing above debug;
 * boundaries log once.
 */
enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* name stands before each line ("keeper"); SHOAL_LOG=error|warning|info|debug in the environment overrides level. */
void log_open(const char *name, enum log_level level);
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)   log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)    log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)   log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)
