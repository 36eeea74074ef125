"""The builders of one run: one per architecture, and everything built once, whoever asks."""

import os
import threading
from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from fleetbpf.build.build import Artifact, Builder, Executable
from fleetbpf.build.build_key import Inputs
from fleetbpf.build.kernel_btf import KernelBtf
from fleetbpf.build.toolchain import Toolchain
from fleetbpf.connections.crew import Crew, Slot
from fleetbpf.errors import BuildError
from fleetbpf.execution.local import LocalConnection
from fleetbpf.model.architecture import Architecture
from fleetbpf.model.recipe import Recipe

if TYPE_CHECKING:
    from fleetbpf.debian.archive import Say

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Once(Generic[Key, Value]):
    """A function that is called once per argument; its result, or its error, is for all threads."""

    def __init__(self, function: Callable[[Key], Value]) -> None:
        self._function = function
        self._futures: dict[Key, Future[Value]] = {}
        self._lock = threading.Lock()

    def is_known(self, key: Key) -> bool:
        """Whether there is a result for `key`, and no error."""
        future = self._futures.get(key)
        return future is not None and future.done() and future.exception() is None

    def __call__(self, key: Key) -> Value:
        """The result for `key`; waits for the thread that asked first."""
        with self._lock:
            known = key in self._futures
            future = self._futures.setdefault(key, Future())
        if not known:
            try:
                future.set_result(self._function(key))
            except BaseException as error:
                future.set_exception(error)
                raise
        return future.result()


class Builders:
    """Builds for any architecture; a toolchain is looked for when the first build needs it."""

    def __init__(
        self,
        *,
        cache: Path | None = None,
        header_folders: tuple[Path, ...] = (),
        colour: bool = False,
        jobs: int | None = None,
        say: "Say" = lambda _: None,
    ) -> None:
        self._jobs = jobs or os.cpu_count() or 1
        self._slots = threading.Semaphore(self._jobs)
        self._builder = Once[Architecture, Builder](
            lambda architecture: Builder(
                Toolchain.find(architecture, say=say),
                cache,
                header_folders=header_folders,
                colour=colour,
            )
        )
        self.artifact = Once[Recipe, Artifact](self._build)
        self.inputs = Once[Recipe, Inputs](
            lambda recipe: self._builder(recipe.architecture).inputs(recipe)
        )
        self.inspector = Once[Architecture, Executable](
            lambda architecture: self._builder(architecture).inspector()
        )

    def build_all(self, recipes: Iterable[Recipe]) -> dict[Recipe, Artifact]:
        """The artifacts of all `recipes`.

        Raises one BuildError with the problems of all that failed.
        """
        wanted = tuple(dict.fromkeys(recipes))
        if all(map(self.artifact.is_known, wanted)):
            return {recipe: self.artifact(recipe) for recipe in wanted}
        crew = Crew([partial(self._in_turn, recipe) for recipe in wanted], threads=self._jobs)
        try:
            errors = [future.exception() for future in crew.futures]
        except BaseException:  # Ctrl-C: begin nothing more, and end what has begun
            crew.dismiss()
            LocalConnection.close_all()
            raise
        raise_together(errors)
        return {recipe: self.artifact(recipe) for recipe in wanted}

    def cut_btf(self, recipe: Recipe, kernel: KernelBtf) -> bytes:
        """What the recipe's object needs of a kernel's BTF; b"" = nothing."""
        return self._builder(recipe.architecture).cut_btf(self.artifact(recipe), kernel)

    def _in_turn(self, recipe: Recipe, _: Slot) -> Artifact:
        return self.artifact(recipe)

    def _build(self, recipe: Recipe) -> Artifact:
        builder = self._builder(recipe.architecture)
        with self._slots:
            return builder.build(recipe)


def raise_together(errors: Iterable[BaseException | None]) -> None:
    """Raise the errors of several builds: one BuildError, or whatever else there is."""
    found = [error for error in errors if error is not None]
    for error in found:
        if not isinstance(error, BuildError):
            raise error
    problems = (
        problem for error in found if isinstance(error, BuildError) for problem in error.problems
    )
    BuildError.raise_if_any(dict.fromkeys(problems))
