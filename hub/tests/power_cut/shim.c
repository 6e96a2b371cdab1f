/*
 * Records what a power cut would take away. Preloaded into a hub (LD_PRELOAD), it writes down every change of the
 * files $POWER_CUT_DATABASE and $POWER_CUT_DATABASE-wal beside the file, in <file>.unsynced, and forgets it when the
 * file is synced. The changes themselves happen as always; disk.rs takes them back after the process was killed.
 *
 * With $POWER_CUT_AT_DATABASE_CHANGE or $POWER_CUT_AT_WAL_CHANGE it kills the hub itself, just before that change of
 * the file, so that a cut can fall into the middle of a checkpoint or a commit.
 *
 * A change is four native 64-bit numbers (offset, size of the file before, bytes before, bytes after), then the bytes
 * that were there before and those that came; none came where the file was cut to `offset`.
 *
 * Not modelled: creation and deletion of files, and writes by mmap (SQLite maps only -shm, which no cut preserves).
 * System calls are made directly, because the C library's names for them are the ones replaced here.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

_Static_assert(sizeof(off_t) == 8, "offsets must be passed to the kernel in one register");

enum file { DATABASE, WAL, OTHER };

static const char *const log_suffix[] = {".unsynced", "-wal.unsynced"};
static const char *const end[] = {"POWER_CUT_AT_DATABASE_CHANGE", "POWER_CUT_AT_WAL_CHANGE"};
static int logs[] = {-1, -1};
static long changes[2];
/* Held over a change and its record, so that the records stand in the order of the changes. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static enum file file_of(int fd)
{
	char link[32], path[PATH_MAX];
	const char *database = getenv("POWER_CUT_DATABASE");
	if (!database)
		return OTHER;
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t length = readlink(link, path, sizeof path - 1);
	if (length < 0)
		return OTHER;
	path[length] = 0;
	size_t stem = strlen(database);
	if (strncmp(path, database, stem) != 0)
		return OTHER;
	if (path[stem] == 0)
		return DATABASE;
	return strcmp(path + stem, "-wal") == 0 ? WAL : OTHER;
}

/* A rig that misses a change proves nothing: better no hub at all. */
static void must(int holds)
{
	if (!holds)
		abort();
}

static void record(enum file file, int fd, off_t offset, size_t before, const void *bytes, size_t after)
{
	if (logs[file] < 0) {
		char path[PATH_MAX];
		int length = snprintf(path, sizeof path, "%s%s", getenv("POWER_CUT_DATABASE"), log_suffix[file]);
		must(length < (int)sizeof path);
		logs[file] = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		must(logs[file] >= 0);
	}
	struct stat status;
	must(fstat(fd, &status) == 0);
	if (offset >= status.st_size)
		before = 0;
	else if (before > (size_t)(status.st_size - offset))
		before = (size_t)(status.st_size - offset);

	void *old = malloc(before + 1);
	must(old != NULL);
	must(pread(fd, old, before, offset) == (ssize_t)before);
	uint64_t numbers[4] = {(uint64_t)offset, (uint64_t)status.st_size, before, after};
	struct iovec parts[3] = {{numbers, sizeof numbers}, {old, before}, {(void *)bytes, after}};
	must(syscall(SYS_writev, logs[file], parts, 3) == (long)(sizeof numbers + before + after));
	free(old);

	const char *last = getenv(end[file]);
	if (++changes[file] == (last ? atol(last) : 0))
		kill(getpid(), SIGKILL);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset)
{
	enum file file = file_of(fd);
	if (file == OTHER)
		return syscall(SYS_pwrite64, fd, bytes, count, offset);
	pthread_mutex_lock(&lock);
	record(file, fd, offset, count, bytes, count);
	ssize_t written = syscall(SYS_pwrite64, fd, bytes, count, offset);
	pthread_mutex_unlock(&lock);
	return written;
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset)
{
	return pwrite(fd, bytes, count, offset);
}

ssize_t write(int fd, const void *bytes, size_t count)
{
	enum file file = file_of(fd);
	if (file == OTHER)
		return syscall(SYS_write, fd, bytes, count);
	pthread_mutex_lock(&lock);
	record(file, fd, lseek(fd, 0, SEEK_CUR), count, bytes, count);
	ssize_t written = syscall(SYS_write, fd, bytes, count);
	pthread_mutex_unlock(&lock);
	return written;
}

int ftruncate(int fd, off_t size)
{
	enum file file = file_of(fd);
	if (file == OTHER)
		return (int)syscall(SYS_ftruncate, fd, size);
	pthread_mutex_lock(&lock);
	record(file, fd, size, SIZE_MAX, NULL, 0);
	int result = (int)syscall(SYS_ftruncate, fd, size);
	pthread_mutex_unlock(&lock);
	return result;
}

int ftruncate64(int fd, off64_t size)
{
	return ftruncate(fd, size);
}

/* What is synced is safe, and its record ends here. */
static int synchronize(long call, int fd)
{
	enum file file = file_of(fd);
	if (file == OTHER)
		return (int)syscall(call, fd);
	pthread_mutex_lock(&lock);
	int result = (int)syscall(call, fd);
	if (result == 0 && logs[file] >= 0)
		must(syscall(SYS_ftruncate, logs[file], 0L) == 0);
	pthread_mutex_unlock(&lock);
	return result;
}

int fsync(int fd)
{
	return synchronize(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	return synchronize(SYS_fdatasync, fd);
}
