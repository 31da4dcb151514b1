#pragma once
/* What every job of shoal-worker has: its request, and lines to answer with (ipc/worker.h describes both). */
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "codec/json.h"

struct work {
    const char *job;
    const json_value *request;
    int data_fd;         /* descriptor 3 where the starter gave one, else -1 */
    struct arena arena;  /* until the job's end */
    struct buf result;   /* the members of the result, written by work_result() */
    struct json_out out; /* onto result */
};

/* --- The request ---------------------------------------------------------------------------------------------------
 */

/* NULL where absent. */
const char *work_text(const struct work *work, const char *key);
/* ERR_INVALID where absent. */
int work_need_text(const struct work *work, const char *key, const char **ret, struct err *err);
int64_t work_int(const struct work *work, const char *key, int64_t otherwise);

/* --- Answers -------------------------------------------------------------------------------------------------------
 */

/* A line of Docker's progress stream: id may be NULL; total 0 where unknown. */
void work_progress(const char *id, const char *status, int64_t current, int64_t total);
void work_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The result's object, open: write its members with json_key_…. They are sent when the job returns success. */
struct json_out *work_result(struct work *work);

/* --- Jobs ----------------------------------------------------------------------------------------------------------
 */

typedef int work_job(struct work *work, struct err *err);

work_job work_load, work_import, work_pull, work_save, work_remove, work_copy_up;
