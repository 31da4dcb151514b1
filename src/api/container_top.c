/* GET /containers/{id}/top (Docker Engine API, "List processes running inside a container"): ps -ef over the
 * container's cgroup. */
#include "api/api.h"
#include "base/clock.h"
#include "base/str.h"
#include "codec/json.h"
#include "engine/container.h"

#include <dirent.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#define PROCESSES_MAX 1024 /* the first ones are shown */

/* What /proc/PID tells (proc(5)). Times in clock ticks. */
struct process {
    int pid, parent;
    uid_t uid;
    char name[64];
    int tty;
    uint64_t user_ticks, system_ticks, start_ticks;
    char command[1024];
};

static ssize_t read_proc(pid_t pid, const char *file, char *data, size_t size)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
    cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, data, size - 1);
    data[n > 0 ? n : 0] = '\0';
    return n;
}

/* The command's words, or its name in brackets where it has none. */
static void read_command(struct process *p)
{
    ssize_t n = read_proc(p->pid, "cmdline", p->command, sizeof(p->command));
    for (ssize_t i = 0; i + 1 < n; i++)
        if (!p->command[i])
            p->command[i] = ' ';
    if (n <= 0)
        (void)snprintf(p->command, sizeof(p->command), "[%s]", p->name);
}

static bool read_process(pid_t pid, struct process *p)
{
    char stat_text[1024], path[64];
    struct stat st;
    (void)snprintf(path, sizeof(path), "/proc/%d", (int)pid);
    if (read_proc(pid, "stat", stat_text, sizeof(stat_text)) <= 0 || stat(path, &st) < 0)
        return false;
    const char *open = strchr(stat_text, '('), *close = strrchr(stat_text, ')');
    if (!open || !close)
        return false;
    *p = (struct process){.pid = pid, .uid = st.st_uid};
    (void)snprintf(p->name, sizeof(p->name), "%.*s", (int)(close - open - 1), open + 1);
    if (sscanf(close + 2, "%*c %d %*d %*d %d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d %*d %*d %*d %lu", &p->parent,
               &p->tty, &p->user_ticks, &p->system_ticks, &p->start_ticks) != 5)
        return false;
    read_command(p);
    return true;
}

/* --- The columns of ps -ef */

static int64_t uptime_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_BOOTTIME, &t);
    return t.tv_sec;
}

static void put_int(struct json_out *out, int64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%lld", (long long)value);
    json_put_string(out, text);
}

static void put_user(struct json_out *out, uid_t uid)
{
    if (uid == 0)
        json_put_string(out, "root");
    else
        put_int(out, uid);
}

static void put_tty(struct json_out *out, int tty)
{
    char text[24] = "?";
    if (tty) /* pts: major 136; the minor's bits lie apart (proc(5), tty_nr) */
        (void)snprintf(text, sizeof(text), "pts/%d", (tty & 0xff) | ((tty >> 12) & 0xfff00));
    json_put_string(out, text);
}

static void write_process(const struct process *p, struct json_out *out)
{
    long hertz = sysconf(_SC_CLK_TCK);
    int64_t cpu_s = (int64_t)(p->user_ticks + p->system_ticks) / hertz;
    int64_t age_s = uptime_s() - (int64_t)p->start_ticks / hertz;
    time_t start = (time_t)(clock_realtime_ns() / NS_PER_S - age_s);
    char text[32];
    struct tm tm;
    json_put_array(out);
    put_user(out, p->uid);
    put_int(out, p->pid);
    put_int(out, p->parent);
    put_int(out, age_s > 0 ? cpu_s * 100 / age_s : 0);
    (void)strftime(text, sizeof(text), age_s < 86400 ? "%H:%M" : "%b%d", localtime_r(&start, &tm));
    json_put_string(out, text);
    put_tty(out, p->tty);
    (void)snprintf(text, sizeof(text), "%02d:%02d:%02d", (int)(cpu_s / 3600), (int)(cpu_s / 60 % 60),
                   (int)(cpu_s % 60));
    json_put_string(out, text);
    json_put_string(out, p->command);
    json_put_array_end(out);
}

static int top(struct api *api, struct http_request *request, struct err *err)
{
    static const char *const titles[] = {"UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"};
    const char *asked = http_query(request, "ps_args");
    pid_t pids[PROCESSES_MAX];
    struct container *container = engine_find_container(api->options.engine, http_param(request, "id"), err);
    if (!container)
        return -1;
    if (!str_empty(asked) && !str_eq(asked, "-ef"))
        return err_set(err, ERR_UNSUPPORTED, "top with other options for ps than -ef is not offered: '%.40s'", asked);
    ssize_t count = container_processes(container, pids, ARRAY_SIZE(pids), err);
    if (count < 0)
        return -1;
    struct api_json json cleanup(api_json_done) = API_JSON(json);
    json_put_object(&json.out);
    json_key(&json.out, "Titles");
    json_put_array(&json.out);
    for (size_t i = 0; i < ARRAY_SIZE(titles); i++)
        json_put_string(&json.out, titles[i]);
    json_put_array_end(&json.out);
    json_key(&json.out, "Processes");
    json_put_array(&json.out);
    for (ssize_t i = 0; i < count; i++) {
        struct process process;
        if (read_process(pids[i], &process))
            write_process(&process, &json.out);
    }
    json_put_array_end(&json.out);
    json_put_object_end(&json.out);
    return api_reply(request, 200, &json);
}

const struct api_route api_container_top_routes[] = {
    {HTTP_METHOD_GET, "/containers/{id}/top", top, "ps_args"},
    {0},
};
