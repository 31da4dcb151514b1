#pragma once
/*
 * The log files of a container: DATA/containers/ID/ID-json.log and the older ones, 0640, written by the logger alone.
 * Made with the first line. A file is kept open while it is used; of all containers' files, the LOG_FILES_OPEN used
 * last, so that a silent container costs no descriptor.
 *
 * Files always end with a whole record, but for the instant of a write(2). Everything returns ≥ 0 or -errno.
 */
#include "base/id.h"
#include "base/list.h"

#include <stddef.h>
#include <stdint.h>

#define LOG_FILES_OPEN 64

/* Shared by all containers. */
struct log_files {
    int containers_fd; /* DATA/containers; owned; -1 until the daemon gave it */
    struct list open;  /* struct log_file, the longest unused first */
    unsigned open_count;
};

struct log_file {
    struct list link; /* in log_files.open */
    int fd;           /* owned; -1 while closed */
    uint32_t max_files;
    uint64_t max_size;
    uint64_t size; /* while open */
    uint64_t inode;
};

void log_files_init(struct log_files *files);
/* Takes containers_fd over. */
void log_files_use(struct log_files *files, int containers_fd);

/* Makes sure that it is open. */
int log_file_open(struct log_files *files, struct log_file *file, const char *id);
void log_file_close(struct log_files *files, struct log_file *file);

/*
 * Appends whole records. Where not all of them can be written, the rest is taken back to the last whole one: *ret_kept
 * says how many bytes of data are in the file, and the result is the error.
 */
int log_file_append(struct log_files *files, struct log_file *file, const char *id, const char *data, size_t size,
                    size_t *ret_kept);

/* Begins a new file: the current one becomes .1 and so on, and the oldest is removed. The file is open afterwards. */
int log_file_rotate(struct log_files *files, struct log_file *file, const char *id);

/*
 * After a batch was interrupted: where the file is the one with this inode, *ret_records counts the whole records from
 * offset on (0 otherwise). No file is no error. A torn record was cut before: opening does that.
 */
int log_file_mend(struct log_files *files, struct log_file *file, const char *id, uint64_t inode, uint64_t offset,
                  size_t *ret_records);
