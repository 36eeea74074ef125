// SPDX-License-Identifier: Apache-2.0
/* Records of a ring, of any size and content, by the encoders of a generated loader. */
#include <string.h>

#include "fuzz.h"
/* What is static in them is to be reached; main has another name. */
#include "events/rings.c" // NOLINT(bugprone-suspicious-include)

#include "loader.c" // NOLINT(bugprone-suspicious-include)

/* As the kernel hands it out: of its exact size, so that a byte too much is seen. */
static void take_exactly(struct fb_ring_reader *reader, const unsigned char *bytes, size_t size)
{
	unsigned char *exact = malloc(size ? size : 1);

	memcpy(exact, bytes, size);
	fb_ring_reader_take(reader, exact, size);
	free(exact);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
	struct fb_spool spool = {.fd = -1, .lock = -1};
	struct fb_sink sink = {.spool = &spool};
	struct fb_ring_reader reader = {
		.ring = &rings[0], .sink = &sink, .position = &sink.told.positions[0]};

	if (!size || size > 4096)
		return -1;
	reader.event = &events[bytes[0] % (sizeof(events) / sizeof(*events))];
	take_exactly(&reader, bytes + 1, size - 1);
	must(sink.printed == 1);
	must_be_records(&sink.batch);
	fb_sink_free(&sink);
	return 0;
}
