// SPDX-License-Identifier: Apache-2.0
/*
 * Makes one kind of system call again and again; prints how many nanoseconds one takes.
 * usage: trigger KIND
 *
 * The least of many short rounds is told: the machine did nothing else meanwhile. Between rounds a
 * loader has time to read its ring, so that no event is dropped, which would be cheaper.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 30
#define CALLS 100

static int server, other_end[2];
static struct sockaddr_in address = {.sin_family = AF_INET};

static void open_one(void)
{
	close(open("/dev/null", O_RDONLY));
}

static void delete_none(void)
{
	unlink("/nonesuch");
}

static void rename_none(void)
{
	rename("/nonesuch", "/nor this");
}

static void send_signal(void)
{
	kill(getpid(), SIGURG); /* ignored */
}

static void trace_none(void)
{
	ptrace(PTRACE_ATTACH, 0, 0, 0);
}

static void stay_who_i_am(void)
{
	syscall(SYS_setresuid, -1, -1, -1);
}

static void unmount_none(void)
{
	umount("/nonesuch");
}

static void pin_none(void)
{
	union bpf_attr attr = {};

	syscall(SYS_bpf, BPF_OBJ_PIN, &attr, sizeof(attr));
}

static void end_a_process(void)
{
	pid_t pid = vfork();

	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
}

static void execute(void)
{
	pid_t pid = vfork();

	if (!pid) {
		execl("/bin/true", "true", NULL);
		_exit(1);
	}
	waitpid(pid, NULL, 0);
}

static void bind_one(void)
{
	struct sockaddr_in any = {.sin_family = AF_INET};
	int one = socket(AF_INET, SOCK_DGRAM, 0);

	bind(one, (struct sockaddr *)&any, sizeof(any));
	close(one);
}

static void listen_one(void)
{
	int one = socket(AF_INET, SOCK_STREAM, 0);

	listen(one, 1);
	close(one);
}

static void connect_and_accept(void)
{
	const struct linger reset = {1, 0}; /* no port is left in TIME_WAIT */
	int client = socket(AF_INET, SOCK_STREAM, 0);

	setsockopt(client, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	connect(client, (struct sockaddr *)&address, sizeof(address));
	close(accept(server, NULL, NULL));
	close(client);
}

static void send_query(void)
{
	static const char query[] = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
				    "\x03www\x07"
				    "example\x03"
				    "com\x00\x00\x01\x00\x01";
	struct sockaddr_in to = {AF_INET, htons(53), {htonl(INADDR_LOOPBACK)}, {}};

	sendto(other_end[0], query, sizeof(query) - 1, 0, (struct sockaddr *)&to, sizeof(to));
}

static void send_packet(void)
{
	struct sockaddr_in to = {AF_INET, htons(9), {htonl(INADDR_LOOPBACK)}, {}};

	sendto(other_end[0], "", 1, 0, (struct sockaddr *)&to, sizeof(to));
}

static void need_capability(void)
{
	syscall(SYS_sethostname, "", -1); /* CAP_SYS_ADMIN, then no such length */
}

static void sleep_a_little(void)
{
	const struct timespec little = {0, 1};

	nanosleep(&little, NULL);
}

static const struct {
	const char *name;
	void (*call)(void);
} kinds[] = {
	{"open", open_one},
	{"delete", delete_none},
	{"rename", rename_none},
	{"signal", send_signal},
	{"ptrace", trace_none},
	{"setresuid", stay_who_i_am},
	{"umount", unmount_none},
	{"bpf", pin_none},
	{"exit", end_a_process},
	{"exec", execute},
	{"bind", bind_one},
	{"listen", listen_one},
	{"connection", connect_and_accept},
	{"query", send_query},
	{"packet", send_packet},
	{"capability", need_capability},
	{"sleep", sleep_a_little},
	{"getppid", (void (*)(void))getppid},
};

static void prepare(void)
{
	socklen_t size = sizeof(address);

	server = socket(AF_INET, SOCK_STREAM, 0);
	listen(server, 16);
	getsockname(server, (struct sockaddr *)&address, &size);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	other_end[0] = socket(AF_INET, SOCK_DGRAM, 0);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1e9 + time.tv_nsec;
}

static double least(void (*call)(void))
{
	const struct timespec pause = {0, 12 * 1000 * 1000};
	double best = 1e18;

	for (int round = 0; round < ROUNDS; round++) {
		double began = now(), took;

		for (int i = 0; i < CALLS; i++)
			call();
		took = (now() - began) / CALLS;
		best = took < best ? took : best;
		nanosleep(&pause, NULL);
	}
	return best;
}

int main(int argc, char **argv)
{
	prepare();
	for (size_t i = 0; argc > 1 && i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (strcmp(kinds[i].name, argv[1]))
			continue;
		printf("%.1f\n", least(kinds[i].call));
		return 0;
	}
	fprintf(stderr, "%s KIND\n", argv[0]);
	return 2;
}
