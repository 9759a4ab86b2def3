/* The time that redis-server sees: milliseconds since the Unix epoch, which a test writes into the
 * file IMSIM_CLOCK. Debian's libfaketime cannot be used: under it redis-server's allocator asks for
 * the time before the library is ready, and both wait for each other for ever. Clocks that only
 * measure spans stay real, so that the server's event loop runs. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t *shared;

static int64_t now_ms(void) {
    if (!shared) {
        const char *path = getenv("IMSIM_CLOCK");
        int file = path ? open(path, O_RDONLY) : -1;
        void *at = mmap(0, sizeof *shared, PROT_READ, MAP_SHARED, file, 0);
        if (at == MAP_FAILED) abort();
        shared = at;
    }
    return *shared;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone) {
    int64_t ms = now_ms();
    (void)zone;
    out->tv_sec = ms / 1000;
    out->tv_usec = ms % 1000 * 1000;
    return 0;
}

time_t time(time_t *out) {
    time_t seconds = now_ms() / 1000;
    if (out) *out = seconds;
    return seconds;
}

int clock_gettime(clockid_t clock, struct timespec *out) {
    if (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)
        return syscall(SYS_clock_gettime, clock, out);
    int64_t ms = now_ms();
    out->tv_sec = ms / 1000;
    out->tv_nsec = ms % 1000 * 1000000;
    return 0;
}
