/* SPDX-License-Identifier: Apache-2.0 */
/* Hooks of the network: interfaces, netfilter, network namespaces. */
#ifndef FB_NET_HOOKS_H
#define FB_NET_HOOKS_H

#include "attach/attach.h"

int fb_interface_prepare(const struct fb_attachment *attachment, struct fb_problem *problem);
int fb_netfilter_prepare(const struct fb_attachment *attachment, struct fb_problem *problem);
int fb_netns_prepare(const struct fb_attachment *attachment, struct fb_problem *problem);

int fb_xdp_attach(struct fb_attachment *attachment);
int fb_tcx_attach(struct fb_attachment *attachment);
int fb_tc_or_tcx_attach(struct fb_attachment *attachment);

/* What a loader that was killed has left of it: the kernel keeps filters of tc. */
void fb_tc_clean_up(const struct fb_hook *hook, const char *function,
		    const struct fb_options *options);
int fb_netfilter_attach(struct fb_attachment *attachment);
int fb_netns_attach(struct fb_attachment *attachment);
int fb_socket_attach(struct fb_attachment *attachment);

const char *fb_xdp_reason(int error);
const char *fb_tc_reason(int error);
const char *fb_netfilter_reason(int error);
const char *fb_netns_reason(int error);

#endif
