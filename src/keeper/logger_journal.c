#include "keeper/logger_journal.h"

#include "base/cleanup.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>

/* Each kill leaves one behind at most, until its container is opened again. */
#define ENTRIES 16

/* The order of stores is the order in the page: it is read by another process, after this one is gone. */
static void store_barrier(void)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

int journal_open(struct journal *journal, int run_fd)
{
    size_t size = ENTRIES * sizeof(struct journal_entry);
    cleanup_fd int fd = openat(run_fd, "logger.journal", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 || ftruncate(fd, (off_t)size) < 0)
        return -errno;
    void *mapped = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mapped == MAP_FAILED)
        return -errno;
    (void)mlock(mapped, size);
    *journal = (struct journal){.fd = take_fd(&fd), .mapped = mapped, .now = mapped};
    for (struct journal_entry *e = journal->mapped; e < journal->mapped + ENTRIES; e++)
        if (!e->active) {
            journal->now = e;
            break;
        }
    return 0;
}

void journal_close(struct journal *journal)
{
    if (journal->mapped)
        (void)munmap(journal->mapped, ENTRIES * sizeof(struct journal_entry));
    close_fd(&journal->fd);
    journal->mapped = NULL;
}

void journal_begin(struct journal *journal, const struct journal_entry *entry, char first_byte)
{
    struct journal_entry *now = journal->now;
    now->active = 0;
    store_barrier();
    *now = *entry;
    now->active = 0;
    now->first = now->proof = (char)~first_byte;
    store_barrier();
    now->active = 1;
    store_barrier();
}

char *journal_proof(struct journal *journal)
{
    return &journal->now->proof;
}

void journal_end(struct journal *journal)
{
    store_barrier();
    journal->now->active = 0;
}

struct journal_entry *journal_find(struct journal *journal, const char *id, unsigned stream)
{
    for (struct journal_entry *e = journal->mapped; e < journal->mapped + ENTRIES; e++)
        if (e->active && e->stream == stream && strncmp(e->id, id, ID_SIZE) == 0)
            return e;
    return NULL;
}

bool journal_was_consumed(const struct journal_entry *entry)
{
    return entry->proof != entry->first;
}

void journal_forget(struct journal_entry *entry)
{
    entry->active = 0;
}
