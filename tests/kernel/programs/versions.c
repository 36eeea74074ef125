// SPDX-License-Identifier: GPL-2.0-only
/* A library with two versions of `f`, of which V2 is the default, as libc has of pthread_create. */
__asm__(".symver old_f, f@V1\n.symver new_f, f@@V2");

__attribute__((noinline)) int old_f(void)
{
	return 1;
}

__attribute__((noinline)) int new_f(void)
{
	return 2;
}

/* Only old programs find it. */
__asm__(".symver gone, left@V1");

__attribute__((noinline)) int gone(void)
{
	return 3;
}

static int real(void)
{
	return 4;
}

static void *resolve(void)
{
	return (void *)real;
}

int chosen(void) __attribute__((ifunc("resolve")));
