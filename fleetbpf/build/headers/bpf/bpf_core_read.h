/* SPDX-License-Identifier: Apache-2.0 */
/* libbpf's bpf_core_read.h, which from 1.2 on brings bpf_helpers.h along: programs rely on it. */
#ifndef FLEETBPF_BPF_CORE_READ_H
#define FLEETBPF_BPF_CORE_READ_H

#include_next <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#endif
