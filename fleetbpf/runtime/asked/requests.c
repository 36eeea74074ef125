// SPDX-License-Identifier: Apache-2.0
#include "asked/requests.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int no_memory(struct fb_problem *problem)
{
	return fb_fail(problem, "arguments", ENOMEM, "out of memory");
}

static int add_hook(struct fb_request *request, const char *hook, struct fb_problem *problem)
{
	char **hooks = realloc(request->hooks, (request->hook_count + 1) * sizeof(*hooks));

	if (!hooks)
		return no_memory(problem);
	request->hooks = hooks;
	hooks[request->hook_count] = strdup(hook);
	return hooks[request->hook_count++] ? 0 : no_memory(problem);
}

static struct fb_request *add(struct fb_requests *requests, const char *function, size_t length,
			      struct fb_problem *problem)
{
	struct fb_request *items = realloc(requests->items, (requests->count + 1) * sizeof(*items));

	if (items) {
		requests->items = items;
		items += requests->count++;
		*items = (struct fb_request){.function = strndup(function, length)};
	}
	if (items && items->function)
		return items;
	no_memory(problem);
	return NULL;
}

int fb_requests_add(struct fb_requests *requests, const char *word, struct fb_problem *problem)
{
	size_t length = strcspn(word, "=");
	struct fb_request *request;

	if (!length || (word[length] && !word[length + 1]))
		return fb_fail(problem, "arguments", 0, "--attach %s: want FUNCTION=HOOK", word);
	request = add(requests, word, length, problem);
	if (!request)
		return -ENOMEM;
	return word[length] ? add_hook(request, word + length + 1, problem) : 0;
}

int fb_requests_load(struct fb_requests *requests, const char *function, struct fb_problem *problem)
{
	struct fb_request *request = add(requests, function, strlen(function), problem);

	if (!request)
		return -ENOMEM;
	request->load = true;
	return 0;
}

static struct fb_request *last(struct fb_requests *requests, const char *option,
			       struct fb_problem *problem)
{
	if (requests->count && !requests->items[requests->count - 1].load)
		return &requests->items[requests->count - 1];
	fb_fail(problem, "arguments", 0, "%s belongs to an --attach: write that first", option);
	return NULL;
}

int fb_requests_or(struct fb_requests *requests, const char *hook, struct fb_problem *problem)
{
	struct fb_request *request = last(requests, "--or", problem);

	if (!request)
		return -EINVAL;
	if (!request->hook_count)
		return fb_fail(problem, "arguments", 0, "--or %s: want --attach %s=HOOK before it",
			       hook, request->function);
	return add_hook(request, hook, problem);
}

int fb_requests_optional(struct fb_requests *requests, struct fb_problem *problem)
{
	struct fb_request *request = last(requests, "--optional", problem);

	if (!request)
		return -EINVAL;
	request->optional = true;
	return 0;
}

int fb_requests_unless(struct fb_requests *requests, const char *function,
		       struct fb_problem *problem)
{
	struct fb_request *request = last(requests, "--unless", problem);

	if (!request)
		return -EINVAL;
	free(request->unless);
	request->unless = strdup(function);
	return request->unless ? 0 : no_memory(problem);
}

void fb_requests_free(struct fb_requests *requests)
{
	for (size_t i = 0; i < requests->count; i++) {
		struct fb_request *request = &requests->items[i];

		for (size_t j = 0; j < request->hook_count; j++)
			free(request->hooks[j]);
		free(request->hooks);
		free(request->function);
		free(request->unless);
	}
	free(requests->items);
	requests->items = NULL;
	requests->count = 0;
}
