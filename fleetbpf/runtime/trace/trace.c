// SPDX-License-Identifier: Apache-2.0
#include "trace/trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

static void close_message(struct fb_trace *trace)
{
	size_t length = trace->message.used;

	trace->elsewhere = false;
	if (!trace->open)
		return;
	trace->open = false;
	/* bpf_printk("…\n") makes an empty second line: no part of what was meant. */
	if (length && trace->message.bytes[length - 1] == '\n')
		length--;
	fb_sink_trace(trace->sink, &trace->head, trace->message.bytes ? trace->message.bytes : "",
		      length, trace->shared);
}

/*
 * One more line of the message. A label stands at the beginning of a message alone: with one
 * inside, or without a message, it is a line in a shape that we do not know.
 */
static void continue_message(struct fb_trace *trace, const char *line, size_t length)
{
	if (trace->label[0] && memmem(line, length, trace->label, strlen(trace->label))) {
		close_message(trace);
		trace->odd = true;
		return;
	}
	if (!trace->open) {
		trace->odd = trace->odd || !trace->elsewhere;
		return;
	}
	fb_text_add(&trace->message, "\n", 1);
	fb_text_add(&trace->message, line, length);
}

/* Whether a message with our label, or one without any where we take those, begins here. */
static bool is_ours(const struct fb_trace *trace, const struct fb_line *line, bool *labelled)
{
	size_t length = strlen(trace->label);

	*labelled =
		length && line->text_length >= length && !memcmp(line->text, trace->label, length);
	return *labelled || trace->unlabelled;
}

/*
 * A comm with a newline began in a line that was taken for one more of the message before: a user
 * could write into another's record. Its column tells how many bytes, newlines counted, that is.
 */
static void take_back(struct fb_trace *trace, size_t lacking)
{
	struct fb_text *message = &trace->message;

	if (trace->open && message->used >= lacking &&
	    message->bytes[message->used - lacking] == '\n')
		fb_text_cut(message, message->used - lacking);
}

/* The column as the kernel filled it, of all lines that it is in; then without its padding. */
static void set_comm(struct fb_trace *trace, const struct fb_line *line)
{
	size_t lacking =
		line->comm_lacking < trace->before_count ? line->comm_lacking : trace->before_count;
	size_t rest = line->comm_length < FB_COMM - lacking ? line->comm_length : FB_COMM - lacking;
	size_t padding = 0;

	memcpy(trace->comm, trace->before + trace->before_count - lacking, lacking);
	memcpy(trace->comm + lacking, line->comm, rest);
	while (padding < lacking + rest && trace->comm[padding] == ' ')
		padding++;
	trace->head.comm = trace->comm + padding;
	trace->head.comm_length = lacking + rest - padding;
}

static void open_message(struct fb_trace *trace, const struct fb_line *line, bool labelled)
{
	size_t skip = labelled ? strlen(trace->label) : 0;

	take_back(trace, line->comm_lacking);
	close_message(trace);
	trace->known++;
	trace->elsewhere = trace->until && line->time >= trace->until;
	if (trace->elsewhere)
		return;
	trace->head = *line;
	set_comm(trace, line);
	trace->shared = !labelled;
	trace->open = true;
	if (trace->instance->timeless)
		trace->head.time = fb_now();
	trace->last_time = trace->head.time;
	fb_text_cut(&trace->message, 0);
	fb_text_add(&trace->message, line->text + skip, line->text_length - skip);
}

static uint64_t *lost_on(struct fb_trace *trace, unsigned int cpu)
{
	uint64_t *grown;

	if (cpu >= trace->cpu_count) {
		grown = realloc(trace->lost_by_cpu, (cpu + 1) * sizeof(*grown));
		if (!grown)
			return NULL;
		memset(grown + trace->cpu_count, 0, (cpu + 1 - trace->cpu_count) * sizeof(*grown));
		trace->lost_by_cpu = grown;
		trace->cpu_count = cpu + 1;
	}
	return &trace->lost_by_cpu[cpu];
}

/*
 * A message may hold a line that only looks like a loss: the buffer's own count, which never is
 * less than the losses it tells, decides.
 */
