"""Which hosts a lab has: what is asked for, what exists, what contradicts."""

import pytest

from fleetbpf.errors import InputError
from fleetbpf.lab.hosts import HostKind, LabHost, choose, default_fleet, one_of_each, parse
from fleetbpf.model.architecture import Architecture

WEB1 = LabHost(name="web1", kind=HostKind.DEBIAN, series="6.1")
EDGE1 = LabHost(name="edge1", kind=HostKind.MICRO, series="5.10")


def test_a_host_is_a_name_a_kind_and_a_series() -> None:
    assert parse("edge1=micro:5.10") == EDGE1


def test_a_micro_host_may_have_another_architecture() -> None:
    host = parse("arm1=micro:6.1:arm64")
    assert host.architecture is Architecture.ARM64
    assert parse(str(host)) == host


def test_a_debian_host_has_the_architecture_of_this_machine() -> None:
    other = next(each for each in Architecture if each is not Architecture.usual())
    with pytest.raises(InputError, match="only micro may differ"):
        parse(f"web1=debian:6.1:{other}")


def test_a_host_without_a_series_gets_the_usual_one() -> None:
    assert parse("web1=debian") == WEB1


@pytest.mark.parametrize(
    "text",
    [
        *("web1", "=debian:6.1", "web1=fedora:6.1", "web1=debian:six", "web1=debian:6.1.2"),
        *(
            "Web1=debian:6.1",
            "../x=debian:6.1",
            "a b=micro:6.1",
            "-a=micro:6.1",
            "a=micro:6.1\n",
            "a=micro:6.1:vax",
        ),
    ],
)
def test_a_host_that_cannot_be_understood_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(text)
    assert "web1=debian:6.1" in caught.value.problems[0].hint


def test_the_default_fleet_has_both_kinds_and_several_kernels() -> None:
    assert list(map(str, default_fleet(3))) == [
        "web1=debian:6.1",
        "edge1=micro:5.10",
        "edge2=micro:6.12",
    ]


def test_one_kernel_can_be_asked_for_all_hosts() -> None:
    assert {host.series for host in default_fleet(6, "7.3")} == {"7.3"}


def test_a_pre_flight_has_each_series_once() -> None:
    hosts = one_of_each(["5.10", "6.1", "5.10"])
    assert [str(host) for host in hosts] == ["kernel-5-10=micro:5.10", "kernel-6-1=micro:6.1"]


def test_a_pre_flight_may_ask_for_other_architectures() -> None:
    arm64, x86_64 = one_of_each(["6.1:arm64", "6.1:x86_64"])
    assert (arm64.name, arm64.architecture) == ("kernel-6-1-arm64", Architecture.ARM64)
    assert (x86_64.name, x86_64.architecture) == ("kernel-6-1-x86-64", Architecture.X86_64)


def test_nothing_asked_for_keeps_the_hosts_that_exist() -> None:
    assert choose(existing=[EDGE1], named=[], count=None, series=None) == (EDGE1,)


def test_nothing_asked_for_and_nothing_there_is_the_default_fleet() -> None:
    assert choose(existing=[], named=[], count=None, series=None) == default_fleet(3)


def test_named_hosts_alone_are_the_whole_fleet() -> None:
    assert choose(existing=[], named=[EDGE1], count=None, series=None) == (EDGE1,)


def test_named_hosts_join_those_that_exist() -> None:
    assert choose(existing=[WEB1], named=[EDGE1], count=None, series=None) == (WEB1, EDGE1)


def test_a_host_does_not_become_another_one_in_silence() -> None:
    other = LabHost(name="web1", kind=HostKind.MICRO, series="6.1")
    with pytest.raises(InputError, match=r"is web1=debian:6\.1 in this lab, not web1=micro:6\.1"):
        choose(existing=[WEB1], named=[other], count=None, series=None)


def test_one_name_for_two_hosts_is_refused() -> None:
    other = LabHost(name="edge1", kind=HostKind.MICRO, series="6.1")
    with pytest.raises(InputError, match="edge1"):
        choose(existing=[], named=[EDGE1, other], count=None, series=None)
