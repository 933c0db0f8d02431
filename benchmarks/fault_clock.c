/* Preloaded into a process: its clock on the wall stands as many seconds off as the file $FAULT_CLOCK says, "OFFSET STEP":
 * OFFSET, and after each look at it STEP more. The file may change while the process runs. Other clocks are left alone.
 *
 *     cc -shared -fPIC -o fault_clock.so fault_clock.c
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long looks = 0;

static long off(void) {
    const char *file = getenv("FAULT_CLOCK");
    char text[64] = "";
    long offset = 0, step = 0;
    int from = file ? (int)syscall(SYS_openat, AT_FDCWD, file, O_RDONLY | O_CLOEXEC) : -1;
    if (from < 0) return 0;
    ssize_t size = read(from, text, sizeof text - 1);
    syscall(SYS_close, from);
    if (size <= 0) return 0;
    sscanf(text, "%ld %ld", &offset, &step);
    return offset + step * looks++;
}

int clock_gettime(clockid_t clock, struct timespec *at) {
    long failed = syscall(SYS_clock_gettime, clock, at);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        at->tv_sec += off();
        if (at->tv_sec < 0) at->tv_sec = 0;
    }
    return (int)failed;
}

time_t time(time_t *into) {
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    if (into) *into = at.tv_sec;
    return at.tv_sec;
}

int gettimeofday(struct timeval *at, void *zone) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    at->tv_sec = exact.tv_sec;
    at->tv_usec = exact.tv_nsec / 1000;
    return 0;
}