static bool take_loss(struct fb_trace *trace, const struct fb_line *line)
{
	uint64_t *reported = lost_on(trace, line->cpu);
	uint64_t total = fb_instance_overrun(trace->instance, line->cpu), count;

	if (!reported || total <= *reported)
		return false;
	count = line->lost ? line->lost : total - *reported;
	if (count > total - *reported)
		return false;
	close_message(trace);
	*reported += count;
	fb_sink_untraced(trace->sink, count, trace->last_time);
	return true;
}

static void judge_line(struct fb_trace *trace, const char *bytes, size_t length)
{
	struct fb_line line = fb_line_parse(bytes, length);
	bool labelled;

	switch (line.kind) {
	case FB_LINE_RECORD:
		if (is_ours(trace, &line, &labelled)) {
			open_message(trace, &line, labelled);
			return;
		}
		break;
	case FB_LINE_LOST:
		if (take_loss(trace, &line))
			return;
		break;
	case FB_LINE_OTHER:
		break;
	}
	continue_message(trace, bytes, length);
}

/* So many bytes as a column can lack, with the newline that ended the line. */
static void remember(struct fb_trace *trace, const char *bytes, size_t length)
{
	const size_t most = sizeof(trace->before);
	size_t keep;

	if (length >= most) {
		bytes += length + 1 - most;
		length = most - 1;
	}
	keep = trace->before_count < most - length - 1 ? trace->before_count : most - length - 1;
	memmove(trace->before, trace->before + trace->before_count - keep, keep);
	memcpy(trace->before + keep, bytes, length);
	trace->before[keep + length] = '\n';
	trace->before_count = keep + length + 1;
}

static void take_line(struct fb_trace *trace, const char *bytes, size_t length)
{
	judge_line(trace, bytes, length);
	remember(trace, bytes, length);
}

void fb_trace_feed(struct fb_trace *trace, const char *bytes, size_t size)
{
	const char *end;

	while (size && (end = memchr(bytes, '\n', size))) {
		size_t length = (size_t)(end - bytes);

		if (trace->partial.used) {
			fb_text_add(&trace->partial, bytes, length);
			take_line(trace, trace->partial.bytes, trace->partial.used);
			fb_text_cut(&trace->partial, 0);
		} else {
			take_line(trace, bytes, length);
		}
		size -= length + 1;
		bytes = end + 1;
	}
	if (size)
		fb_text_add(&trace->partial, bytes, size);
}

/* The kernel counts messages, whatever lines they become: exact when all are read. */
void fb_trace_account_odd(struct fb_trace *trace)
{
	uint64_t given = fb_instance_reads(trace->instance);

	trace->odd = false;
	trace->looked_at = fb_now();
	if (given <= trace->known)
		return;
	fb_sink_odd_messages(trace->sink, given - trace->known, trace->last_time);
	trace->known = given;
}

void fb_trace_settle(struct fb_trace *trace)
{
	if (trace->partial.used)
		return;
	close_message(trace);
	/* Once a second at most: a name with a newline, which any user may have, looks odd too. */
	if (trace->odd && fb_now() - trace->looked_at >= FB_SECOND)
		fb_trace_account_odd(trace);
}

ssize_t fb_trace_read(struct fb_trace *trace, size_t most)
{
	char block[8192];
	size_t taken = 0;
	ssize_t count;

	while (taken < most) {
		count = read(trace->instance->pipe, block, sizeof(block));
		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0 && errno != EAGAIN)
			return -errno;
		if (count <= 0) {
			fb_trace_settle(trace);
			break;
		}
		fb_trace_feed(trace, block, (size_t)count);
		taken += (size_t)count;
	}
	return (ssize_t)taken;
}

void fb_trace_account(struct fb_trace *trace, unsigned int cpu_count)
{
	close_message(trace);
	fb_trace_account_odd(trace);
	for (unsigned int cpu = 0; cpu < cpu_count; cpu++) {
		uint64_t *reported = lost_on(trace, cpu);
		uint64_t total = fb_instance_overrun(trace->instance, cpu);

		if (!reported || total <= *reported)
			continue;
		fb_sink_untraced(trace->sink, total - *reported, trace->last_time);
		*reported = total;
	}
}

void fb_trace_free(struct fb_trace *trace)
{
	fb_text_free(&trace->partial);
	fb_text_free(&trace->message);
	free(trace->lost_by_cpu);
	trace->lost_by_cpu = NULL;
	trace->cpu_count = 0;
}
