// SPDX-License-Identifier: Apache-2.0
#include "attach/net_hooks.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/netfilter.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attach/tc.h"

/* Of later kernels than the headers that this is compiled with may know. */
#define TCX_INGRESS ((enum bpf_attach_type)46)
#define TCX_EGRESS ((enum bpf_attach_type)47)
#define NETFILTER ((enum bpf_attach_type)45)

int fb_interface_prepare(const struct fb_attachment *attachment, struct fb_problem *problem)
{
	if (if_nametoindex(attachment->hook->name))
		return 0;
	fb_hint(problem, "`ip link` lists the interfaces");
	return fb_attach_fail(problem, attachment->function->name, attachment->hook->text, ENODEV,
			      "it has no network interface %s", attachment->hook->name);
}

static int interface_of(const struct fb_attachment *attachment)
{
	return (int)if_nametoindex(attachment->hook->name);
}

int fb_xdp_attach(struct fb_attachment *attachment)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = attachment->hook->mode);
	int program = bpf_program__fd(attachment->program);
	int interface = interface_of(attachment);
	const struct fb_seat seat = {.type = BPF_LINK_TYPE_XDP, .where = (uint32_t)interface};
	int fd = bpf_link_create(program, interface, BPF_XDP, &options);

	if (fd == -EBUSY &&
	    !fb_links_take_over(&attachment->links, program, &seat, attachment->options->run))
		return 0;
	return fb_links_keep_fd(&attachment->links, fd);
}

const char *fb_xdp_reason(int error)
{
	if (error == EBUSY)
		return "another XDP program is there, and an interface takes one only";
	if (error == EEXIST)
		return "an XDP program in another mode is there";
	if (error == EOPNOTSUPP)
		return "the interface's driver has no XDP (@skb works on any interface)";
	return NULL;
}

static bool is_ingress(const struct fb_hook *hook)
{
	return !strcmp(hook->provider, "ingress");
}

int fb_tcx_attach(struct fb_attachment *attachment)
{
	enum bpf_attach_type where = is_ingress(attachment->hook) ? TCX_INGRESS : TCX_EGRESS;

	return fb_links_keep_fd(&attachment->links,
				bpf_link_create(bpf_program__fd(attachment->program),
						interface_of(attachment), where, NULL));
}

/* Whose filter it is: of whatever release of the program; by hand, of this process. */
static void owner_of(const struct fb_options *options, const char *function, struct fb_text *owner)
{
	if (options->deployment[0])
		fb_text_printf(owner, "%s/%s/%s", options->deployment, options->program, function);
	else
		fb_text_printf(owner, "%d/%s", getpid(), function);
}

static struct fb_filter filter_at(const struct fb_hook *hook)
{
	return (struct fb_filter){
		.interface = (int)if_nametoindex(hook->name),
		.point = is_ingress(hook) ? BPF_TC_INGRESS : BPF_TC_EGRESS,
	};
}

static int attach_filter(struct fb_attachment *attachment)
{
	struct fb_filter filter = filter_at(attachment->hook);
	struct fb_text owner = {};
	int error = -ENOMEM, previous = -1;

	owner_of(attachment->options, attachment->function->name, &owner);
	if (!owner.failed)
		error = fb_tc_attach(&filter, bpf_program__fd(attachment->program), owner.bytes,
				     &previous);
	fb_text_free(&owner);
	return error ? error : fb_links_keep_filter(&attachment->links, &filter, previous);
}

void fb_tc_clean_up(const struct fb_hook *hook, const char *function,
		    const struct fb_options *options)
{
	struct fb_filter filter = filter_at(hook);
	struct fb_text owner = {};

	owner_of(options, function, &owner);
	if (!owner.failed && filter.interface)
		fb_tc_clean(&filter, owner.bytes);
	fb_text_free(&owner);
}

int fb_tc_or_tcx_attach(struct fb_attachment *attachment)
{
	int error = fb_tcx_attach(attachment);

	return error == -EINVAL ? attach_filter(attachment) : error;
}

static const struct {
	const char *name;
	uint32_t number;
} protocols[] = {{"ipv4", NFPROTO_IPV4}, {"ipv6", NFPROTO_IPV6}},
  points[] = {
	  {"pre_routing", NF_INET_PRE_ROUTING},	  {"local_in", NF_INET_LOCAL_IN},
	  {"forward", NF_INET_FORWARD},		  {"local_out", NF_INET_LOCAL_OUT},
	  {"post_routing", NF_INET_POST_ROUTING},
};

/* The part of union bpf_attr that links to netfilter need: kernel 6.4. */
struct netfilter_link {
	uint32_t program;
	uint32_t target;
	uint32_t type;
	uint32_t link_flags;
	uint32_t protocol;
	uint32_t point;
	int32_t priority;
	uint32_t flags;
};

