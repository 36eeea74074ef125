"""The last words of a command over hosts."""

import pytest

from fleetbpf.cli import recap
from fleetbpf.cli.output import Output
from fleetbpf.errors import BuildError, Problem


def test_what_several_hosts_share_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    error = BuildError(Problem(where="", what="no libraries for arm64"))
    recap.tell(Output(), [recap.of_error(host, error) for host in ("arm1", "arm2")])
    said = capsys.readouterr()
    assert said.err == "no libraries for arm64\n"
    assert [line.split()[0] for line in said.out.splitlines()] == ["arm1", "arm2"]
