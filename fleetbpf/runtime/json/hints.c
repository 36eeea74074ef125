// SPDX-License-Identifier: Apache-2.0
#include "json/hints.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/symbols.h"
#include "json/names.h"

static int64_t clock_offset;

void fb_encode_ipv4(struct fb_text *out, const unsigned char *at)
{
	fb_text_add(out, "\"", 1);
	for (int i = 0; i < 4; i++) {
		if (i)
			fb_text_add(out, ".", 1);
		fb_encode_integer(out, at + i, 1, false);
	}
	fb_text_add(out, "\"", 1);
}

void fb_encode_ipv6(struct fb_text *out, const unsigned char *at)
{
	char address[INET6_ADDRSTRLEN] = "";

	inet_ntop(AF_INET6, at, address, sizeof(address));
	fb_text_quote_string(out, address);
}

void fb_encode_prefix(struct fb_text *out, const unsigned char *at, size_t size)
{
	char address[INET6_ADDRSTRLEN] = "";

	inet_ntop(size == 4 ? AF_INET : AF_INET6, at + 4, address, sizeof(address));
	fb_text_printf(out, "\"%s/%" PRIu64 "\"", address, fb_load(at, 4));
}

void fb_encode_mac(struct fb_text *out, const unsigned char *at)
{
	fb_text_printf(out, "\"%02x:%02x:%02x:%02x:%02x:%02x\"", at[0], at[1], at[2], at[3], at[4],
		       at[5]);
}

void fb_encode_port(struct fb_text *out, const unsigned char *at)
{
	const unsigned char swapped[] = {at[1], at[0]};

	fb_encode_integer(out, swapped, sizeof(swapped), false);
}

static void name_or_number(struct fb_text *out, const char *name, const unsigned char *at,
			   size_t size, bool is_signed)
{
	if (name)
		fb_text_quote_string(out, name);
	else
		fb_encode_integer(out, at, size, is_signed);
}

void fb_encode_syscall(struct fb_text *out, const unsigned char *at, size_t size, bool is_signed)
{
	name_or_number(out, fb_syscall_name(fb_load(at, size)), at, size, is_signed);
}

void fb_encode_signal(struct fb_text *out, const unsigned char *at, size_t size, bool is_signed)
{
	name_or_number(out, fb_signal_name(fb_load(at, size)), at, size, is_signed);
}

void fb_encode_errno(struct fb_text *out, const unsigned char *at, size_t size, bool is_signed)
{
	uint64_t value = fb_load(at, size);
	uint64_t negated = (0 - value) & (size < 8 ? (UINT64_C(1) << size * 8) - 1 : UINT64_MAX);
	const char *name = fb_errno_name(value);

	name_or_number(out, name ? name : fb_errno_name(negated), at, size, is_signed);
}

void fb_encode_ksym(struct fb_text *out, const unsigned char *at)
{
	struct fb_symbol symbol;

	if (!fb_symbols_find(fb_load(at, 8), &symbol)) {
		fb_encode_pointer(out, at);
		return;
	}
	fb_text_printf(out, "\"%s+0x%" PRIx64, symbol.name, symbol.offset);
	if (symbol.module[0])
		fb_text_printf(out, " [%s]", symbol.module);
	fb_text_add(out, "\"", 1);
}

void fb_hints_set_clock(int64_t offset)
{
	clock_offset = offset;
}

void fb_encode_boottime(struct fb_text *out, const unsigned char *at)
{
	uint64_t wall = fb_load(at, 8) + (uint64_t)clock_offset;
	time_t seconds = (time_t)(wall / FB_SECOND);
	char text[40];
	struct tm utc;

	if (!gmtime_r(&seconds, &utc) || !strftime(text, sizeof(text), "%FT%T", &utc))
		fb_encode_integer(out, at, 8, false);
	else
		fb_text_printf(out, "\"%s.%09" PRIu64 "Z\"", text, wall % FB_SECOND);
}

void fb_encode_hex(struct fb_text *out, const unsigned char *at, size_t size)
{
	fb_text_printf(out, "\"0x%" PRIx64 "\"", fb_load(at, size));
}
