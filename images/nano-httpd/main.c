/* nano-httpd [-p PORT] [DIR]: see README.md. */
#include "listen.h"
#include "server.h"
#include "settle.h"
#include "sys.h"
#include "text.h"

int main(int argc, char **argv);

static const char usage[] = "usage: nano-httpd [-p PORT] [DIR]\n"
                            "Serves the files of DIR (/www) over HTTP on PORT (80; 0 takes a free one).\n";

struct line {
    char s[256];
    struct out out;
};

static void line_start(struct line *line)
{
    line->out = (struct out){line->s, 0, sizeof(line->s) - 1};
    out_text(&line->out, TEXT("nano-httpd: "));
}

static void line_string(struct line *line, const char *s)
{
    while (*s)
        out_char(&line->out, *s++);
}

static void line_write(struct line *line, int fd)
{
    line->s[line->out.n++] = '\n';
    (void)sys_write(fd, line->s, line->out.n);
}

/* "nano-httpd: cannot WHAT NAME (error 13)" */
static int fail(const char *what, const char *name, long errnum)
{
    struct line line;
    line_start(&line);
    line_string(&line, "cannot ");
    line_string(&line, what);
    line_string(&line, name);
    line_string(&line, " (error ");
    out_number(&line.out, (uint64_t)-errnum);
    line_string(&line, ")");
    line_write(&line, 2);
    return 1;
}

static void announce(const char *folder, uint16_t port)
{
    struct line line;
    line_start(&line);
    line_string(&line, "serving ");
    line_string(&line, folder);
    line_string(&line, " on port ");
    out_number(&line.out, port);
    line_write(&line, 1);
}

static bool parse_port(const char *s, uint16_t *ret)
{
    struct text t = {s, 0};
    uint64_t value;
    while (s[t.n])
        t.n++;
    if (!text_take_number(&t, &value) || t.n || value > 65535)
        return false;
    *ret = (uint16_t)value;
    return true;
}

static bool parse_arguments(int argc, char **argv, const char **ret_folder, uint16_t *ret_port)
{
    int i = 1;
    if (i < argc && argv[i][0] == '-' && argv[i][1] == 'p' && !argv[i][2]) {
        if (i + 1 >= argc || !parse_port(argv[i + 1], ret_port))
            return false;
        i += 2;
    }
    if (i < argc && argv[i][0] != '-')
        *ret_folder = argv[i++];
    return i == argc;
}

int main(int argc, char **argv)
{
    const char *folder = "/www";
    uint16_t port = 80;
    if (!parse_arguments(argc, argv, &folder, &port)) {
        (void)sys_write(2, usage, sizeof(usage) - 1);
        return 2;
    }
    long failed = sys_chdir(folder);
    if (failed)
        return fail("open the directory ", folder, failed);
    long listener = listen_on_port(port);
    if (listener < 0)
        return fail("listen on port ", argc > 2 && port != 80 ? argv[2] : "80", listener);
    failed = server_catch_signals();
    if (failed)
        return fail("start", "", failed);
    announce(folder, listen_port((int)listener));
    settle((int)listener, argv);
}
