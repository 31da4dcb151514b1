#pragma once
/* Streams into files of the staging folder, for what is needed more than once or out of order. For workers. */
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * A descriptor of a file with what fd has, plain where inflate is asked for: of fd's own file where that will do, of an
 * unnamed one in folder otherwise. ERR_NO_SPACE where less than reserve bytes would be left.
 */
int spool_file(int fd, bool inflate, int folder, int64_t reserve, struct err *err);

/* ERR_NO_SPACE where less than reserve bytes are left on folder's disk. */
int spool_check_space(int folder, int64_t reserve, struct err *err);
