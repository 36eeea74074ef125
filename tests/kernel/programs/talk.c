// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does once what hooks of the network and of control groups see: sends itself a datagram, connects
 * to itself, asks and sets options, opens a device, reads a sysctl; and one call that hardly
 * anybody else makes, getpgid. Without a libc, so that it is small enough to be sent anywhere: gcc
 * -static -nostdlib
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>

static long call(long number, long a, long b, long c, long d, long e, long f)
{
#ifdef __aarch64__
	register long x8 __asm__("x8") = number, x0 __asm__("x0") = a, x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c, x3 __asm__("x3") = d, x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc #0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
#else
	register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
#endif
}

#define CALL(NAME, A, B, C, D, E, F)                                                               \
	call(SYS_##NAME, (long)(A), (long)(B), (long)(C), (long)(D), (long)(E), (long)(F))

static struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = 0x0100007f};
static char byte[1];

static long listener(int type)
{
	unsigned int size = sizeof(here), on = 1, optsize = sizeof(on);
	long fd = CALL(socket, AF_INET, type, 0, 0, 0, 0);

	here.sin_port = 0;
	CALL(setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on), 0);
	CALL(getsockopt, fd, SOL_SOCKET, SO_REUSEADDR, &on, &optsize, 0);
	CALL(bind, fd, &here, sizeof(here), 0, 0, 0);
	CALL(getsockname, fd, &here, &size, 0, 0, 0);
	return fd;
}

static void datagrams(void)
{
	unsigned int size = sizeof(here);
	long fd = listener(SOCK_DGRAM);

	CALL(sendto, fd, byte, 1, 0, &here, sizeof(here));
	CALL(recvfrom, fd, byte, 1, MSG_DONTWAIT, &here, &size);
	CALL(close, fd, 0, 0, 0, 0, 0);
}

static void streams(void)
{
	unsigned int size = sizeof(here);
	long fd = listener(SOCK_STREAM), other = CALL(socket, AF_INET, SOCK_STREAM, 0, 0, 0, 0);

	CALL(listen, fd, 1, 0, 0, 0, 0);
	CALL(connect, other, &here, sizeof(here), 0, 0, 0);
	CALL(getpeername, other, &here, &size, 0, 0, 0);
	CALL(close, other, 0, 0, 0, 0, 0);
	CALL(close, fd, 0, 0, 0, 0, 0);
}

static void read_from(const char *path)
{
	long fd = CALL(openat, AT_FDCWD, path, O_RDONLY, 0, 0, 0);

	CALL(read, fd, byte, 1, 0, 0, 0);
	CALL(close, fd, 0, 0, 0, 0, 0);
}

void _start(void)
{
	datagrams();
	streams();
	CALL(getpgid, 1, 0, 0, 0, 0, 0); /* of itself nobody would be asked */
	read_from("/dev/zero");
	read_from("/proc/sys/kernel/ostype");
	CALL(exit, 0, 0, 0, 0, 0, 0);
	__builtin_unreachable();
}
