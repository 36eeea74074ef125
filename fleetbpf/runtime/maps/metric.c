// SPDX-License-Identifier: Apache-2.0
#include "maps/metric.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "maps/metric_text.h"

#define STAGE "metrics"

/* Letters, digits, _ and, where it may be, a colon; no digit first. */
static bool is_name(const char *name, bool colons)
{
	bool right = *name && !isdigit((unsigned char)*name);

	for (; right && *name; name++)
		right = isalnum((unsigned char)*name) || *name == '_' || (colons && *name == ':');
	return right;
}

static bool add_label(struct fb_metric *metric, char *text)
{
	char *colon = strchr(text, ':');
	struct fb_label *labels;

	if (!colon)
		return false;
	*colon = '\0';
	labels = realloc(metric->labels, (metric->label_count + 1) * sizeof(*labels));
	if (!labels)
		return false;
	metric->labels = labels;
	labels[metric->label_count++] = (struct fb_label){.name = text, .way = colon + 1};
	return is_name(text, false);
}

static bool parse_word(struct fb_metric *metric, char *word)
{
	char *end;

	if (!strncmp(word, "label:", 6))
		return add_label(metric, word + 6);
	if (!strncmp(word, "value:", 6))
		return *(metric->way = word + 6);
	if (strncmp(word, "scale:", 6) != 0)
		return false;
	metric->scale = strtod(word + 6, &end);
	return end != word + 6 && !*end && isfinite(metric->scale) && metric->scale > 0;
}

static bool parse(struct fb_metric *metric, char *words)
{
	char *help = strstr(words, ",help:"), *rest = NULL, *word;

	if (help) {
		*help = '\0';
		metric->help = help + strlen(",help:");
	}
	metric->name = strtok_r(words, ",", &rest);
	metric->type = strtok_r(NULL, ",", &rest);
	if (!metric->name || !is_name(metric->name, true) || !metric->type ||
	    (strcmp(metric->type, "counter") != 0 && strcmp(metric->type, "gauge") != 0 &&
	     strcmp(metric->type, "histogram") != 0))
		return false;
	while ((word = strtok_r(NULL, ",", &rest)))
		if (!parse_word(metric, word))
			return false;
	return true;
}

int fb_metric_plan(struct fb_metric *metric, const struct fb_pair *wanted,
		   struct fb_problem *problem)
{
	metric->help = "";
	metric->way = "value";
	metric->scale = 1;
	metric->words = strdup(wanted->value);
	if (!metric->words)
		return fb_fail(problem, STAGE, ENOMEM, "out of memory");
	if (parse(metric, metric->words))
		return 0;
	fb_hint(problem, "NAME,counter|gauge|histogram[,value:value.FIELD][,scale:NUMBER]"
			 "[,label:NAME:key.FIELD]...[,help:TEXT]");
	return fb_fail(problem, STAGE, 0, "--metric %s=%s: cannot be understood", wanted->name,
		       wanted->value);
}

/* command="sh",uid="0" */
static void make_set(struct fb_metric *metric, const struct fb_text *key,
		     const struct fb_text *value)
{
	fb_text_cut(&metric->set, 0);
	fb_text_puts(&metric->set, "");
	for (size_t i = 0; i < metric->label_count; i++) {
		const struct fb_label *label = &metric->labels[i];

		fb_text_printf(&metric->set, "%s%s=\"", i ? "," : "", label->name);
		fb_metric_label(&metric->set, fb_pick_from_entry(key, value, label->way));
		fb_text_puts(&metric->set, "\"");
	}
	metric->failed = metric->failed || metric->set.failed;
}

void fb_metric_add(struct fb_metric *metric, const struct fb_text *key, const struct fb_text *value)
{
	struct fb_sample sample = {.labels = metric->sets.used};

	if (!fb_metric_number(fb_pick_from_entry(key, value, metric->way), &sample.value))
		return;
	make_set(metric, key, value);
	if (metric->sample_count == metric->sample_room) {
		size_t room = metric->sample_room ? metric->sample_room * 2 : 64;
		struct fb_sample *samples = realloc(metric->samples, room * sizeof(*samples));

		metric->failed = metric->failed || !samples;
		if (!samples)
			return;
		metric->samples = samples;
		metric->sample_room = room;
	}
	fb_text_add(&metric->sets, metric->set.bytes, metric->set.used);
	metric->failed = metric->failed || metric->sets.failed;
	sample.length = metric->set.used;
	metric->samples[metric->sample_count++] = sample;
}

void fb_metric_count(struct fb_metric *metric, const struct fb_text *key, uint64_t slot,
		     uint64_t count)
{
	static const struct fb_text none;

	make_set(metric, key, &none);
	fb_histograms_group(&metric->histograms, metric->set.bytes, metric->set.used);
	fb_histograms_add(&metric->histograms, slot, count);
	metric->top = slot > metric->top ? slot : metric->top;
}

static int by_labels(const void *left, const void *right, void *sets)
{
	const struct fb_sample *one = left, *other = right;
	size_t shorter = one->length < other->length ? one->length : other->length;
	int difference = memcmp((char *)sets + one->labels, (char *)sets + other->labels, shorter);

	return difference ? difference
			  : (one->length > other->length) - (one->length < other->length);
}

/* Entries that have all labels in common are one sample, the sum of them. */
static void settle(struct fb_metric *metric)
{
	struct fb_sample *samples = metric->samples;
	char *sets = metric->sets.bytes;
	size_t kept = 0;

	if (!metric->sample_count)
		return;
	qsort_r(samples, metric->sample_count, sizeof(*samples), by_labels, sets);
	for (size_t i = 1; i < metric->sample_count; i++) {
		if (!by_labels(&samples[kept], &samples[i], sets))
			samples[kept].value += samples[i].value;
		else
			samples[++kept] = samples[i];
	}
	metric->sample_count = kept + 1;
}

static void write_samples(struct fb_metric *metric)
{
	settle(metric);
	for (size_t i = 0; i < metric->sample_count; i++) {
		const struct fb_sample *sample = &metric->samples[i];
		const struct fb_piece labels = {metric->sets.bytes + sample->labels,
						sample->length};

		fb_metric_sample(&metric->block, metric->name, "", labels, "",
				 sample->value * metric->scale);
	}
}

static void write_histograms(struct fb_metric *metric, const struct fb_scale *scale)
{
	struct fb_histograms *histograms = &metric->histograms;
	size_t extent;

	fb_histograms_settle(histograms);
	for (size_t i = 0; i < histograms->count; i += extent) {
		const struct fb_count *counts = &histograms->counts[i];
		const struct fb_piece labels = {histograms->groups.bytes + counts->group,
						counts->length};

		extent = fb_histograms_extent(histograms, i);
		fb_metric_histogram(metric, labels, scale, counts, extent);
	}
}

void fb_metric_end(struct fb_metric *metric, const struct fb_scale *scale, bool whole)
{
	if (whole && !metric->failed && !metric->histograms.failed) {
		fb_text_cut(&metric->block, 0);
		fb_metric_head(metric);
		if (!strcmp(metric->type, "histogram"))
			write_histograms(metric, scale);
		else
			write_samples(metric);
	}
	metric->failed = false;
	metric->sample_count = 0;
	fb_text_cut(&metric->sets, 0);
	fb_histograms_free(&metric->histograms);
}

void fb_metric_free(struct fb_metric *metric)
{
	fb_histograms_free(&metric->histograms);
	fb_text_free(&metric->set);
	fb_text_free(&metric->sets);
	fb_text_free(&metric->block);
	free(metric->samples);
	free(metric->labels);
	free(metric->words);
}
