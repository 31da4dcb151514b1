#include "cli/terminal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>

/* Of the process: exit handlers have no argument. */
static struct {
    struct termios before;
    int fd;
    bool raw;
    bool at_exit;
} terminal;

bool terminal_size(int fd, int *ret_rows, int *ret_columns)
{
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) < 0)
        return false;
    *ret_rows = size.ws_row;
    *ret_columns = size.ws_col;
    return true;
}

int terminal_raw(int fd, struct err *err)
{
    struct termios raw;
    if (tcgetattr(fd, &terminal.before) < 0)
        return err_errno(err, errno, "cannot read the terminal's settings");
    raw = terminal.before;
    cfmakeraw(&raw);
    if (!terminal.at_exit && atexit(terminal_restore) == 0)
        terminal.at_exit = true;
    terminal.fd = fd;
    terminal.raw = true;
    if (tcsetattr(fd, TCSANOW, &raw) < 0)
        return err_errno(err, errno, "cannot change the terminal's settings");
    return 0;
}

void terminal_restore(void)
{
    if (terminal.raw)
        (void)tcsetattr(terminal.fd, TCSANOW, &terminal.before);
    terminal.raw = false;
}
