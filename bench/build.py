"""Time of a build, cold and cached, beside the bare clang + bpftool + cc commands."""

import shutil
import tempfile
from pathlib import Path

import measuring
from bare import SOURCE, Bare
from measuring import Case

from fleetbpf.build.build import Builder
from fleetbpf.build.build_key import program_key
from fleetbpf.build.toolchain import Toolchain
from fleetbpf.model.recipe import Recipe


class Ours:
    """Builds into a cache of its own."""

    def __init__(self, folder: Path, toolchain: Toolchain) -> None:
        self.cache = folder / "cache"
        self.toolchain = toolchain
        self.source = folder / "src" / SOURCE.name
        self.source.parent.mkdir()
        self.edits = 0
        shutil.copy(SOURCE, self.source)
        self.recipe = Recipe(source=self.source)

    @property
    def builder(self) -> Builder:
        """One that has looked at nothing yet."""
        return Builder(self.toolchain, self.cache)

    def cold(self) -> float:
        """Nothing is there: the runtime is compiled as well."""
        shutil.rmtree(self.cache, ignore_errors=True)
        return self.cached()

    def edited(self) -> float:
        """The source has changed, the runtime is there."""
        self.edits += 1
        self.source.write_text(f"{SOURCE.read_text()}\n// {self.edits}\n")
        return self.cached()

    def cached(self) -> float:
        return measuring.wall_ms(lambda: self.builder.build(self.recipe))

    def key(self) -> float:
        return measuring.wall_ms(lambda: program_key(self.builder.inputs(self.recipe)))


def main() -> None:
    options = measuring.options(__doc__ or "")
    toolchain = Toolchain.find()
    with tempfile.TemporaryDirectory() as name:
        ours, bare = Ours(Path(name), toolchain), Bare(Path(name), toolchain)
        ways = {
            "cold build, runtime too": ours.cold,
            "build after an edit": ours.edited,
            "cached build": ours.cached,
            "build key, unchanged": ours.key,
        }
        cases = [
            Case(
                name=case,
                ours=way,
                peer=lambda: measuring.wall_ms(bare.build),
                peer_name="clang + bpftool + cc",
                unit="ms",
            )
            for case, way in ways.items()
        ]
        rounds = measuring.QUICK_ROUNDS if options.quick else measuring.ROUNDS
        results = measuring.measure(cases, rounds=rounds)
    measuring.tell(results, as_json=options.json)


if __name__ == "__main__":
    main()
