// SPDX-License-Identifier: Apache-2.0
#include "spool/sink.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/files.h"
#include "spool/record.h"
#include "json/encode.h"

#define BATCH (64 * 1024)
#define ODD ",\"why\":\"not understood\"" /* in a loss record */
#define MAP_RECORD (256 * 1024)		  /* a larger read-out is cut into several records */

void fb_sink_flush(struct fb_sink *sink)
{
	struct fb_text *batch = &sink->batch;

	if (batch->used && sink->spool)
		fb_spool_write(sink->spool, batch->bytes, batch->used, &sink->pending);
	else if (batch->used && fb_write_all(STDOUT_FILENO, batch->bytes, batch->used, NULL))
		sink->broken = true;
	fb_text_cut(batch, 0);
	memset(&sink->pending, 0, sizeof(sink->pending));
	if (sink->progress)
		fb_progress_set(sink->progress, sink->spool, &sink->told);
	sink->refused = false;
}

static void count_printed(struct fb_sink *sink)
{
	sink->printed++;
	sink->pending.written++;
}

static void flush_if_full(struct fb_sink *sink)
{
	if (sink->batch.used >= BATCH)
		fb_sink_flush(sink);
}

/*
 * After a kill the records in the spool tell how far its loader came since its last step: those
 * that are not written must not lie between.
 */
static void refuse(struct fb_sink *sink)
{
	fb_sink_flush(sink);
	sink->refused = true;
	if (!sink->limits.refused++)
		sink->limits.since = fb_now();
}

/*
 * One more line or event; false: the rate does not allow it. What was taken before it is in the
 * batch, and counted as told: the moment for a flush.
 */
static bool begin_record(struct fb_sink *sink)
{
	struct fb_limits *limits = &sink->limits;

	if (sink->refused)
		fb_sink_flush(sink);
	flush_if_full(sink);
	if (limits->rate && !limits->left) {
		refuse(sink);
		return false;
	}
	limits->left -= limits->rate ? 1 : 0;
	sink->began = sink->batch.used;
	return true;
}

static void end_record(struct fb_sink *sink)
{
	if (sink->limits.record && sink->batch.used - sink->began > sink->limits.record) {
		fb_text_cut(&sink->batch, sink->began);
		refuse(sink);
		return;
	}
	count_printed(sink);
}

void fb_sink_limit(struct fb_sink *sink, uint64_t now, bool at_once)
{
	struct fb_limits *limits = &sink->limits;
	uint64_t elapsed = now - limits->filled_at;

	if (limits->refused && (at_once || now - limits->since >= FB_SECOND)) {
		fb_sink_lost(sink, FB_LIMIT, limits->refused, limits->since);
		limits->refused = 0;
	}
	if (!limits->rate)
		return;
	if (elapsed >= FB_SECOND) {
		limits->left = limits->rate;
		limits->filled_at = now;
	} else if (elapsed * limits->rate >= FB_SECOND) {
		limits->left += elapsed * limits->rate / FB_SECOND;
		limits->filled_at = now;
	}
	if (limits->left > limits->rate)
		limits->left = limits->rate;
}

/* 12:03:44.123456, the wall's time as this machine's clock has it now. */
static void add_wall_time(struct fb_text *out, uint64_t time)
{
	uint64_t wall = time + (uint64_t)fb_clock_offset();
	time_t seconds = (time_t)(wall / FB_SECOND);
	struct tm local;
	char clock[16] = "";

	if (localtime_r(&seconds, &local))
		strftime(clock, sizeof(clock), "%H:%M:%S", &local);
	fb_text_printf(out, "%s.%06" PRIu64 " ", clock, wall % FB_SECOND / 1000);
}

void fb_sink_start(struct fb_sink *sink, uint64_t time, const char *reason, bool clean,
		   const char *attached, const char *warnings)
{
	if (!sink->spool)
		return;
	fb_text_printf(&sink->batch,
		       FB_RECORD(FB_KIND_START) ",\"reason\":\"%s\",\"clean\":%s,"
						"\"pid\":%d,\"attached\":%s,\"warnings\":%s}\n",
		       time, reason, clean ? "true" : "false", getpid(), attached, warnings);
}

void fb_sink_stop(struct fb_sink *sink, const char *reason)
{
	uint64_t unwritten;

	fb_sink_limit(sink, fb_now(), true);
	fb_sink_flush(sink);
	if (!sink->spool)
		return;
	unwritten = sink->spool->lost_total;
	fb_text_printf(&sink->batch,
		       FB_RECORD(FB_KIND_STOP) ",\"reason\":\"%s\",\"written\":%" PRIu64
					       ",\"lost\":%" PRIu64 "}\n",
		       fb_now(), reason, sink->printed > unwritten ? sink->printed - unwritten : 0,
		       sink->lost + unwritten);
	fb_sink_flush(sink);
}

static void add_trace_line(struct fb_text *out, const struct fb_line *line, const char *text,
			   size_t length)
{
	add_wall_time(out, line->time);
	fb_text_show(out, line->comm, line->comm_length);
	fb_text_printf(out, "-%d ", line->pid);
	fb_text_show(out, text, length);
	fb_text_puts(out, "\n");
}

