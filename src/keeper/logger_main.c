/*
 * shoal-logger --run-dir DIR: the logger of one node (keeper/logger.h). Started by the daemon or by a service manager;
 * ready when DIR/logger.sock accepts. SIGTERM ends it without a loss: what it has not logged stays in the FIFOs.
 */
#include "base/log.h"
#include "base/str.h"
#include "keeper/logger.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>

static struct logger logger; /* its buffers are too large for a stack */

static void terminated(struct signal_watch *watch, const struct signalfd_siginfo *info)
{
    logger.ended = true;
}

static int run(const char *run_dir, struct err *err)
{
    struct loop *loop cleanup(loop_freep) = loop_new(err);
    struct signal_watch watch = {.arrived = terminated};
    if (!loop || signal_watch_add(&watch, loop, SIGTERM, err) < 0)
        return -1;
    int r = logger_init(&logger, loop, run_dir, err);
    if (r == 0)
        r = logger_run(&logger, err);
    logger_fini(&logger);
    signal_watch_remove(&watch);
    return r;
}

static const char *parse_arguments(int argc, char **argv)
{
    static const struct option options[] = {
        {"run-dir", required_argument, NULL, 'r'}, {"version", no_argument, NULL, 'v'}, {NULL, 0, NULL, 0}};
    const char *run_dir = NULL;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 'v') {
            (void)puts("shoal-logger " SHOAL_VERSION);
            exit(0);
        }
        if (c != 'r')
            return NULL;
        run_dir = optarg;
    }
    return optind == argc ? run_dir : NULL;
}

int main(int argc, char **argv)
{
    struct err err;
    const char *run_dir = parse_arguments(argc, argv);
    log_open("logger", LOG_LEVEL_INFO);
    if (!run_dir) {
        (void)fputs("usage: shoal-logger --run-dir DIR\n", stderr);
        return 2;
    }
    /* A reader that is gone and a limit on file sizes are errors of a write, no reasons to die. */
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);
    (void)umask(027);
    if (run(run_dir, &err) < 0) {
        log_error("%s", err.message);
        return 1;
    }
    return 0;
}
