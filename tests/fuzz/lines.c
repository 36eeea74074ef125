// SPDX-License-Identifier: Apache-2.0
/* trace_pipe, cut anywhere: the same records, each a line, however it arrives. */
#include <string.h>

#include "fuzz.h"
#include "trace.h"

#define LABEL "fb@abcdefgh: "

static void feed(struct fb_sink *sink, const char *bytes, size_t size, size_t piece,
		 bool unlabelled)
{
	struct fb_instance instance = {.pipe = -1, .path = "/nowhere"};
	struct fb_trace trace = {
		.instance = &instance, .sink = sink, .label = LABEL, .unlabelled = unlabelled};

	for (size_t done = 0; done < size; done += piece)
		fb_trace_feed(&trace, bytes + done, size - done < piece ? size - done : piece);
	fb_trace_settle(&trace);
	fb_trace_free(&trace);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
	/* Never written to: the batch is larger than what so few bytes become. */
	struct fb_spool spool = {.fd = -1, .lock = -1};
	struct fb_sink whole = {.spool = &spool}, pieces = {.spool = &spool};
	size_t piece;

	if (size < 2 || size > 4096)
		return -1;
	piece = bytes[0] + 1;
	feed(&whole, (const char *)bytes + 2, size - 2, size, bytes[1] & 1);
	feed(&pieces, (const char *)bytes + 2, size - 2, piece, bytes[1] & 1);
	must(whole.batch.used == pieces.batch.used);
	must(!whole.batch.used || !memcmp(whole.batch.bytes, pieces.batch.bytes, whole.batch.used));
	must_be_records(&whole.batch);
	must(fb_records_weigh(whole.batch.bytes ? whole.batch.bytes : "", whole.batch.used) ==
	     whole.printed);
	fb_sink_free(&whole);
	fb_sink_free(&pieces);
	return 0;
}
