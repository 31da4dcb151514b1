#pragma once
/*
 * The journal of steps that are under way on this machine: RUN/journal, lines of text. It dies with the boot, as what
 * it is about does, so it is written without fsync(2): it must survive the daemon's death, not the machine's. A line is
 * written before its deed:
 *
 *     start ID        a start begins             done ID     what was begun for ID has ended, well or not
 *     remove ID       a removal begins
 *
 * At its start the daemon reads which steps were begun and not ended, and undoes (start) or finishes (remove) them.
 *
 * Fault injection: with SHOAL_FAULT_JOURNAL=N the daemon kills itself right after writing its Nth line.
 */
#include "base/cleanup.h"
#include "base/err.h"

struct journal;

/* Opens it and reads what an earlier daemon left. */
struct journal *journal_open(const char *run_dir, struct err *err);
void journal_free(struct journal *journal);
DEFINE_CLEANUP(struct journal *, journal_free);

/* Writing fails only where RUN is full: the step must not be taken then. */
int journal_begin(struct journal *journal, const char *step, const char *id, struct err *err);
void journal_end(struct journal *journal, const char *id);

/* What an earlier daemon left for id, if anything, turned out to be done. */
void journal_settle(struct journal *journal, const char *id);

/* The step that was under way for id when the journal was opened: "start", "remove"; NULL where none was. */
const char *journal_left(const struct journal *journal, const char *id);