static bool find_point(const struct fb_hook *hook, struct netfilter_link *link)
{
	bool known = false;

	for (size_t i = 0; i < sizeof(protocols) / sizeof(*protocols); i++)
		if (!strcmp(protocols[i].name, hook->place))
			link->protocol = protocols[i].number;
	for (size_t i = 0; i < sizeof(points) / sizeof(*points); i++) {
		if (strcmp(points[i].name, hook->name) != 0)
			continue;
		link->point = points[i].number;
		known = true;
	}
	return known && link->protocol;
}

/* The kernel says of a type of program that it does not know no more than EINVAL. */
static bool kernel_has(enum bpf_prog_type type, enum bpf_attach_type where)
{
	const struct bpf_insn accept[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 1},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = where);
	int fd = bpf_prog_load(type, "probe", "GPL", accept, 2, &options);

	if (fd >= 0)
		close(fd);
	return fd != -EINVAL;
}

int fb_netfilter_prepare(const struct fb_attachment *attachment, struct fb_problem *problem)
{
	const struct fb_hook_kind *kind = attachment->hook->kind;
	struct netfilter_link link = {};

	if (!find_point(attachment->hook, &link)) {
		fb_hint(problem, "ipv4 or ipv6; pre_routing, local_in, forward, local_out or "
				 "post_routing");
		return fb_hook_fail(attachment, EINVAL, "there is no such point", problem);
	}
	if (kernel_has(kind->program_type, kind->attach_type))
		return 0;
	return fb_hook_fail(attachment, EINVAL,
			    "netfilter needs kernel 6.4 with CONFIG_NETFILTER_BPF_LINK", problem);
}

int fb_netfilter_attach(struct fb_attachment *attachment)
{
	struct netfilter_link link = {
		.program = (uint32_t)bpf_program__fd(attachment->program),
		.type = NETFILTER,
		.priority = attachment->hook->priority,
	};
	long fd;

	find_point(attachment->hook, &link);
	fd = syscall(SYS_bpf, BPF_LINK_CREATE, &link, sizeof(link));
	/* One BPF program of each priority: the release before has it. Such links have no update.
	 */
	if (fd < 0 && errno == EBUSY) {
		link.priority++;
		fd = syscall(SYS_bpf, BPF_LINK_CREATE, &link, sizeof(link));
	}
	return fb_links_keep_fd(&attachment->links, fd < 0 ? -errno : (int)fd);
}

const char *fb_tc_reason(int error)
{
	return error == ENOENT ? "it has no clsact or no cls_bpf (the modules sch_ingress and "
				 "cls_bpf)"
			       : NULL;
}

const char *fb_netfilter_reason(int error)
{
	if (error == EBUSY)
		return "BPF programs of this priority are there";
	return error == EAFNOSUPPORT ? "it was built without this protocol's netfilter" : NULL;
}

int fb_netns_prepare(const struct fb_attachment *attachment, struct fb_problem *problem)
{
	const char *path = attachment->hook->place;

	if (!access(path, R_OK))
		return 0;
	fb_hint(problem, "a network namespace is a file: /proc/1/ns/net, /run/netns/NAME");
	return fb_attach_fail(problem, attachment->function->name, attachment->hook->text, errno,
			      "%s: %s", path, strerror(errno));
}

int fb_netns_attach(struct fb_attachment *attachment)
{
	int namespace = open(attachment->hook->place, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	int program = bpf_program__fd(attachment->program);
	struct fb_seat seat = {.type = BPF_LINK_TYPE_NETNS};
	struct stat status;
	int fd;

	if (namespace < 0)
		return -errno;
	seat.attach_type = attachment->hook->kind->attach_type;
	seat.where = fstat(namespace, &status) ? 0 : (uint32_t)status.st_ino;
	fd = bpf_link_create(program, namespace, seat.attach_type, NULL);
	close(namespace);
	/* A flow dissector is alone. */
	if ((fd == -E2BIG || fd == -EEXIST || fd == -EBUSY) &&
	    !fb_links_take_over(&attachment->links, program, &seat, attachment->options->run))
		return 0;
	return fb_links_keep_fd(&attachment->links, fd);
}

const char *fb_netns_reason(int error)
{
	if (error == EINVAL)
		return "this is not the file of a network namespace";
	if (error == E2BIG || error == EEXIST || error == EBUSY)
		return "another program is there, and it takes one only";
	return NULL;
}

/* A socket of our own that gets a copy of what passes: what it keeps is thrown away. */
int fb_socket_attach(struct fb_attachment *attachment)
{
	int program = bpf_program__fd(attachment->program), error;
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = interface_of(attachment),
	};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_BPF, &program, sizeof(program)) ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address))) {
		error = -errno;
		close(fd);
		return error;
	}
	return fb_links_keep_fd(&attachment->links, fd);
}
