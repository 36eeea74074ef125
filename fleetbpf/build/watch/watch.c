// SPDX-License-Identifier: Apache-2.0
/*
 * What a compiler opens, and what it may open: preloaded into clang, which is honest, while the
 * source that it reads may not be. `.incbin`, `#embed`, `#line` and their like all end in open().
 *
 * FLEETBPF_FOLDERS has a line for each folder that may be read, without links in it; nothing hidden
 * (.ssh, .git) below one is. FLEETBPF_OPENED names the file that is told, a NUL behind each: `o`
 * and a path that was opened, `a` one that is absent, `d` one that is a folder, `c` one that is
 * closed to us, `x` one that lies elsewhere, `s` one that is no plain file.
 *
 * Needs no header and no library: a machine that only builds for another one may have neither.
 */
typedef __SIZE_TYPE__ size_t;

#if defined(__x86_64__)
enum { SYS_openat = 257, SYS_readlinkat = 267, SYS_newfstatat = 262, SYS_statx = 332 };
#elif defined(__aarch64__)
enum { SYS_openat = 56, SYS_readlinkat = 78, SYS_newfstatat = 79, SYS_statx = 291 };
#else
#error "builds on this processor are not supported"
#endif

/* linux/fcntl.h, linux/stat.h: the same on both. */
enum {
	AT_FDCWD = -100,
	AT_EMPTY_PATH = 0x1000,
	O_ACCMODE = 3,
	O_WRONLY = 1,
	O_CREAT = 0100,
	O_APPEND = 02000,
	O_NONBLOCK = 04000,
	O_CLOEXEC = 02000000,
	F_GETFL = 3,
	F_SETFL = 4,
	STATX_TYPE = 1,
	STATX_MODE_AT = 28, /* where struct statx has the mode */
	S_IFMT = 0170000,
	S_IFREG = 0100000,
	S_IFDIR = 0040000,
	ENOENT = 2,
	EACCES = 13,
	ENOTDIR = 20,
	ELOOP = 40,
	LONGEST = 8192,
};

long syscall(long number, ...);
int close(int fd);
int fcntl(int fd, int command, ...);
long write(int fd, const void *from, size_t size);
char *getenv(const char *name);
size_t strlen(const char *text);
int strncmp(const char *one, const char *other, size_t size);
char *strchr(const char *text, int character);
void *memcpy(void *to, const void *from, size_t size);
int *__errno_location(void);

static long open_at(int folder, const char *path, int flags, unsigned int mode)
{
	return syscall(SYS_openat, folder, path, flags, mode);
}

/* A record is written at once, so that those of several processes do not mix. */
static void tell(char kind, const char *path)
{
	const char *file = getenv("FLEETBPF_OPENED");
	size_t size = strlen(path) + 1;
	int kept = *__errno_location();
	char record[LONGEST];
	long fd;

	if (!file || size >= sizeof(record))
		return;
	record[0] = kind;
	memcpy(record + 1, path, size);
	fd = open_at(AT_FDCWD, file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd >= 0 && write((int)fd, record, size + 1) >= 0)
		close((int)fd);
	*__errno_location() = kept;
}

/* What did not work, where another day it may. */
static void tell_missed(const char *path)
{
	int error = *__errno_location();

	if (error == ENOENT || error == ENOTDIR)
		tell('a', path);
	if (error == EACCES || error == ELOOP)
		tell('c', path);
}

static int is_hidden(const char *rest)
{
	for (; rest; rest = strchr(rest, '/')) {
		if (*rest == '/')
			rest++;
		if (*rest == '.')
			return 1;
	}
	return 0;
}

/* Whether a path without links lies in one of the folders. */
static int is_inside(const char *path)
{
	const char *folder = getenv("FLEETBPF_FOLDERS");

	while (folder && *folder) {
		const char *end = strchr(folder, '\n');
		size_t size = end ? (size_t)(end - folder) : strlen(folder);

		if (!strncmp(path, folder, size) && path[size] == '/')
			return !is_hidden(path + size + 1);
		folder = end ? end + 1 : folder + size;
	}
	return 0;
}

static unsigned int type_of(int fd)
{
	unsigned char status[256];

	if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_TYPE, status))
		return 0;
	return (status[STATX_MODE_AT] | status[STATX_MODE_AT + 1] << 8) & S_IFMT;
}

/* The letter for what was opened. */
static char judge(int fd)
{
	char name[32] = "/proc/self/fd/", path[LONGEST];
	char digits[12], *to = name + strlen(name);
	int count = 0, rest = fd;
	long size;

	do
		digits[count++] = (char)('0' + rest % 10);
	while (rest /= 10);
	while (count)
		*to++ = digits[--count];
	size = syscall(SYS_readlinkat, AT_FDCWD, name, path, sizeof(path) - 1);
	if (size < 0)
		return 'x';
	path[size] = '\0';
	if (!is_inside(path))
		return 'x';
	return type_of(fd) == S_IFREG ? 'o' : 's';
}

/* Open to read, if that may be read; a pipe that nobody writes to does not hold us up. */
static int open_to_read(int folder, const char *path, int flags)
{
	long fd = open_at(folder, path, flags | O_NONBLOCK, 0);
	char kind;

	if (fd < 0) {
		tell_missed(path);
		return -1;
	}
	if (type_of((int)fd) == S_IFDIR) {
		tell('d', path);
		return (int)fd;
	}
	kind = judge((int)fd);
	tell(kind, path);
	if (kind != 'o') {
		close((int)fd);
		*__errno_location() = EACCES;
		return -1;
	}
	fcntl((int)fd, F_SETFL, fcntl((int)fd, F_GETFL) & ~O_NONBLOCK);
	return (int)fd;
}

/* Scripts and caches that stand before the compiler open what they like. */
static int is_compiler(void)
{
	static int known;
	char path[LONGEST], *name = path, *next;
	long size;

	if (known)
		return known > 0;
	size = syscall(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", path, sizeof(path) - 1);
	path[size > 0 ? size : 0] = '\0';
	while ((next = strchr(name, '/')))
		name = next + 1;
	known = strncmp(name, "clang", 5) ? -1 : 1;
	return known > 0;
}

static int watched(int folder, const char *path, int flags, unsigned int mode)
{
	if (flags & (O_ACCMODE | O_CREAT) || !is_compiler())
		return (int)open_at(folder, path, flags, mode);
	return open_to_read(folder, path, flags);
}

/* The names of libc under which programs open files; the mode is there with O_CREAT only. */
#define OPENS(name)                                                                                \
	int name(const char *path, int flags, unsigned int mode);                                  \
	int name(const char *path, int flags, unsigned int mode)                                   \
	{                                                                                          \
		return watched(AT_FDCWD, path, flags, mode);                                       \
	}
#define OPENS_AT(name)                                                                             \
	int name(int folder, const char *path, int flags, unsigned int mode);                      \
	int name(int folder, const char *path, int flags, unsigned int mode)                       \
	{                                                                                          \
		return watched(folder, path, flags, mode);                                         \
	}
#define LOOKS(name)                                                                                \
	int name(const char *path, void *status);                                                  \
	int name(const char *path, void *status)                                                   \
	{                                                                                          \
		int error = (int)syscall(SYS_newfstatat, AT_FDCWD, path, status, 0);               \
		if (error && is_compiler())                                                        \
			tell_missed(path);                                                         \
		return error;                                                                      \
	}

OPENS(open)
OPENS(open64)
OPENS_AT(openat)
OPENS_AT(openat64)
LOOKS(stat)
LOOKS(stat64)
