#pragma once
/* Opening what is in the served directory, and nothing else. */

/*
 * Opens a file or folder of the current directory for reading. Nothing outside is ever opened: openat2 (Linux 5.6)
 * resolves the path beneath the directory, symbolic links and ".." included, and follows no magic link. Where the
 * kernel has no openat2, or something between here and it (qemu-user, a seccomp filter) does not know it, the path is
 * walked name by name, and symbolic links and ".." are refused. path is as it was afterwards. Returns a descriptor or
 * -errno: -EXDEV and -ELOOP where the path leads outside.
 */
long open_beneath(char *path);
