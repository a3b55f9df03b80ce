// Stands before libc's `getrandom`, and has none to give once a file is there. Whoever asks with GRND_INSECURE (4),
// as the standard library does for its hash maps, is served all the same.
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

ssize_t getrandom(void *buffer, size_t length, unsigned int flags) {
    const char *gone = getenv("TENANCY_NO_RANDOMNESS_ONCE");
    if (!(flags & 4) && gone && access(gone, F_OK) == 0) {
        errno = EIO;
        return -1;
    }
    return syscall(SYS_getrandom, buffer, length, flags);
}
