/* Preloaded into a process: the k-th system call on the files of one folder fails, or is the last one of the process. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <unistd.h>

enum { FILES = 1 << 16 };
static char watched[FILES];
static const char *folder;
static long at, done;
static int how; /* the error, or 0: the process ends */

void arm(const char *below, long call, int error) { folder = below, at = call, how = error, done = 0; }
long disarm(void) { return folder = 0, done; }

static int below(const char *path) { return folder && path && !strncmp(path, folder, strlen(folder)); }
static int ours(int file) { return folder && file >= 0 && file < FILES && watched[file]; }
static int fails(int counts) {
    if (!counts || __sync_add_and_fetch(&done, 1) != at) return 0;
    if (!how) _exit(99);
    errno = how;
    return 1;
}

#define REAL(name) static __typeof__(name) *real; if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)
#define CALL(type, bad, name, parameters, arguments, counts) \
    type name parameters { REAL(name); return fails(counts) ? bad : real arguments; }
#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        REAL(name); va_list more; va_start(more, flags); mode_t mode = va_arg(more, mode_t); va_end(more); \
        if (fails(below(path))) return -1; \
        int file = real(path, flags, mode); \
        if (file >= 0 && file < FILES) watched[file] = below(path); \
        return file; }
#define CONTROL(name) \
    int name(int file, int command, ...) { \
        REAL(name); va_list more; va_start(more, command); void *argument = va_arg(more, void *); va_end(more); \
        int unlocks = command == F_SETLK && ((struct flock *)argument)->l_type == F_UNLCK; /* never fails */ \
        return fails(ours(file) && !unlocks) ? -1 : real(file, command, argument); }

OPEN(open) OPEN(open64)
CONTROL(fcntl) CONTROL(fcntl64)
CALL(ssize_t, -1, read, (int f, void *to, size_t n), (f, to, n), ours(f))
CALL(ssize_t, -1, pread, (int f, void *to, size_t n, off_t o), (f, to, n, o), ours(f))
CALL(ssize_t, -1, pread64, (int f, void *to, size_t n, off64_t o), (f, to, n, o), ours(f))
CALL(ssize_t, -1, pwrite, (int f, const void *from, size_t n, off_t o), (f, from, n, o), ours(f))
CALL(ssize_t, -1, pwrite64, (int f, const void *from, size_t n, off64_t o), (f, from, n, o), ours(f))
CALL(int, -1, fsync, (int f), (f), ours(f))
CALL(int, -1, fdatasync, (int f), (f), ours(f))
CALL(int, -1, ftruncate, (int f, off_t n), (f, n), ours(f))
CALL(int, -1, ftruncate64, (int f, off64_t n), (f, n), ours(f))
CALL(int, -1, fstat, (int f, struct stat *to), (f, to), ours(f))
CALL(int, -1, fstat64, (int f, struct stat64 *to), (f, to), ours(f))
CALL(int, -1, flock, (int f, int o), (f, o), ours(f))
CALL(void *, MAP_FAILED, mmap, (void *a, size_t n, int p, int g, int f, off_t o), (a, n, p, g, f, o), ours(f))
CALL(void *, MAP_FAILED, mmap64, (void *a, size_t n, int p, int g, int f, off64_t o), (a, n, p, g, f, o), ours(f))
CALL(int, -1, stat, (const char *p, struct stat *to), (p, to), below(p))
CALL(int, -1, stat64, (const char *p, struct stat64 *to), (p, to), below(p))
CALL(int, -1, lstat, (const char *p, struct stat *to), (p, to), below(p))
CALL(int, -1, lstat64, (const char *p, struct stat64 *to), (p, to), below(p))
CALL(int, -1, fstatat, (int d, const char *p, struct stat *to, int g), (d, p, to, g), below(p))
CALL(int, -1, fstatat64, (int d, const char *p, struct stat64 *to, int g), (d, p, to, g), below(p))
CALL(int, -1, access, (const char *p, int m), (p, m), below(p))
CALL(int, -1, faccessat, (int d, const char *p, int m, int g), (d, p, m, g), below(p))
CALL(int, -1, mkdir, (const char *p, mode_t m), (p, m), below(p))
CALL(int, -1, rmdir, (const char *p), (p), below(p))
CALL(int, -1, unlink, (const char *p), (p), below(p))
CALL(int, -1, rename, (const char *p, const char *q), (p, q), below(p))
CALL(DIR *, 0, opendir, (const char *p), (p), below(p))

ssize_t write(int file, const void *from, size_t size) { /* half of it, and then the error */
    REAL(write);
    return fails(ours(file)) ? (real(file, from, size / 2), errno = how, -1) : real(file, from, size);
}

int close(int file) { /* the file is closed all the same, as on Linux */
    REAL(close);
    int counts = ours(file);
    if (file >= 0 && file < FILES) watched[file] = 0;
    int failed = fails(counts), result = real(file);
    return failed ? (errno = how, -1) : result;
}
