// SPDX-License-Identifier: Apache-2.0
#include "events/ring_view.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define LENGTH (~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT))

int fb_ring_map(struct fb_ring_view *view, int fd, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *consumer, *producer;

	consumer = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (consumer == MAP_FAILED)
		return -errno;
	/* The producer's page, then the data; what the kernel has after that is the data again. */
	producer = mmap(NULL, page + size, PROT_READ, MAP_SHARED, fd, (off_t)page);
	if (producer == MAP_FAILED) {
		munmap(consumer, page);
		return -errno;
	}
	view->consumer = consumer;
	view->producer = producer;
	view->position = *view->consumer; /* nobody else writes it */
	view->data = (const unsigned char *)producer + page;
	view->size = size;
	return 0;
}

void fb_ring_unmap(struct fb_ring_view *view)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (view->consumer) {
		munmap(view->consumer, page);
		munmap((void *)view->producer, page + view->size);
	}
	fb_text_free(&view->straddler);
	memset(view, 0, sizeof(*view));
}

/* A record's bytes in one piece; NULL: no memory for one that straddles the ring's end. */
static const unsigned char *whole(struct fb_ring_view *view, size_t at, size_t length)
{
	size_t first = view->size - at;

	if (length <= first)
		return view->data + at;
	fb_text_cut(&view->straddler, 0);
	fb_text_add(&view->straddler, view->data + at, first);
	fb_text_add(&view->straddler, view->data, length - first);
	return view->straddler.failed ? NULL : (const unsigned char *)view->straddler.bytes;
}

static unsigned long readable(const struct fb_ring_view *view)
{
	unsigned long end = __atomic_load_n(view->producer, __ATOMIC_ACQUIRE);

	return view->bounded && end > view->bound ? view->bound : end;
}

/*
 * The order of loads and stores is that of the kernel's ringbuf.c: the producer's position is
 * published after a record's header with the busy bit, which goes when its bytes are written.
 */
size_t fb_ring_take(struct fb_ring_view *view, size_t most,
		    void (*take)(void *context, const unsigned char *bytes, size_t size),
		    void *context)
{
	const unsigned long start = view->position;
	unsigned long end = readable(view);

	while (view->position - start < most) {
		const unsigned long at = view->position;
		const unsigned char *header = view->data + (at & (view->size - 1));
		uint32_t length, size;

		if (at >= end) {
			end = readable(view);
			if (at >= end)
				break;
		}
		length = __atomic_load_n((const uint32_t *)header, __ATOMIC_ACQUIRE);
		if (length & BPF_RINGBUF_BUSY_BIT)
			break;
		size = length & LENGTH;
		if (!(length & BPF_RINGBUF_DISCARD_BIT) && size <= view->size)
			take(context,
			     whole(view, (at + BPF_RINGBUF_HDR_SZ) & (view->size - 1), size), size);
		view->position = at + (size + BPF_RINGBUF_HDR_SZ + 7) / 8 * 8;
	}
	return view->position - start;
}

/*
 * After the last load from the space that it gives back. The kernel wakes us for a record only when
 * it finds us right before it: to be called before each poll(2), which looks for itself first.
 */
void fb_ring_release(struct fb_ring_view *view)
{
	__atomic_store_n(view->consumer, view->position, __ATOMIC_RELEASE);
}
