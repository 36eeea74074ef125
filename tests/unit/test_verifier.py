"""The decisive lines of a verifier log."""

from fleetbpf.deploy.verifier import decisive

LOG = """\
func#0 @0
0: R1=ctx(off=0,imm=0) R10=fp0
; int fd = *(int *)p;
0: (b7) r1 = 0                        ; R1_w=0
R1_w=0
; return *(int *)0;
1: (61) r0 = *(u32 *)(r1 +0)
R1 invalid mem access 'scalar'
verification time 50 usec
stack depth 0
processed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
"""


def test_the_complaint_and_its_source_line_are_kept_and_the_statistics_are_not() -> None:
    told = decisive(LOG, lines=3)
    assert told.splitlines() == [
        "; return *(int *)0;",
        "1: (61) r0 = *(u32 *)(r1 +0)",
        "R1 invalid mem access 'scalar'",
    ]


def test_the_source_line_comes_along_from_further_up() -> None:
    assert decisive(LOG, lines=1).splitlines()[0] == "; return *(int *)0;"


def test_what_kernel_7_3_explains_below_the_complaint_is_left_away() -> None:
    explained = LOG.replace(
        "verification time",
        "\nVerification failed: Register Type Safety\n\nSuggestion:\n  Do.\n\nv",
    )
    assert decisive(explained) == decisive(LOG)


def test_an_empty_log_says_nothing() -> None:
    assert decisive("") == ""
