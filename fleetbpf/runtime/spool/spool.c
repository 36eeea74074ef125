// SPDX-License-Identifier: Apache-2.0
#include "spool/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/files.h"
#include "spool/record.h"

#define SEGMENT_SIZE (UINT64_C(8) << 20)

static int lock_folder(struct fb_spool *spool, struct fb_problem *problem)
{
	spool->lock = open(spool->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (spool->lock < 0)
		return -errno;
	if (!flock(spool->lock, LOCK_EX | LOCK_NB))
		return 0;
	if (errno != EWOULDBLOCK)
		return -errno;
	fb_hint(problem, "stop the other loader of this release first");
	return fb_fail(problem, "spool", EBUSY, "another loader writes to the spool %s",
		       spool->folder);
}

int fb_spool_prepare(struct fb_spool *spool, const char *folder, uint64_t limit,
		     const struct fb_labels *labels, struct fb_previous *previous,
		     struct fb_problem *problem)
{
	int error = fb_folder_make(folder, 0700);

	memset(spool, 0, sizeof(*spool));
	spool->fd = -1;
	spool->lock = -1;
	spool->folder = folder;
	spool->labels = *labels;
	spool->limit = limit;
	spool->segment_size = limit / 4 < SEGMENT_SIZE ? limit / 4 : SEGMENT_SIZE;
	fb_boot_id(spool->boot_id, sizeof(spool->boot_id));
	if (!error)
		error = lock_folder(spool, problem);
	if (!error)
		error = fb_segments_previous(folder, previous);
	if (!error && access(folder, W_OK))
		error = -errno;
	if (error)
		return fb_fail(problem, "spool", -error, "cannot write to the spool %s: %s", folder,
			       strerror(-error));
	spool->number = previous->number;
	spool->counts = previous->counts;
	if (previous->number && !previous->stopped)
		spool->counts.killed++;
	fb_segments_first(folder, &spool->first, &spool->removed);
	return 0;
}

static void lose(struct fb_spool *spool, uint64_t lines)
{
	if (lines && !spool->lost)
		spool->lost_since = fb_now();
	spool->lost += lines;
	spool->lost_total += lines;
}

/*
 * One write; what a full disk cut off a record is kept, so that it can be completed later. The
 * records stand for `counts`, or are counted here.
 */
static int append(struct fb_spool *spool, const char *bytes, size_t size,
		  const struct fb_counts *counts)
{
	size_t written = 0, whole;
	const char *end;
	int error = fb_write_all(spool->fd, bytes, size, &written);

	spool->used += written;
	if (!error && counts)
		fb_counts_add(&spool->counts, counts);
	else if (!error)
		fb_counts_take(&spool->counts, bytes, size);
	if (!error)
		return 0;
	end = written ? memrchr(bytes, '\n', written) : NULL;
	whole = end ? (size_t)(end + 1 - bytes) : 0;
	if (whole < written) {
		end = memchr(bytes + written, '\n', size - written);
		whole = end ? (size_t)(end + 1 - bytes) : size;
		fb_text_add(&spool->torn, bytes + written, whole - written);
	}
	fb_counts_take(&spool->counts, bytes, whole);
	lose(spool, fb_records_weigh(bytes + whole, size - whole));
	return error;
}

static int complete_torn(struct fb_spool *spool)
{
	size_t written = 0;
	int error;

	if (!spool->torn.used)
		return 0;
	error = fb_write_all(spool->fd, spool->torn.bytes, spool->torn.used, &written);
	spool->used += written;
	memmove(spool->torn.bytes, spool->torn.bytes + written, spool->torn.used - written);
	fb_text_cut(&spool->torn, spool->torn.used - written);
	return error;
}

static void add_lost(struct fb_text *out, uint64_t count, uint64_t since, unsigned int segment)
{
	if (!count)
		return;
	fb_text_printf(out,
		       FB_RECORD(FB_KIND_LOST) ",\"place\":\"spool\",\"count\":%" PRIu64
					       ",\"since\":%" PRIu64,
		       fb_now(), count, since);
	if (segment)
		fb_text_printf(out, ",\"segment\":%u", segment);
	fb_text_puts(out, "}\n");
}

static void add_header(const struct fb_spool *spool, unsigned int number, struct fb_text *out)
{
	fb_text_printf(out, "{\"fleetbpf\":1,\"segment\":%u,\"deployment\":", number);
	fb_text_quote_string(out, spool->labels.deployment);
	fb_text_puts(out, ",\"program\":");
	fb_text_quote_string(out, spool->labels.program);
	fb_text_puts(out, ",\"release\":");
	fb_text_quote_string(out, spool->labels.release);
	fb_text_printf(out,
		       ",\"boot_id\":\"%s\",\"clock_offset_ns\":%" PRId64 ",\"start_ns\":%" PRIu64
		       ",\"counts\":{",
		       spool->boot_id, fb_clock_offset(), fb_now());
	fb_counts_json(&spool->counts, out);
	fb_text_puts(out, "}");
	if (spool->labels.units[0])
		fb_text_printf(out, ",\"units\":%s", spool->labels.units);
	fb_text_puts(out, "}\n");
}

/* Remove old segments until one more fits; each leaves a record of what went with it. */
static void make_room(const struct fb_spool *spool, struct fb_text *out)
{
	struct fb_dropped dropped;
	uint64_t room = spool->limit > spool->segment_size ? spool->limit - spool->segment_size : 0;

	while (fb_segments_drop(spool->folder, room, spool->number + 1, &dropped) > 0)
		add_lost(out, dropped.lines, dropped.since, dropped.number);
}

/* The next segment with its header: written beside and renamed, so that none is without one. */
static int open_next(struct fb_spool *spool)
{
	char path[PATH_MAX];
	struct fb_text head = {};
	int fd = -1, error;

	add_header(spool, spool->number + 1, &head);
	make_room(spool, &head);
	error = fb_segment_path(spool->folder, spool->number + 1, path, sizeof(path));
	if (!error)
		error = head.failed ? -ENOMEM
				    : fb_file_replace(path, head.bytes, head.used, FB_PRIVATE);
	if (!error) {
		fd = open(path, O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
		error = fd < 0 ? -errno : 0;
	}
	if (error) {
		lose(spool, fb_records_weigh(head.bytes ? head.bytes : "", head.used));
	} else {
		if (spool->fd >= 0)
			close(spool->fd);
		spool->fd = fd;
		spool->number++;
		spool->used = head.used;
		fb_segments_first(spool->folder, &spool->first, &spool->removed);
	}
	fb_text_free(&head);
	return error;
}

static int report_lost(struct fb_spool *spool)
{
	struct fb_text record = {};
	uint64_t count = spool->lost;
	int error;

	if (!count)
		return 0;
	add_lost(&record, count, spool->lost_since, 0);
	spool->lost = 0;
	error = append(spool, record.bytes ? record.bytes : "", record.used, NULL);
	/* A record that could not be written at all was counted again by append(). */
	if (error)
		spool->lost_total -= spool->lost;
	fb_text_free(&record);
	return error;
}

/* The bytes of whole records that still fit into the open segment; at least one if it is new. */
static size_t fitting(const struct fb_spool *spool, const char *bytes, size_t size)
{
	uint64_t room = spool->used < spool->segment_size ? spool->segment_size - spool->used : 0;
	const char *end;

	if (size <= room)
		return size;
	end = room ? memrchr(bytes, '\n', (size_t)room) : NULL;
	return end ? (size_t)(end + 1 - bytes) : 0;
}

static size_t first_record(const char *bytes, size_t size)
{
	const char *end = memchr(bytes, '\n', size);

	return end ? (size_t)(end + 1 - bytes) : size;
}

void fb_spool_write(struct fb_spool *spool, const char *bytes, size_t size,
		    const struct fb_counts *counts)
{
	const size_t all = size;
	bool fresh = false;
	size_t count;

	if ((spool->fd < 0 && open_next(spool)) || complete_torn(spool) || report_lost(spool)) {
		lose(spool, fb_records_weigh(bytes, size));
		return;
	}
	while (size) {
		count = fitting(spool, bytes, size);
		if (!count && !fresh && !open_next(spool)) {
			fresh = true;
			continue;
		}
		if (!count) /* larger than a segment, or no new one can be opened: here, then */
			count = first_record(bytes, size);
		if (append(spool, bytes, count, count == all ? counts : NULL)) {
			lose(spool, fb_records_weigh(bytes + count, size - count));
			return;
		}
		fresh = false;
		bytes += count;
		size -= count;
	}
}

void fb_spool_counts(const struct fb_spool *spool, struct fb_text *out)
{
	struct fb_counts counts = spool->counts;

	counts.lost[FB_SPOOL] += spool->lost; /* no record tells of them yet */
	fb_counts_json(&counts, out);
	fb_text_printf(out, ",\"first\":%u,\"removed\":%" PRIu64, spool->first, spool->removed);
}

void fb_spool_close(struct fb_spool *spool)
{
	if (spool->fd >= 0)
		close(spool->fd);
	spool->fd = -1;
	if (spool->lock >= 0)
		close(spool->lock);
	spool->lock = -1;
	fb_text_free(&spool->torn);
}
