// SPDX-License-Identifier: Apache-2.0
/*
 * trace_pipe, cut anywhere: the same records, each a line, however it arrives; and a record or a
 * loss for each message that the kernel has counted.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"
#include "trace/trace.h"

#define LABEL "fb@abcdefgh: "
#define MESSAGES 1000 /* more than an input can hold */
#define STATS "overrun: 0\nread events: 1000\n"

static const char *const folders[] = {"", "/per_cpu", "/per_cpu/cpu0"};
static char instance_path[64];

static void remove_instance(void)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/per_cpu/cpu0/stats", instance_path);
	unlink(path);
	for (size_t i = sizeof(folders) / sizeof(*folders); i--;) {
		snprintf(path, sizeof(path), "%s%s", instance_path, folders[i]);
		rmdir(path);
	}
}

static void make_instance(void)
{
	char path[128];

	snprintf(instance_path, sizeof(instance_path), "%s/fleetbpf-fuzz-trace.%d",
		 access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm", getpid());
	atexit(remove_instance);
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		snprintf(path, sizeof(path), "%s%s", instance_path, folders[i]);
		must(!mkdir(path, 0700));
	}
	snprintf(path, sizeof(path), "%s/per_cpu/cpu0/stats", instance_path);
	fuzz_write(path, (const unsigned char *)STATS, strlen(STATS));
}

static void feed(struct fb_sink *sink, const char *bytes, size_t size, size_t piece,
		 bool unlabelled)
{
	struct fb_instance instance = {.pipe = -1};
	struct fb_trace trace = {
		.instance = &instance, .sink = sink, .label = LABEL, .unlabelled = unlabelled};

	snprintf(instance.path, sizeof(instance.path), "%s", instance_path);
	for (size_t done = 0; done < size; done += piece)
		fb_trace_feed(&trace, bytes + done, size - done < piece ? size - done : piece);
	fb_trace_settle(&trace);
	fb_trace_account(&trace, 0);
	fb_trace_free(&trace);
}

/* Without their times, which are of the moment: what losses there are. */
static uint64_t cut_losses(struct fb_sink *sink)
{
	static const char lost[] = ",\"kind\":\"lost\"";
	char *at = sink->batch.used
			   ? memmem(sink->batch.bytes, sink->batch.used, lost, strlen(lost))
			   : NULL;

	if (at) {
		at = memrchr(sink->batch.bytes, '\n', (size_t)(at - sink->batch.bytes));
		fb_text_cut(&sink->batch, at ? (size_t)(at + 1 - sink->batch.bytes) : 0);
	}
	return sink->lost;
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
	/* Never written to: the batch is larger than what so few bytes become. */
	struct fb_spool spool = {.fd = -1, .lock = -1};
	struct fb_sink whole = {.spool = &spool}, pieces = {.spool = &spool};
	size_t piece;

	if (size < 2 || size > 4096)
		return -1;
	if (!instance_path[0])
		make_instance();
	piece = bytes[0] + 1;
	feed(&whole, (const char *)bytes + 2, size - 2, size, bytes[1] & 1);
	feed(&pieces, (const char *)bytes + 2, size - 2, piece, bytes[1] & 1);
	must_be_records(&whole.batch);
	must(whole.printed + whole.lost == MESSAGES);
	must(cut_losses(&whole) == cut_losses(&pieces));
	must(whole.batch.used == pieces.batch.used);
	must(!whole.batch.used || !memcmp(whole.batch.bytes, pieces.batch.bytes, whole.batch.used));
	must(fb_records_weigh(whole.batch.bytes ? whole.batch.bytes : "", whole.batch.used) ==
	     whole.printed);
	fb_sink_free(&whole);
	fb_sink_free(&pieces);
	return 0;
}
