"""Prometheus' text format, read with the strict parser of Prometheus' own client library."""

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec

from tests.tools import absent


@dataclass(frozen=True, kw_only=True)
class Sample:
    name: str
    labels: dict[str, str]
    value: float


@dataclass(frozen=True, kw_only=True)
class Family:
    name: str
    type: str
    documentation: str
    samples: list[Sample]


def families(text: str) -> list[Family]:
    """All metrics in `text`; it raises for anything that is not the format."""
    if find_spec("prometheus_client") is None:
        absent("missing here: prometheus_client (./dev setup installs it)")
    found = import_module("prometheus_client.parser").text_string_to_metric_families(text)
    return [
        Family(
            name=each.name,
            type=each.type,
            documentation=each.documentation,
            samples=[
                Sample(name=s.name, labels=dict(s.labels), value=s.value) for s in each.samples
            ],
        )
        for each in found
    ]


def samples(text: str) -> list[Sample]:
    """The samples of all metrics in `text`."""
    return [sample for family in families(text) for sample in family.samples]
