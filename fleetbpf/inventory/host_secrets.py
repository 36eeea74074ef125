"""The secrets in a host's variables: under which names they stand, and that nobody sees them."""

from collections.abc import Callable, Iterator, Mapping

from fleetbpf.connections.secret_commands import SecretCommands
from fleetbpf.documents.templating import is_template
from fleetbpf.model.become import BecomeMethod
from fleetbpf.secret import Deferred, Secret, SecretKind
from fleetbpf.wording import MisunderstoodError, kind, quoted

# The variables of each secret; the first one that is set counts, as with Ansible.
VARIABLES = {
    SecretKind.LOGIN: (
        "fleetbpf_password",
        "ansible_ssh_password",
        "ansible_ssh_pass",
        "ansible_password",
    ),
    SecretKind.BECOME: (
        "fleetbpf_become_password",
        "ansible_become_pass",
        "ansible_become_password",
    ),
    SecretKind.KEY: (
        "fleetbpf_key_passphrase",
        "ansible_ssh_private_key_passphrase",
        "ansible_private_key_passphrase",
    ),
}
COMMANDS = {each: f"fleetbpf_{each.value}_command" for each in SecretKind}
OF_METHOD = {method: f"ansible_{method.value}_pass" for method in BecomeMethod}
PRIVATE_KEYS = ("ansible_private_key", "ansible_ssh_private_key")
OWN_VARIABLES = [*(names[0] for names in VARIABLES.values()), *COMMANDS.values()]
CONCEALED = frozenset(
    (*(name for names in VARIABLES.values() for name in names), *OF_METHOD.values(), *PRIVATE_KEYS)
)

Values = Mapping[str, object]
Render = Callable[[object], object]


def conceal(name: str, value: object) -> object:
    """A variable's value, hidden if its name says that it is a secret; templates hide nothing."""
    if name not in CONCEALED or value is None or isinstance(value, Secret):
        return value
    if isinstance(value, str) and is_template(value):
        return value
    return Deferred(lambda: text(value))


def secrets(
    values: Values,
    render: Render,
    command_line: Render,
    commands: SecretCommands,
    *,
    method: BecomeMethod,
) -> dict[SecretKind, Secret]:
    """The secrets of one host; nothing is decrypted or run before it is needed.

    command_line: renders what a shell is told, and refuses values that would be more than words.
    """
    found: dict[SecretKind, Secret] = {}
    for each in SecretKind:
        for name in names(each, method):
            if values.get(name) is None:
                continue
            if name == COMMANDS[each]:
                found[each] = deferred(name, values[name], command_line, commands.secret)
            else:
                found[each] = deferred(name, values[name], render, str)
            break
    return found


def names(wanted: SecretKind, method: BecomeMethod) -> Iterator[str]:
    """The variables of a secret in the order in which they count."""
    own, *foreign = VARIABLES[wanted]
    yield own
    yield COMMANDS[wanted]
    if wanted is SecretKind.BECOME:
        yield OF_METHOD[method]
    yield from foreign


def deferred(name: str, value: object, render: Render, secret: Callable[[str], str]) -> Secret:
    """The secret that is made of a variable's value."""

    def find() -> str:
        try:
            return secret(text(render(value)))
        except MisunderstoodError as error:
            raise MisunderstoodError(f"{quoted(name)}: {error.what}", error.hint) from error

    return Deferred(find)


def text(value: object) -> str:
    """A secret as text: INI makes numbers of some."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise MisunderstoodError(f"expected a string, found {kind(value)}", "put it in quotes")
    if not str(value) or "\n" in str(value):
        raise MisunderstoodError("holds a line break" if value else "is empty")
    return str(value)
