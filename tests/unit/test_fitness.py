"""What keeps a host from holding or starting loaders, and where fleetbpf's folder may be."""

from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from fleetbpf.errors import InputError
from fleetbpf.inventory import inventory
from fleetbpf.model.facts import Unfit
from fleetbpf.model.layout import HostLayout
from fleetbpf.plan import plan
from tests.unit import samples

OPT = "/opt/fleetbpf"


def told(kind: Unfit, place: str, root: str = "/var/lib/fleetbpf") -> list[tuple[str, str]]:
    """What a plan says of a host that tells this."""
    release = replace(samples.release(), layout=HostLayout(root=PurePosixPath(root)))
    facts = samples.host_facts(unfit={kind: place})
    found = plan.obstacles("web1", release, facts, samples.description())
    return [(problem.what, problem.hint) for problem in found]


@pytest.mark.parametrize(
    ("kind", "place", "root", "what", "hint"),
    [
        (
            *(Unfit.NOEXEC, "/var/lib", "/var/lib/fleetbpf"),
            "no loader can be executed in /var/lib/fleetbpf: /var/lib is mounted noexec",
            "mount -o remount,exec /var/lib; or set `fleetbpf_root`",
        ),
        (
            *(Unfit.READ_ONLY, "/opt", OPT),
            "nothing can be placed in /opt/fleetbpf: /opt is mounted read-only",
            "mount -o remount,rw /opt; or set `fleetbpf_root`",
        ),
        (
            *(Unfit.READ_ONLY_UNITS, "/etc", OPT),
            "no unit can be placed in /etc/systemd/system: /etc is mounted read-only",
            "mount -o remount,rw /etc",
        ),
        (
            *(Unfit.READ_ONLY_RUN, "/run", OPT),
            "no loader can tell its state in /run/fleetbpf: /run is mounted read-only",
            "mount -o remount,rw /run",
        ),
        (
            *(Unfit.NO_PARENT, "/srv/data", "/srv/data/fleetbpf"),
            "/srv/data/fleetbpf cannot be made: there is no /srv/data",
            "make it there",
        ),
        (
            *(Unfit.ELSEWHERE, "/var/lib/fleetbpf", OPT),
            "fleetbpf is in /var/lib/fleetbpf there, and /opt/fleetbpf is asked for",
            "first `fleetbpf destroy` with fleetbpf_root=/var/lib/fleetbpf",
        ),
    ],
    ids=lambda value: value.name if isinstance(value, Unfit) else "",
)
def test_what_is_unfit_is_an_obstacle_with_its_cure(
    *, kind: Unfit, place: str, root: str, what: str, hint: str
) -> None:
    ((said, cure),) = told(kind, place, root)
    assert said == what
    assert cure.startswith(hint)


@pytest.mark.parametrize("kind", [Unfit.NO_TRACEFS, Unfit.NO_BPFFS])
def test_what_fleetbpf_mounts_itself_is_no_obstacle(kind: Unfit) -> None:
    assert told(kind, "/sys/fs/bpf") == []


def fleet(text: str, root: str = "/var/lib/fleetbpf") -> dict[str, str]:
    """The root of each host."""
    read = inventory.read_text(text, Path("/fleet/hosts.yml")).rooted(PurePosixPath(root))
    return {name: str(HostLayout().at(host.root).root) for name, host in read.hosts.items()}


def test_each_host_has_the_root_of_the_inventory_or_else_of_the_settings() -> None:
    text = """
    all:
      vars: {data: /srv}
      children:
        hard:
          vars: {fleetbpf_root: "{{ data }}/fleetbpf"}
          hosts: {web1: , web2: {fleetbpf_root: /opt/b}}
        soft: {hosts: {db1: }}
    """
    assert fleet(text) == {"web1": "/srv/fleetbpf", "web2": "/opt/b", "db1": "/var/lib/fleetbpf"}
    assert fleet(text, OPT)["db1"] == OPT


@pytest.mark.parametrize(
    "root",
    [
        *(
            "fleetbpf",
            "/",
            "/opt",
            "/opt/",
            "/opt/../etc",
            "/opt/.",
            "/opt//x",
            "//opt/x",
            "/opt/x/",
        ),
        *("/opt/a b", "/opt/%i", "/opt/$HOME", "/opt/a'b", "/opt/a:b", "/opt/é", "~/fleetbpf"),
        *("/tmp/fleetbpf", "/home/ann/fleetbpf", "/run/fleetbpf", "/proc/1/root", "/dev/shm/x"),
        *("/opt/" + "x" * 100, "/a/b/c/d/e/f/g/h/i"),
    ],
)
def test_what_is_no_folder_for_fleetbpf_is_refused_where_it_stands(root: str) -> None:
    with pytest.raises(InputError) as refused:
        fleet(f"all: {{hosts: {{web1: {{fleetbpf_root: {root!r}}}}}}}")
    (problem,) = refused.value.problems
    assert problem.where.startswith("/fleet/hosts.yml:1:")
    assert "is no folder for fleetbpf" in problem.what
    assert "/opt/fleetbpf" in problem.hint


def test_a_release_names_the_root_of_its_host() -> None:
    release = replace(samples.release(), layout=HostLayout(root=PurePosixPath(OPT)))
    assert f"ExecStart={OPT}/demo/" in release.unit.decode()
    assert f"RequiresMountsFor={OPT}\n" in release.unit.decode()
    spool = release.arguments()[release.arguments().index("--spool") + 1]
    assert spool.startswith(f"{OPT}/demo/")
    assert release.id == samples.release().id
