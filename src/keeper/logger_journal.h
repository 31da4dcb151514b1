#pragma once
/*
 * Lines go from a FIFO to a file exactly once, even where the logger is killed (SIGKILL) in between.
 *
 * A batch is looked at with tee(2), which leaves it in the FIFO; written; and only then read out. The journal, a small
 * file in the run directory that is mapped and so outlives the process, says what is under way:
 *
 *     journal_begin()    this many bytes of this FIFO become records of this file from this offset on
 *     write(2)           a kill within leaves some whole records and perhaps a torn one
 *     readv(2)           of just these bytes, the first of them into journal_proof(), which held another value
 *     journal_end()
 *
 * One call of readv(2) on a pipe that has the bytes takes all or nothing. So the next logger, asked to open the
 * container, counts the whole records behind the offset, cuts the torn one, sees from the proof whether the bytes were
 * taken out, and takes those of the whole records out if not. What is left over: a machine that swaps may fault within
 * the copy (the page is locked where that is permitted), and a power failure loses the FIFO anyway.
 *
 * One thread means one batch at a time, so its cost is one page for the machine.
 */
#include "base/id.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct journal_entry {
    uint32_t active;
    uint32_t size;   /* bytes of the FIFO */
    uint64_t offset; /* of the file, where the batch begins */
    uint64_t inode;  /* of the file */
    uint32_t extra;  /* records at its beginning that are not from the FIFO */
    uint8_t stream;  /* enum jsonlog_stream */
    char first;      /* what proof was given: not the first byte */
    char proof;
    char id[ID_SIZE];
};

struct journal {
    int fd;                       /* owned, and locked: one logger a run directory */
    struct journal_entry *mapped; /* owned */
    struct journal_entry *now;    /* the one to use: the others may tell of batches that were interrupted */
};

/* Opens or makes the journal in the folder run_fd. -EWOULDBLOCK where another logger has it. */
int journal_open(struct journal *journal, int run_fd);
void journal_close(struct journal *journal);

void journal_begin(struct journal *journal, const struct journal_entry *entry, char first_byte);
/* Where readv(2) puts the first byte. */
char *journal_proof(struct journal *journal);
void journal_end(struct journal *journal);

/* A batch of this stream that was interrupted, or NULL. */
struct journal_entry *journal_find(struct journal *journal, const char *id, unsigned stream);
bool journal_was_consumed(const struct journal_entry *entry);
void journal_forget(struct journal_entry *entry);
