// SPDX-License-Identifier: Apache-2.0
/* A spool that was left by anybody, however torn: the next loader starts, and counts what it loses.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/files.h"
#include "fuzz.h"
#include "spool/progress.h"
#include "spool/spool.h"
#include "spool/untold.h"

#define RECORDS 40
#define LIMIT 2048

static uint64_t whole_lines_weight(const char *folder, unsigned int first, unsigned int last)
{
	char path[PATH_MAX];
	uint64_t weight = 0;

	for (unsigned int number = first; number <= last; number++) {
		struct fb_text text = {};

		must(!fb_segment_path(folder, number, path, sizeof(path)));
		if (!access(path, F_OK)) {
			must(!fb_file_read(path, &text));
			must_be_records(&text);
			weight += fb_records_weigh(text.bytes ? text.bytes : "", text.used);
		}
		fb_text_free(&text);
	}
	return weight;
}

/* What was written is there, or counted where it went. */
static void write_on(const char *folder, struct fb_spool *spool, unsigned int before, size_t batch)
{
	struct fb_text records = {};
	struct fb_counts counts = {};

	for (unsigned int i = 1; i <= RECORDS; i++) {
		fb_text_printf(&records, "{\"time\":%u,\"kind\":\"trace\",\"text\":\"%u\"}\n", i,
			       i);
		if (i % batch && i != RECORDS)
			continue;
		counts = (struct fb_counts){};
		fb_counts_take(&counts, records.bytes, records.used);
		fb_spool_write(spool, records.bytes, records.used, &counts);
		fb_text_cut(&records, 0);
	}
	fb_text_free(&records);
	must(!spool->lost_total);
	must(spool->number > before);
	must(whole_lines_weight(folder, before + 1, spool->number) >= RECORDS);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
	const struct fb_labels labels = {
		.deployment = "d", .program = "p", .release = "r", .units = ""};
	const char *folder = fuzz_folder();
	struct fb_step step = {.segment = 1};
	const struct fb_ring_names rings = {.items = {"events"}, .count = 1};
	struct fb_problem problem = {};
	struct fb_untold untold;
	struct fb_previous previous;
	struct fb_spool spool;
	char path[PATH_MAX];

	if (size < 2 || size > 4096)
		return -1;
	step.size = bytes[1];
	must(!fb_segment_path(folder, 1 + bytes[0] % 3, path, sizeof(path)));
	fuzz_write(path, bytes + 2, size - 2);
	must(!fb_spool_prepare(&spool, folder, LIMIT, &labels, &previous, &problem));
	must(previous.number == 1u + bytes[0] % 3);
	must(memchr(previous.boot_id, '\0', sizeof(previous.boot_id)));
	fb_untold_find(&untold, &step, folder, &rings);
	write_on(folder, &spool, previous.number, 1 + bytes[1] % 50);
	fb_spool_close(&spool);
	return 0;
}
