#pragma once
/*
 * Files: openat2(2), small files read and written in one piece, sealed memfds, closing what must not be inherited.
 * Everything returns ≥ 0 or -errno, opens with O_CLOEXEC and never allocates.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* openat2(2) with RESOLVE_… flags of linux/openat2.h. */
int file_openat2(int folder, const char *path, int flags, mode_t mode, uint64_t resolve);

/*
 * Opens path inside root as if root were "/": symbolic links, absolute ones too, and ".." stay inside
 * (RESOLVE_IN_ROOT), and links of procfs are refused (RESOLVE_NO_MAGICLINKS).
 */
int file_open_in_root(int root, const char *path, int flags, mode_t mode);

/* Reads a small file whole, NUL-terminated; -EFBIG where it does not fit. Returns the length without the NUL. */
ssize_t file_read_at(int folder, const char *path, char *data, size_t size);
ssize_t file_read_fd(int fd, char *data, size_t size);

/* Writes text with one write(2), as files of cgroupfs and procfs want it; the file must exist. */
int file_write_at(int folder, const char *path, const char *text);

/* Writes all of it, however many calls that takes. */
int file_write_all(int fd, const void *data, size_t size);

/* A memfd with this content, sealed against every change and read from its start. exec: it may be executed. */
int file_sealed_memfd(const char *name, const void *data, size_t size, bool exec);

/* Is it a memfd that nobody can change any more? 0, or -EPERM. */
int file_check_sealed(int fd);

/* Marks the descriptors from first on CLOEXEC, or closes them. */
int file_close_on_exec_from(unsigned first);
int file_close_from(unsigned first);

/* Another descriptor of the same file, CLOEXEC, at least as large as lowest. */
int file_dup(int fd, int lowest);
