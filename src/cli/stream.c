#include "cli/stream.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

void stream_write(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, bytes, size);
        if (n > 0) {
            bytes += n;
            size -= (size_t)n;
        } else if (n < 0 && errno == EAGAIN) {
            (void)poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, -1);
        } else if (n < 0 && errno != EINTR) {
            return;
        }
    }
}

int stream_feed(struct stream *stream, const char *bytes, size_t size,
                void (*take)(void *data, int fd, const char *bytes, size_t size), void *data, struct err *err)
{
    while (size > 0) {
        if (stream->left > 0) {
            size_t n = size < stream->left ? size : stream->left;
            take(data, stream->header[0] == 2 ? STDERR_FILENO : STDOUT_FILENO, bytes, n);
            stream->left -= n;
            bytes += n;
            size -= n;
            continue;
        }
        stream->header[stream->header_size++] = (unsigned char)*bytes++;
        size--;
        if (stream->header_size < sizeof(stream->header))
            continue;
        const unsigned char *h = stream->header;
        if (h[0] > 2 || h[1] || h[2] || h[3])
            return err_set(err, ERR_INVALID, "the daemon sent a broken stream (frame of type %u)", h[0]);
        stream->left = (size_t)h[4] << 24 | (size_t)h[5] << 16 | (size_t)h[6] << 8 | h[7];
        stream->header_size = 0;
    }
    return 0;
}
