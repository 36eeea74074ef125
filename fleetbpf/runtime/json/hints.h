/* SPDX-License-Identifier: Apache-2.0 */
/* Values that mean more than their C type says, written as JSON: see fleetbpf.h. */
#ifndef FB_HINTS_H
#define FB_HINTS_H

#include "json/encode.h"

void fb_encode_ipv4(struct fb_text *out, const unsigned char *at);
void fb_encode_ipv6(struct fb_text *out, const unsigned char *at); /* as RFC 5952 has it */
void fb_encode_mac(struct fb_text *out, const unsigned char *at);
void fb_encode_port(struct fb_text *out, const unsigned char *at);

/* Names; a number that has none stays a number. */
void fb_encode_syscall(struct fb_text *out, const unsigned char *at, size_t size, bool is_signed);
void fb_encode_signal(struct fb_text *out, const unsigned char *at, size_t size, bool is_signed);
void fb_encode_errno(struct fb_text *out, const unsigned char *at, size_t size, bool is_signed);

/* "vfs_read+0x10", "nf_hook_slow+0x2 [nf_tables]"; the address where nothing is known. */
void fb_encode_ksym(struct fb_text *out, const unsigned char *at);

/* Nanoseconds since boot as the wall's time, RFC 3339 in UTC. */
void fb_encode_boottime(struct fb_text *out, const unsigned char *at);

/* What fb_encode_boottime adds: once a round, so that it cannot change the order of two events. */
void fb_hints_set_clock(int64_t offset);

/* An LPM trie's key, {prefix length, address of `size` bytes}, as "10.0.0.0/8". */
void fb_encode_prefix(struct fb_text *out, const unsigned char *at, size_t size);

/* An integer as "0x1f". */
void fb_encode_hex(struct fb_text *out, const unsigned char *at, size_t size);

#endif
