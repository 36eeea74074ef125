"""Where a deployment comes from: which manifest, told apart from others of the same name."""

import json

from fleetbpf.frozen import frozen


@frozen
class Origin:
    """A manifest as hosts remember it; the fields are plain text on one line."""

    id: str = ""  # the manifest's own `id:`
    repository: str = ""  # the git repository that it lies in, by its remote's path: acme/fleet
    path: str = ""  # the manifest's path in there
    file: str = ""  # its path on the machine of whoever applied it last
    who: str = ""  # that was: user@machine

    def is_same(self, other: "Origin") -> bool:
        """Whether both are one manifest: by what does not depend on the machine, if both say that.

        An `id` counts where both have one, and the place in a repository where both are in one.
        """
        if self.id and other.id:
            return self.id == other.id
        if self.repository and other.repository:
            return (self.repository, self.path) == (other.repository, other.path)
        return self.file == other.file

    def is_noted_by(self, other: "Origin | None") -> bool:
        """Whether a host that remembers `other` needs not be told this one."""
        if other is None or not self.is_same(other):
            return False
        return (self.id, self.repository) == (other.id, other.repository)

    @property
    def line(self) -> str:
        """What a host keeps, as one line of JSON."""
        names = ("id", "repository", "path", "file", "who")
        return json.dumps({name: getattr(self, name) for name in names})

    def __str__(self) -> str:
        told = f"`{self.file}`" if self.file else "a manifest that nobody knows"
        told += f" with the id `{self.id}`" if self.id else ""
        return told + (f" in the repository {self.repository}" if self.repository else "")
