/* Preloaded into a process: counts its changes to files under a directory, and at the n-th of them ends the process,
 * refuses it as a broken disk does, or refuses it and all that needs room from then on, as a full disk does.
 *
 *     cc -shared -fPIC -o fault_points.so fault_points.c -ldl
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { OFF, COUNT, KILL, BROKEN, FULL, HALF };
static int mode = OFF;
static long at = 0, seen = 0;
static char under[PATH_MAX];

void fault_arm(int how, long n, const char *directory) {
    mode = how;
    at = n;
    seen = 0;
    snprintf(under, sizeof under, "%s", directory);
}

long fault_seen(void) { return seen; }

static int within(int dir, const char *path) {
    char whole[2 * PATH_MAX];
    if (path[0] == '/') return strncmp(path, under, strlen(under)) == 0;
    char link[64], base[PATH_MAX];
    if (dir == AT_FDCWD) {
        if (!getcwd(base, sizeof base)) return 0;
    } else {
        snprintf(link, sizeof link, "/proc/self/fd/%d", dir);
        ssize_t n = readlink(link, base, sizeof base - 1);
        if (n < 0) return 0;
        base[n] = 0;
    }
    snprintf(whole, sizeof whole, "%s/%s", base, path);
    return strncmp(whole, under, strlen(under)) == 0;
}

static int held(int fd) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n < 0) return 0;
    path[n] = 0;
    return strncmp(path, under, strlen(under)) == 0;
}

/* 0: go on; else the error. grows: whether it needs room on the disk. */
static int point(int grows) {
    seen++;
    if (mode == KILL && seen == at) kill(getpid(), SIGKILL);
    if (mode == BROKEN && seen == at) return EIO;
    if (mode == FULL && seen >= at && grows) return ENOSPC;
    return 0;
}

#define REAL(name) static __typeof__(&name) real; if (!real) real = (__typeof__(&name)) dlsym(RTLD_NEXT, #name)
#define REFUSE(where, grows, what) \
    if (mode != OFF && (where)) { int e = point(grows); if (e) { errno = e; return what; } }

#define WRITES(flags) ((flags) & (O_CREAT | O_TRUNC))
#define OPENS(name) \
    int name(const char *path, int flags, ...) { \
        REAL(name); \
        va_list more; va_start(more, flags); mode_t m = WRITES(flags) ? va_arg(more, mode_t) : 0; va_end(more); \
        REFUSE(WRITES(flags) && within(AT_FDCWD, path), 1, -1) \
        return real(path, flags, m); \
    }
OPENS(open)
OPENS(open64)
#define OPENSAT(name) \
    int name(int dir, const char *path, int flags, ...) { \
        REAL(name); \
        va_list more; va_start(more, flags); mode_t m = WRITES(flags) ? va_arg(more, mode_t) : 0; va_end(more); \
        REFUSE(WRITES(flags) && within(dir, path), 1, -1) \
        return real(dir, path, flags, m); \
    }
OPENSAT(openat)
OPENSAT(openat64)

/* A write at its point is done by half before the process ends, or before the disk is full. */
static size_t half(size_t n) {
    return (mode == KILL || mode == FULL) && seen + 1 == at && n > 1 ? n / 2 : 0;
}

ssize_t write(int fd, const void *data, size_t n) {
    REAL(write);
    if (mode != OFF && held(fd)) {
        size_t first = half(n);
        if (first && real(fd, data, first) < 0) return -1;
        int e = point(1);
        if (e && first) return first;
        if (e) { errno = e; return -1; }
    }
    return real(fd, data, n);
}

#define PWRITES(name, offset_t) \
    ssize_t name(int fd, const void *data, size_t n, offset_t where) { \
        REAL(name); \
        if (mode != OFF && held(fd)) { \
            size_t first = half(n); \
            if (first && real(fd, data, first, where) < 0) return -1; \
            int e = point(1); \
            if (e && first) return first; \
            if (e) { errno = e; return -1; } \
        } \
        return real(fd, data, n, where); \
    }
PWRITES(pwrite, off_t)
PWRITES(pwrite64, off64_t)

ssize_t writev(int fd, const struct iovec *parts, int n) { REAL(writev); REFUSE(held(fd), 1, -1) return real(fd, parts, n); }
int fsync(int fd) { REAL(fsync); REFUSE(held(fd), 1, -1) return real(fd); }
int fdatasync(int fd) { REAL(fdatasync); REFUSE(held(fd), 1, -1) return real(fd); }
int ftruncate(int fd, off_t n) { REAL(ftruncate); REFUSE(held(fd), 1, -1) return real(fd, n); }
int ftruncate64(int fd, off64_t n) { REAL(ftruncate64); REFUSE(held(fd), 1, -1) return real(fd, n); }
int fchmod(int fd, mode_t m) { REAL(fchmod); REFUSE(held(fd), 0, -1) return real(fd, m); }
int chmod(const char *path, mode_t m) { REAL(chmod); REFUSE(within(AT_FDCWD, path), 0, -1) return real(path, m); }
int mkdir(const char *path, mode_t m) { REAL(mkdir); REFUSE(within(AT_FDCWD, path), 1, -1) return real(path, m); }
int mkdirat(int dir, const char *path, mode_t m) { REAL(mkdirat); REFUSE(within(dir, path), 1, -1) return real(dir, path, m); }
int rmdir(const char *path) { REAL(rmdir); REFUSE(within(AT_FDCWD, path), 0, -1) return real(path); }
int unlink(const char *path) { REAL(unlink); REFUSE(within(AT_FDCWD, path), 0, -1) return real(path); }
int unlinkat(int dir, const char *path, int f) { REAL(unlinkat); REFUSE(within(dir, path), 0, -1) return real(dir, path, f); }
int remove(const char *path) { REAL(remove); REFUSE(within(AT_FDCWD, path), 0, -1) return real(path); }
int rename(const char *a, const char *b) { REAL(rename); REFUSE(within(AT_FDCWD, b), 0, -1) return real(a, b); }
int renameat(int da, const char *a, int db, const char *b) { REAL(renameat); REFUSE(within(db, b), 0, -1) return real(da, a, db, b); }
int renameat2(int da, const char *a, int db, const char *b, unsigned f) {
    REAL(renameat2);
    REFUSE(within(db, b), 0, -1)
    return real(da, a, db, b, f);
}
int link(const char *a, const char *b) { REAL(link); REFUSE(within(AT_FDCWD, b), 1, -1) return real(a, b); }
int linkat(int da, const char *a, int db, const char *b, int f) { REAL(linkat); REFUSE(within(db, b), 1, -1) return real(da, a, db, b, f); }
int symlink(const char *a, const char *b) { REAL(symlink); REFUSE(within(AT_FDCWD, b), 1, -1) return real(a, b); }