static void add_trace_record(struct fb_text *out, const struct fb_line *line, const char *text,
			     size_t length, bool shared)
{
	fb_text_printf(out, FB_RECORD(FB_KIND_TRACE) ",\"cpu\":%u,\"pid\":%d,\"comm\":", line->time,
		       line->cpu, line->pid);
	fb_text_quote(out, line->comm, line->comm_length);
	fb_text_puts(out, ",\"text\":");
	fb_text_quote(out, text, length);
	fb_text_puts(out, shared ? ",\"shared\":true}\n" : "}\n");
}

void fb_sink_trace(struct fb_sink *sink, const struct fb_line *line, const char *text,
		   size_t length, bool shared)
{
	bool allowed = begin_record(sink);

	sink->told.messages++;
	if (!allowed)
		return;
	if (sink->spool)
		add_trace_record(&sink->batch, line, text, length, shared);
	else
		add_trace_line(&sink->batch, line, text, length);
	end_record(sink);
}

void fb_sink_handoff(struct fb_sink *sink, const char *from, uint64_t since, uint64_t time,
		     bool exact)
{
	if (!sink->spool)
		return;
	fb_text_printf(&sink->batch, FB_RECORD(FB_KIND_HANDOFF) ",\"from\":", fb_now());
	fb_text_quote_string(&sink->batch, from);
	fb_text_printf(&sink->batch, ",\"since\":%" PRIu64 ",\"at\":%" PRIu64 ",\"exact\":%s}\n",
		       since, time, exact ? "true" : "false");
}

void fb_sink_clock(struct fb_sink *sink, int64_t offset)
{
	if (!sink->spool) /* its lines have the time of the moment */
		return;
	fb_text_printf(&sink->batch, FB_RECORD(FB_KIND_CLOCK) ",\"clock_offset_ns\":%" PRId64 "}\n",
		       fb_now(), offset);
}

/* `more` is JSON that follows the place. */
static void add_lost(struct fb_sink *sink, enum fb_loss place, const char *more, uint64_t count,
		     uint64_t since)
{
	sink->lost += count;
	sink->pending.lost[place] += count;
	if (!sink->spool) {
		add_wall_time(&sink->batch, fb_now());
		fb_text_printf(&sink->batch, "-- %" PRIu64 " lost in the %s%s --\n", count,
			       fb_loss_name(place), !strcmp(more, ODD) ? ", not understood" : "");
		return;
	}
	fb_text_printf(&sink->batch,
		       FB_RECORD(FB_KIND_LOST) ",\"place\":\"%s\"%s,\"count\":%" PRIu64
					       ",\"since\":%" PRIu64 "}\n",
		       fb_now(), fb_loss_name(place), more, count, since);
}

void fb_sink_lost(struct fb_sink *sink, enum fb_loss place, uint64_t count, uint64_t since)
{
	add_lost(sink, place, "", count, since);
}

void fb_sink_untraced(struct fb_sink *sink, uint64_t count, uint64_t since)
{
	sink->told.untraced += count;
	add_lost(sink, FB_KERNEL, ",\"buffer\":\"trace\"", count, since);
}

void fb_sink_odd_messages(struct fb_sink *sink, uint64_t count, uint64_t since)
{
	sink->told.messages += count;
	add_lost(sink, FB_LOADER, ODD, count, since);
}

void fb_sink_missed(struct fb_sink *sink, uint64_t count, uint64_t since)
{
	sink->told.missed += count;
	add_lost(sink, FB_KERNEL, ",\"buffer\":\"ring\"", count, since);
}

static bool is_json(const struct fb_sink *sink)
{
	return sink->spool || sink->json;
}

void fb_sink_map_begin(struct fb_sink *sink, const char *map, const char *about)
{
	sink->map = map;
	sink->about = about;
	sink->entries = 0;
	fb_text_cut(&sink->record, 0);
	if (!is_json(sink))
		return;
	fb_text_printf(&sink->record, FB_RECORD(FB_KIND_MAP) ",\"map\":", fb_now());
	fb_text_quote_string(&sink->record, map);
	fb_text_puts(&sink->record, about);
	fb_text_puts(&sink->record, ",\"entries\":[");
}

/* Move the record into the batch; one that lacks memory is a line lost. */
static void finish_record(struct fb_sink *sink)
{
	if (sink->record.failed) {
		fb_text_cut(&sink->record, 0);
		fb_sink_lost(sink, FB_LOADER, 1, fb_now());
		return;
	}
	fb_text_add(&sink->batch, sink->record.bytes ? sink->record.bytes : "", sink->record.used);
	fb_text_cut(&sink->record, 0);
	count_printed(sink);
	flush_if_full(sink);
}

static void split_if_large(struct fb_sink *sink)
{
	if (sink->record.used < MAP_RECORD)
		return;
	if (is_json(sink))
		fb_text_puts(&sink->record, "],\"more\":true}\n");
	finish_record(sink);
	fb_sink_map_begin(sink, sink->map, sink->about);
}

