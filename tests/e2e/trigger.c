// SPDX-License-Identifier: Apache-2.0
/*
 * Does what the programs of programs/ tell, and a shell cannot do. It needs no libc on the host.
 * usage: trigger WHAT
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#define PORT 7777
#define USER 12345

static long call(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

#define CALL(name, a, b, c, d, e, f)                                                               \
	call(SYS_##name, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

static void pause_for(long milliseconds)
{
	struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};

	CALL(nanosleep, &time, 0, 0, 0, 0, 0);
}

/* In a child, whose end is waited for. */
static void apart(void (*what)(void))
{
	long pid = CALL(fork, 0, 0, 0, 0, 0, 0);

	if (!pid) {
		what();
		CALL(exit_group, 0, 0, 0, 0, 0, 0);
	}
	CALL(wait4, pid, 0, 0, 0, 0, 0);
}

static void become_somebody(void)
{
	CALL(setuid, USER, 0, 0, 0, 0, 0);
	CALL(sethostname, "trigger", 7, 0, 0, 0, 0); /* needs CAP_SYS_ADMIN */
}

static void be_traced(void)
{
	CALL(ptrace, PTRACE_TRACEME, 0, 0, 0, 0, 0);
}

static struct sockaddr_in here(int port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr = {htonl(INADDR_LOOPBACK)},
	};
}

static long connect_to(int port)
{
	long client = CALL(socket, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0, 0, 0, 0);
	struct sockaddr_in address = here(port);

	CALL(connect, client, &address, sizeof(address), 0, 0, 0);
	return client;
}

/* The queue holds one: who comes later is not answered, and tries again after a second. */
static void use_tcp(void)
{
	long server = CALL(socket, AF_INET, SOCK_STREAM, 0, 0, 0, 0);
	struct sockaddr_in address = here(PORT);

	CALL(bind, server, &address, sizeof(address), 0, 0, 0);
	CALL(listen, server, 0, 0, 0, 0, 0);
	for (int i = 0; i < 4; i++)
		connect_to(PORT);
	pause_for(1500);
	CALL(accept4, server, 0, 0, 0, 0, 0);
	connect_to(PORT + 1); /* refused */
}

static void ask_dns(void)
{
	static const char query[] = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
				    "\x08"
				    "fleetbpf\x07"
				    "example\x00\x00\x1c\x00\x01";
	long client = CALL(socket, AF_INET, SOCK_DGRAM, 0, 0, 0, 0);
	struct sockaddr_in address = here(53);

	CALL(sendto, client, query, sizeof(query) - 1, 0, &address, sizeof(address));
}

static void load_bpf(void)
{
	struct bpf_insn code[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
		.insns = (unsigned long)code,
		.insn_cnt = 2,
		.license = (unsigned long)"GPL",
		.prog_name = "triggered",
	};
	struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};

	/* Up to 5.10 the kernel counts BPF as locked memory. */
	CALL(prlimit64, 0, RLIMIT_MEMLOCK, &unlimited, 0, 0, 0);
	CALL(bpf, BPF_PROG_LOAD, &attr, sizeof(attr), 0, 0, 0);
}

static void use_files(void)
{
	CALL(mkdir, "/tmp/trigger", 0700, 0, 0, 0, 0);
	CALL(open, "/tmp/trigger/old", O_CREAT | O_WRONLY, 0600, 0, 0, 0);
	CALL(openat, AT_FDCWD, "/tmp/trigger/none", O_RDONLY, 0, 0, 0);
	CALL(renameat2, AT_FDCWD, "/tmp/trigger/old", AT_FDCWD, "/tmp/trigger/new", 1, 0);
	CALL(rename, "/tmp/trigger/none", "/tmp/trigger/old", 0, 0, 0, 0);
	CALL(unlinkat, AT_FDCWD, "/tmp/trigger/new", 0, 0, 0, 0);
	CALL(unlink, "/tmp/trigger/none", 0, 0, 0, 0, 0);
	CALL(rmdir, "/tmp/trigger", 0, 0, 0, 0, 0);
}

static void send_signals(void)
{
	long pid = CALL(fork, 0, 0, 0, 0, 0, 0);

	if (!pid)
		pause_for(60000);
	CALL(kill, pid, 15, 0, 0, 0, 0);
	CALL(wait4, pid, 0, 0, 0, 0, 0);
}

static void eat_memory(void)
{
	const long size = 256 << 20;
	char *memory = (char *)CALL(mmap, 0, size, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (long i = 0; i < size; i += 4096)
		memory[i] = 1;
}

static void everything(void)
{
	use_files();
	send_signals();
	apart(become_somebody);
	apart(be_traced);
	load_bpf();
	ask_dns();
	use_tcp();
}

/* The kernel starts a program with argc on top of the stack, where no C function looks for it. */
__asm__(".globl _start\n_start: mov (%rsp), %rdi\nand $-16, %rsp\ncall begin\n");

void begin(long argc)
{
	if (argc > 1)
		eat_memory();
	else
		everything();
	CALL(exit_group, 0, 0, 0, 0, 0, 0);
}
