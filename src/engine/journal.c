#include "engine/journal.h"

#include "base/buf.h"
#include "base/id.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>

#define JOURNAL_MAX     ((size_t)64 << 20) /* bytes that are read back */
#define JOURNAL_RENEWED ((off_t)4 << 20)   /* a longer one is begun again when nothing is under way */

struct journal {
    int fd;
    struct map left;  /* id → step (a constant), of the earlier daemon */
    size_t under_way; /* of this one */
    long fault;       /* lines until the injected death; 0: none */
};

static const char *const steps[] = {"start", "remove", NULL};

static const char *known_step(const char *word)
{
    for (const char *const *step = steps; *step; step++)
        if (str_eq(*step, word))
            return *step;
    return NULL;
}

/* A last line without its end was never acted upon: it is not a line. */
static void read_back(struct journal *journal, char *text)
{
    for (char *end; (end = strchr(text, '\n')); text = end + 1) {
        *end = '\0';
        char *id = text, *word = str_split(&id, ' ');
        const char *step = known_step(word);
        if (!id || !id_is_full(id))
            continue;
        if (step)
            map_put(&journal->left, id, (void *)step);
        else
            map_remove(&journal->left, id);
    }
}

static int load(struct journal *journal, struct err *err)
{
    struct buf text cleanup(buf_done) = BUF(JOURNAL_MAX);
    for (;;) {
        char *room = buf_reserve(&text, 65536);
        ssize_t n = room ? read(journal->fd, room, 65536) : -1;
        if (n < 0)
            return err_errno(err, room ? errno : EFBIG, "cannot read the journal");
        buf_claim(&text, (size_t)n);
        if (n == 0)
            break;
    }
    read_back(journal, text.data);
    return 0;
}

struct journal *journal_open(const char *run_dir, struct err *err)
{
    struct journal *journal cleanup(journal_freep) = NEW(struct journal);
    char *path cleanup(freep) = mem_printf("%s/journal", run_dir);
    const char *fault = getenv("SHOAL_FAULT_JOURNAL");
    journal->fault = fault ? strtol(fault, NULL, 10) : 0;
    journal->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (journal->fd < 0) {
        err_errno(err, errno, "cannot open the journal %s", path);
        return NULL;
    }
    return load(journal, err) < 0 ? NULL : TAKE(journal);
}

void journal_free(struct journal *journal)
{
    if (!journal)
        return;
    closep(&journal->fd);
    map_done(&journal->left);
    free(journal);
}

static int write_line(struct journal *journal, const char *word, const char *id)
{
    char line[128];
    int n = snprintf(line, sizeof(line), "%s %s\n", word, id);
    if (write(journal->fd, line, (size_t)n) != n)
        return -1;
    if (journal->fault && --journal->fault == 0)
        (void)raise(SIGKILL);
    return 0;
}

int journal_begin(struct journal *journal, const char *step, const char *id, struct err *err)
{
    if (write_line(journal, step, id) < 0)
        return err_errno(err, errno, "cannot write the journal");
    journal->under_way++;
    return 0;
}

void journal_settle(struct journal *journal, const char *id)
{
    if (!map_get(&journal->left, id))
        return;
    (void)write_line(journal, "done", id);
    map_remove(&journal->left, id);
}

void journal_end(struct journal *journal, const char *id)
{
    (void)write_line(journal, "done", id); /* where it is missing, the next daemon looks once more */
    map_remove(&journal->left, id);
    if (journal->under_way)
        journal->under_way--;
    bool idle = !journal->under_way && !journal->left.count;
    if (idle && lseek(journal->fd, 0, SEEK_END) > JOURNAL_RENEWED)
        (void)!ftruncate(journal->fd, 0);
}

const char *journal_left(const struct journal *journal, const char *id)
{
    return map_get(&journal->left, id);
}