void fb_sink_map_entry(struct fb_sink *sink, const struct fb_text *key, const char *name,
		       const struct fb_text *value, const struct fb_text *more)
{
	struct fb_text *out = &sink->record;

	split_if_large(sink);
	if (is_json(sink)) {
		fb_text_puts(out, sink->entries ? ",{\"key\":" : "{\"key\":");
	} else {
		add_wall_time(out, fb_now());
		fb_text_printf(out, "%s ", sink->map);
	}
	fb_text_add(out, key->bytes, key->used);
	if (is_json(sink))
		fb_text_printf(out, ",\"%s\":", name);
	else
		fb_text_puts(out, " ");
	fb_text_add(out, value->bytes, value->used);
	if (more->used)
		fb_text_add(out, more->bytes, more->used);
	fb_text_puts(out, is_json(sink) ? "}" : "\n");
	out->failed = out->failed || key->failed || value->failed || more->failed;
	sink->entries++;
}

void fb_sink_map_end(struct fb_sink *sink, int error)
{
	struct fb_text *out = &sink->record;

	if (is_json(sink))
		fb_text_puts(out, "]");
	if (error)
		fb_text_printf(out, is_json(sink) ? ",\"failed\":\"%s\"" : "-- not whole: %s --\n",
			       strerror(-error));
	if (is_json(sink))
		fb_text_puts(out, "}\n");
	finish_record(sink);
	if (out->size > MAP_RECORD) /* do not hold on to the memory of a rare large one */
		fb_text_free(out);
}

/* All events of one round begin alike: the text of one serves the next. */
static void make_head(struct fb_sink *sink, const char *ring, const char *name, uint64_t time)
{
	struct fb_text *head = &sink->head;

	fb_text_cut(head, 0);
	if (sink->spool) {
		FB_LITERAL(head, FB_RECORD_TIME);
		fb_text_decimal(head, time);
		FB_LITERAL(head, FB_RECORD_KIND FB_KIND_EVENT "\",\"ring\":");
		fb_text_quote_string(head, ring);
		if (name) {
			FB_LITERAL(head, ",\"struct\":");
			fb_text_quote_string(head, name);
		}
	} else {
		add_wall_time(head, time);
		fb_text_puts(head, name ? name : ring);
	}
	sink->head_ring = ring;
	sink->head_name = name;
	sink->head_time = time;
}

static struct fb_text *begin_event(struct fb_sink *sink, const char *ring, const char *name,
				   uint64_t time)
{
	if (!begin_record(sink))
		return NULL;
	if (time != sink->head_time || ring != sink->head_ring || name != sink->head_name)
		make_head(sink, ring, name, time);
	fb_text_add(&sink->batch, sink->head.bytes, sink->head.used);
	return &sink->batch;
}

struct fb_text *fb_sink_event_begin(struct fb_sink *sink, const char *ring, const char *name,
				    uint64_t time)
{
	struct fb_text *out = begin_event(sink, ring, name, time);

	if (out && sink->spool)
		FB_LITERAL(out, ",\"data\":");
	else if (out)
		FB_LITERAL(out, " ");
	return out;
}

void fb_sink_event_end(struct fb_sink *sink, const unsigned char *rest, size_t rest_size)
{
	if (rest_size) {
		fb_text_puts(&sink->batch, sink->spool ? ",\"rest\":" : " rest ");
		fb_encode_bytes(&sink->batch, rest, rest_size);
	}
	fb_text_puts(&sink->batch, sink->spool ? "}\n" : "\n");
	end_record(sink);
}

void fb_sink_event_odd(struct fb_sink *sink, const char *ring, uint64_t time,
		       const unsigned char *bytes, size_t size)
{
	struct fb_text *out = begin_event(sink, ring, NULL, time);

	if (!out)
		return;
	fb_text_puts(out, sink->spool ? ",\"odd\":" : " odd ");
	fb_encode_bytes(out, bytes, size);
	fb_text_puts(out, sink->spool ? "}\n" : "\n");
	end_record(sink);
}

void fb_sink_iter(struct fb_sink *sink, const char *function, const char *text, size_t length)
{
	struct fb_text *out = &sink->batch;

	if (!begin_record(sink))
		return;
	if (sink->spool) {
		fb_text_printf(out, FB_RECORD(FB_KIND_ITER) ",\"function\":", fb_now());
		fb_text_quote_string(out, function);
		fb_text_puts(out, ",\"text\":");
		fb_text_quote(out, text, length);
		fb_text_puts(out, "}\n");
	} else {
		add_wall_time(out, fb_now());
		fb_text_printf(out, "%s ", function);
		fb_text_show(out, text, length);
		fb_text_puts(out, "\n");
	}
	end_record(sink);
}

void fb_sink_free(struct fb_sink *sink)
{
	fb_text_free(&sink->batch);
	fb_text_free(&sink->record);
	fb_text_free(&sink->head);
}
