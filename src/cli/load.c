/* load and import: archives from a file or standard input become images. */
#include "base/str.h"
#include "cli/commands.h"
#include "cli/print.h"
#include "cli/transfer.h"
#include "http/uri.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct load_options {
    const char *input;
    bool quiet, json;
};

static const struct cli_option load_options[] = {
    CLI_OPTION(struct load_options, input, "input", 'i', TEXT, "FILE", "Read from a file instead of standard input"),
    CLI_OPTION(struct load_options, quiet, "quiet", 'q', FLAG, .help = "No progress"),
    CLI_OPTION(struct load_options, json, "json", 0, FLAG, .help = "Print JSON: the lines of the daemon's API"),
    {0},
};

struct import_options {
    struct strings changes;
    const char *message, *platform;
    bool json;
};

static const struct cli_option import_options[] = {
    CLI_OPTION(struct import_options, changes, "change", 'c', TEXTS, "INSTRUCTION",
               "A line of a Dockerfile that sets the image's configuration, as in 'CMD [\"/bin/sh\"]'"),
    CLI_OPTION(struct import_options, message, "message", 'm', TEXT, "TEXT", "A comment for the image's history"),
    CLI_OPTION(struct import_options, platform, "platform", 0, TEXT, "OS/ARCH", "What it is for"),
    CLI_OPTION(struct import_options, json, "json", 0, FLAG, .help = "Print JSON: the lines of the daemon's API"),
    {0},
};

/* "-" and NULL are standard input. *ret_size is 0 where nobody knows it. */
static int open_input(const char *path, int64_t *ret_size, struct err *err)
{
    struct stat st;
    bool standard = !path || str_eq(path, "-");
    if (standard && isatty(STDIN_FILENO))
        return err_set(err, ERR_INVALID, "standard input is a terminal; name a file, or pipe an archive in");
    int fd = standard ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, errno, "%s", standard ? "standard input" : path);
    *ret_size = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? st.st_size : 0;
    return fd;
}

static enum transfer_output output_of(bool quiet, bool json)
{
    return json ? TRANSFER_JSON : quiet ? TRANSFER_QUIET : TRANSFER_PROGRESS;
}

static int run_load(struct cli *cli, const void *values, char **arguments, struct err *err)
{
    const struct load_options *o = values;
    struct daemon daemon;
    const char *last;
    int64_t size;
    if (daemon_find(cli, &daemon, err) < 0)
        return -1;
    cleanup_fd int fd = open_input(o->input, &size, err);
    if (fd < 0)
        return -1;
    enum transfer_output output = output_of(o->quiet, o->json);
    if (transfer_upload(&daemon, "/images/load", fd, size, output, &last, err) < 0)
        return err_wrap(err, "cannot load %s", o->input ? o->input : "the archive");
    if (output == TRANSFER_QUIET)
        puts(last);
    return EXIT_DONE;
}

static int run_import(struct cli *cli, const void *values, char **arguments, struct err *err)
{
    const struct import_options *o = values;
    struct daemon daemon;
    struct buf target cleanup(buf_done) = BUF(1 << 20);
    const char *last;
    int64_t size;
    if (daemon_find(cli, &daemon, err) < 0)
        return -1;
    cleanup_fd int fd = open_input(arguments[0], &size, err);
    if (fd < 0)
        return -1;
    buf_adds(&target, "/images/create");
    http_query_add(&target, "fromSrc", "-");
    http_query_add(&target, "repo", arguments[1]);
    http_query_add(&target, "message", o->message);
    http_query_add(&target, "platform", o->platform);
    vec_foreach (change, &o->changes)
        http_query_add(&target, "changes", *change);
    if (transfer_upload(&daemon, buf_str(&target), fd, size, output_of(true, o->json), &last, err) < 0)
        return err_wrap(err, "cannot import %s", arguments[0]);
    if (!o->json)
        puts(last);
    return EXIT_DONE;
}

const struct cli_command command_load = {
    .name = "load",
    .arguments = "[OPTIONS]",
    .summary = "Load images from an archive of docker save, or of an OCI image layout",
    .options = load_options,
    .options_size = sizeof(struct load_options),
    .run = run_load,
};

const struct cli_command command_import = {
    .name = "import",
    .arguments = "[OPTIONS] FILE|- [REPOSITORY[:TAG]]",
    .summary = "Make an image from a tar archive of a root file system",
    .options = import_options,
    .options_size = sizeof(struct import_options),
    .least = 1,
    .most = 2,
    .run = run_import,
};
