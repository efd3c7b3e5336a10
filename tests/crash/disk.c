/* A disk that is worse than this one's. Loaded before a server (LD_PRELOAD), for files in one folder alone.
 *
 * RTCORE_DISK_FOLDER  the folder
 * RTCORE_DISK_SHADOW  beside each of its files, in this folder, what of it was synced: what a crash of the machine
 *                     would leave
 * RTCORE_DISK_WISHES  a file of 64-bit numbers, mapped: what is to go wrong (see `disk.py`)
 * RTCORE_DISK_BOOT    what /proc/sys/kernel/random/boot_id is to say
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { FAIL_SYNC, HANG_SYNC_MS, FAIL_WRITE, FULL_AFTER, SHORT_WRITE, SYNCS, WRITES, LIE_SYNC, WISHES };

static volatile int64_t *wishes;
static char folder[4096], shadow[4096], boot[4096];
static size_t folder_length;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *names[65536];

static int (*real_open)(const char *, int, ...);
static int (*real_open64)(const char *, int, ...);
static int (*real_close)(int);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_rename)(const char *, const char *);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_pwrite64)(int, const void *, size_t, off64_t);
static ssize_t (*real_write)(int, const void *, size_t);
static int (*real_ftruncate)(int, off_t);

__attribute__((constructor)) static void begin(void) {
    real_open = dlsym(RTLD_NEXT, "open");
    real_open64 = dlsym(RTLD_NEXT, "open64");
    real_close = dlsym(RTLD_NEXT, "close");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    real_rename = dlsym(RTLD_NEXT, "rename");
    real_pwrite = dlsym(RTLD_NEXT, "pwrite");
    real_pwrite64 = dlsym(RTLD_NEXT, "pwrite64");
    real_write = dlsym(RTLD_NEXT, "write");
    real_ftruncate = dlsym(RTLD_NEXT, "ftruncate");
}

/* What the environment says is read when a file is opened: a server is forked, and told later where it lives. */
static void look(void) {
    const char *said = getenv("RTCORE_DISK_FOLDER");
    if (!said || strcmp(said, folder) == 0) return;
    pthread_mutex_lock(&lock);
    snprintf(folder, sizeof folder, "%s", said);
    folder_length = strlen(folder);
    said = getenv("RTCORE_DISK_SHADOW");
    snprintf(shadow, sizeof shadow, "%s", said ? said : "");
    said = getenv("RTCORE_DISK_BOOT");
    snprintf(boot, sizeof boot, "%s", said ? said : "");
    said = getenv("RTCORE_DISK_WISHES");
    if (said) {
        int fd = real_open(said, O_RDWR | O_CLOEXEC);
        if (fd >= 0) {
            void *map = mmap(NULL, WISHES * 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
            if (map != MAP_FAILED) wishes = map;
            real_close(fd);
        }
    }
    pthread_mutex_unlock(&lock);
}

static int ours(const char *path) {
    return folder_length && strncmp(path, folder, folder_length) == 0 && path[folder_length] == '/';
}

static void known(int fd, const char *path) {
    if (fd < 0 || fd >= 65536) return;
    pthread_mutex_lock(&lock);
    free(names[fd]);
    names[fd] = path && ours(path) ? strdup(path + folder_length + 1) : NULL;
    pthread_mutex_unlock(&lock);
}

static int is_ours(int fd) { return fd >= 0 && fd < 65536 && names[fd] != NULL; }

static int open_by(int (*real)(const char *, int, ...), const char *path, int flags, mode_t mode) {
    look();
    if (*boot && strcmp(path, "/proc/sys/kernel/random/boot_id") == 0) path = boot;
    int fd = real(path, flags, mode);
    known(fd, path);
    return fd;
}

#define MODE                                                                                                        \
    mode_t mode = 0;                                                                                                \
    if (flags & (O_CREAT | O_TMPFILE)) {                                                                            \
        va_list rest;                                                                                               \
        va_start(rest, flags);                                                                                      \
        mode = va_arg(rest, int);                                                                                   \
        va_end(rest);                                                                                               \
    }

int open(const char *path, int flags, ...) { MODE return open_by(real_open, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE return open_by(real_open64, path, flags, mode); }

int close(int fd) {
    if (is_ours(fd)) known(fd, NULL);
    return real_close(fd);
}

/* What is asked of each write: 0, it is done; else it fails so. */
static int fault(size_t *count) {
    if (!wishes) return 0;
    __atomic_add_fetch(&wishes[WRITES], 1, __ATOMIC_SEQ_CST);
    if (wishes[FAIL_WRITE] > 0) {
        __atomic_sub_fetch(&wishes[FAIL_WRITE], 1, __ATOMIC_SEQ_CST);
        return EIO;
    }
    if (wishes[FULL_AFTER] < 0) return ENOSPC;
    if (wishes[SHORT_WRITE] > 0 && *count > 1) {
        __atomic_sub_fetch(&wishes[SHORT_WRITE], 1, __ATOMIC_SEQ_CST);
        *count /= 2;
    }
    return 0;
}

#define FAULTS                                                                                                      \
    if (is_ours(fd)) {                                                                                              \
        int wrong = fault(&count);                                                                                  \
        if (wrong) {                                                                                                \
            errno = wrong;                                                                                          \
            return -1;                                                                                              \
        }                                                                                                           \
    }

ssize_t pwrite(int fd, const void *from, size_t count, off_t at) { FAULTS return real_pwrite(fd, from, count, at); }
ssize_t pwrite64(int fd, const void *from, size_t count, off64_t at) {
    FAULTS return real_pwrite64(fd, from, count, at);
}
ssize_t write(int fd, const void *from, size_t count) { FAULTS return real_write(fd, from, count); }

/* The shadow of a file is what of it is synced. */
static void remember(int fd) {
    if (!*shadow || !is_ours(fd)) return;
    char path[8400], whole[8400];
    pthread_mutex_lock(&lock);
    snprintf(whole, sizeof whole, "%s/%s", folder, names[fd]);
    snprintf(path, sizeof path, "%s/%s", shadow, names[fd]);
    pthread_mutex_unlock(&lock);
    struct stat about;
    if (fstat(fd, &about) != 0) return;
    if (S_ISDIR(about.st_mode)) return;
    int from = real_open(whole, O_RDONLY | O_CLOEXEC);
    char new[8500];
    snprintf(new, sizeof new, "%s.%d.new", path, fd);
    int to = real_open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    char buffer[1 << 16];
    ssize_t got;
    while (from >= 0 && to >= 0 && (got = syscall(SYS_read, from, buffer, sizeof buffer)) > 0)
        if (real_write(to, buffer, (size_t)got) != got) break;
    if (from >= 0) real_close(from);
    if (to >= 0) real_close(to);
    real_rename(new, path); /* a kill in the middle leaves the older one */
}

/* 1: the journal, 2: the log, 4: what stands beside them. */
static int kind_of(const char *name) {
    size_t length = strlen(name);
    if (length > 4 && strcmp(name + length - 4, "-wal") == 0) return 1;
    return strcmp(name, "log.db") == 0 ? 2 : 4;
}

static int sync_by(int (*real)(int), int fd) {
    if (is_ours(fd) && wishes) {
        __atomic_add_fetch(&wishes[SYNCS], 1, __ATOMIC_SEQ_CST);
        int64_t ms = wishes[HANG_SYNC_MS];
        while (ms > 0 && wishes[HANG_SYNC_MS] > 0) { /* until it is taken back, or the time is over */
            struct timespec some = {0, 5000000};
            nanosleep(&some, NULL);
            ms -= 5;
        }
        if (wishes[FAIL_SYNC] > 0) {
            __atomic_sub_fetch(&wishes[FAIL_SYNC], 1, __ATOMIC_SEQ_CST);
            errno = EIO;
            return -1;
        }
        if (wishes[LIE_SYNC] & kind_of(names[fd])) return 0;
    }
    int done = real(fd);
    if (done == 0) remember(fd);
    return done;
}

int fsync(int fd) { return sync_by(real_fsync, fd); }
int fdatasync(int fd) { return sync_by(real_fdatasync, fd); }
