// SPDX-License-Identifier: GPL-2.0-only
/* The same, with another struct in a map of the same name. */
#define WIDER
#include "shared.bpf.c"
