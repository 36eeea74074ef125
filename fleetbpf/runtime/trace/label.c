// SPDX-License-Identifier: Apache-2.0
#include "trace/label.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/random.h>

#define PREFIX "fb@"

int fb_label_make(char label[FB_LABEL])
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
	unsigned char bytes[FB_LABEL];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return -errno;
	memcpy(label, FB_LABEL_BLANK, FB_LABEL);
	for (size_t i = strlen(PREFIX); i + 1 < FB_LABEL; i++)
		label[i] = digits[bytes[i] % (sizeof(digits) - 1)];
	return 0;
}

size_t fb_label_fill(struct bpf_object *object, const char label[FB_LABEL])
{
	const size_t length = FB_LABEL - 1;
	struct bpf_map *map;
	size_t filled = 0;

	bpf_object__for_each_map (map, object) {
		size_t size = 0;
		char *at = (char *)bpf_map__initial_value(map, &size);
		char *found, *end = at ? at + size : NULL;

		while (at && (found = memmem(at, (size_t)(end - at), FB_LABEL_BLANK, length))) {
			memcpy(found, label, length);
			at = found + length;
			filled++;
		}
	}
	return filled;
}

/* Whether the map behind `fd` has a label at `offset` of its initial value. */
static bool label_at(struct bpf_object *object, int fd, size_t offset)
{
	struct bpf_map *map;

	bpf_object__for_each_map (map, object) {
		size_t size = 0;
		const char *value;

		if (bpf_map__fd(map) != fd)
			continue;
		value = bpf_map__initial_value(map, &size);
		return value && offset + strlen(PREFIX) < size &&
		       !memcmp(value + offset, PREFIX, strlen(PREFIX));
	}
	return false;
}

static bool writes(const struct bpf_insn *insn, unsigned int reg)
{
	switch (BPF_CLASS(insn->code)) {
	case BPF_LD:
	case BPF_LDX:
	case BPF_ALU:
	case BPF_ALU64:
		return insn->dst_reg == reg;
	default:
		return false;
	}
}

/* The format is loaded straight before the call, perhaps by way of a saved register. */
static bool prints_label(struct bpf_object *object, const struct bpf_insn *insns, size_t call)
{
	unsigned int reg = BPF_REG_1;

	for (size_t i = call; i-- > 0;) {
		const struct bpf_insn *insn = &insns[i];

		if (!writes(insn, reg))
			continue;
		/* NOLINTNEXTLINE(misc-redundant-expression): two of the three are 0 */
		if (insn->code == (BPF_LD | BPF_IMM | BPF_DW))
			return insn->src_reg == BPF_PSEUDO_MAP_VALUE &&
			       label_at(object, insn->imm, (size_t)insns[i + 1].imm);
		if (insn->code != (BPF_ALU64 | BPF_MOV | BPF_X))
			return false;
		reg = insn->src_reg;
	}
	return false;
}

static bool prints(const struct bpf_insn *insn)
{
	return insn->code == (BPF_JMP | BPF_CALL) && insn->src_reg == 0 &&
	       (insn->imm == BPF_FUNC_trace_printk || insn->imm == BPF_FUNC_trace_vprintk);
}

bool fb_label_lacking(struct bpf_object *object)
{
	struct bpf_program *program;

	bpf_object__for_each_program (program, object) {
		const struct bpf_insn *insns = bpf_program__insns(program);
		size_t count = bpf_program__insn_cnt(program);

		if (bpf_program__fd(program) < 0)
			continue;
		for (size_t i = 0; i < count; i++)
			if (prints(&insns[i]) && !prints_label(object, insns, i))
				return true;
	}
	return false;
}
