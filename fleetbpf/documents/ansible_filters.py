"""Ansible's filters for templates: its names and its results, without its endless ones.

Each is a function of its arguments alone; `jinja` counts what goes in and what comes out, and here
is counted what goes through. Regular expressions end in time (`expressions`).
"""

import base64
import hashlib
import json
import posixpath
import re
import uuid
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any

import yaml
from jinja2 import Undefined, pass_environment
from jinja2.environment import Environment
from jinja2.filters import do_unique

from fleetbpf.documents import expressions, ip_filters, metering
from fleetbpf.wording import MisunderstoodError, kind, listed, quoted

TRUE, FALSE = ("yes", "on", "true", "1"), ("no", "off", "false", "0")
OF_ANSIBLE = uuid.UUID("361E6D51-FAEC-444A-9079-341386DA8E2E")  # its namespace for names
LONGEST_YAML = 100_000  # characters: PyYAML needs seconds for some more
GROUP = re.compile(r"\\(?:g<(?P<name>[^>\s]+)>|(?P<number>[0-9]{1,3}))")


def text(value: object) -> str:
    """A value as text."""
    return value.decode() if isinstance(value, bytes) else str(value)


def refuse(what: str) -> MisunderstoodError:
    """What is wrong with the arguments of a filter."""
    return MisunderstoodError(what)


# --- paths and texts ---


def path_join(paths: object) -> str:
    """Parts of a path, or one path, as one path."""
    return posixpath.join(*([paths] if isinstance(paths, str) else map(str, sequence(paths))))


def split(value: str, separator: str | None = None, most: int = -1) -> list[str]:
    """The parts of a text."""
    return value.split(separator, most)


def regex_replace(  # noqa: PLR0917 (Ansible's arguments)
    value: object = "",
    pattern: str = "",
    replacement: str = "",
    ignorecase: bool = False,  # noqa: FBT001, FBT002
    multiline: bool = False,  # noqa: FBT001, FBT002
    count: int = 0,
    mandatory_count: int = 0,
) -> str:
    """`re.sub`."""
    flags = expressions.flags(ignorecase=ignorecase, multiline=multiline)
    asked = expressions.Replace(pattern=pattern, flags=flags, new=replacement, count=count)
    found, times = expressions.replaced(asked, text(value))
    if mandatory_count and mandatory_count != times:
        raise refuse(f"{quoted(pattern)} matches {times} times, not {mandatory_count}")
    return found


def regex_findall(
    value: object,
    regex: str,
    multiline: bool = False,  # noqa: FBT001, FBT002
    ignorecase: bool = False,  # noqa: FBT001, FBT002
) -> list[Any]:
    """`re.findall`."""
    flags = expressions.flags(ignorecase=ignorecase, multiline=multiline)
    return expressions.found(regex, flags, text(value))


def regex_search(value: object, regex: str, *groups: str, **flags: bool) -> object:
    """What the expression matches, or its groups; None where it does not."""
    named = [GROUP.match(group) for group in groups]
    if not all(named) or flags.keys() - {"ignorecase", "multiline"}:
        raise refuse(r"expected groups as \1 or \g<name>, ignorecase and multiline")
    wanted = [each["name"] or int(each["number"]) for each in named if each]
    return expressions.searched(regex, expressions.flags(**flags), text(value), wanted)


# --- other forms ---


def b64encode(value: object, encoding: str = "utf-8", urlsafe: bool = False) -> str:  # noqa: FBT001, FBT002
    """Base64 of a text."""
    encode = base64.urlsafe_b64encode if urlsafe else base64.b64encode
    return encode(text(value).encode(encoding)).decode()


def b64decode(value: object, encoding: str = "utf-8", urlsafe: bool = False) -> str:  # noqa: FBT001, FBT002
    """The text in base64."""
    decode = base64.urlsafe_b64decode if urlsafe else base64.b64decode
    return decode(text(value).encode()).decode(encoding)


def hashed(value: object, hashtype: str = "sha1") -> str:
    """A hash of a text, in hex."""
    if hashtype not in hashlib.algorithms_guaranteed or hashtype.startswith("shake"):
        known = sorted(n for n in hashlib.algorithms_guaranteed if not n.startswith("shake"))
        raise MisunderstoodError(f"there is no hash {quoted(hashtype)}", f"known: {listed(known)}")
    return hashlib.new(hashtype, text(value).encode(), usedforsecurity=False).hexdigest()


def to_uuid(value: object, namespace: str = str(OF_ANSIBLE)) -> str:
    """A UUID of a name."""
    return str(uuid.uuid5(uuid.UUID(namespace), text(value)))


def to_json(value: object, **form: Any) -> str:
    """JSON; `form` is as json.dumps takes it."""
    strange = form.keys() - {"indent", "sort_keys", "ensure_ascii", "separators"}
    if strange:
        raise refuse(f"to_json takes no {listed(sorted(strange))}")
    return json.dumps(value, **form)


def to_nice_json(value: object, indent: int = 4, sort_keys: bool = True, **form: Any) -> str:  # noqa: FBT001, FBT002
    """JSON for people."""
    form.pop("separators", None)
    return to_json(value, indent=indent, sort_keys=sort_keys, separators=(",", ": "), **form)


def from_json(value: str) -> object:
    """What JSON says."""
    return json.loads(value)


def to_yaml(
    value: object,
    default_flow_style: bool | None = None,  # noqa: FBT001
    **form: Any,
) -> str:
    """YAML in few lines."""
    strange = form.keys() - {"indent", "sort_keys", "width", "explicit_start"}
    if strange:
        raise refuse(f"to_yaml takes no {listed(sorted(strange))}")
    plain = json.loads(json.dumps(value))  # written out, without aliases and marked texts
    metering.made(plain)
    return str(
        yaml.safe_dump(plain, allow_unicode=True, default_flow_style=default_flow_style, **form)
    )


def to_nice_yaml(value: object, indent: int = 4, **form: Any) -> str:
    """YAML for people."""
    return to_yaml(
        value, default_flow_style=form.pop("default_flow_style", False), indent=indent, **form
    )


def from_yaml(value: object) -> object:
    """What YAML says."""
    if not isinstance(value, str):
        return value
    if len(value) > LONGEST_YAML:
        raise metering.TooMuchError(f"YAML of more than {LONGEST_YAML} characters")
    return yaml.safe_load(value)


def to_bool(value: object) -> bool:
    """Whether a value is one of those that mean yes."""
    word = str(value).lower() if isinstance(value, str | int) else value
    return word in TRUE if isinstance(word, str) else word == 1


def ternary(value: object, yes: object, no: object, none: object = None) -> object:
    """One of two values, or of three."""
    if value is None and none is not None:
        return none
    return yes if value else no


def mandatory(value: object, message: str | None = None) -> object:
    """A value that must be there."""
    if not isinstance(value, Undefined):
        return value
    name = getattr(value, "_undefined_name", None)
    raise refuse(message or f"the variable {quoted(str(name))} is mandatory, and not defined")


# --- lists and mappings ---


def sequence(value: object) -> list[Any]:
    """A list; MisunderstoodError for what is none."""
    if not isinstance(value, list | tuple | range):
        raise refuse(f"expected a list, found {kind(value)}")
    return list(value)


def mapping(value: object) -> Mapping[Any, Any]:
    """A mapping; MisunderstoodError for what is none."""
    if not isinstance(value, Mapping):
        raise refuse(f"expected a mapping, found {kind(value)}")
    return value


def contained(items: Iterable[object], others: Iterable[object], *, within: bool) -> list[object]:
    """The items that are among the others, or are not; each once where hashes can tell."""
    items, others = list(items), list(others)
    if all(isinstance(each, Hashable) and hashable(each) for each in (*items, *others)):
        known = set(others)
        return [each for each in dict.fromkeys(items) if (each in known) is within]
    metering.spend(len(items) * len(others) * metering.EACH)
    return once(each for each in items if (each in others) is within)


def hashable(value: object) -> bool:
    """Whether a value can be found by its hash: a tuple of lists cannot."""
    try:
        hash(value)
    except TypeError:
        return False
    return True


def once(items: Iterable[object]) -> list[object]:
    """Each of some items once, compared with all others."""
    found: list[object] = []
    for each in items:
        metering.spend(len(found))
        if each not in found:
            found.append(each)
    return found


def union(items: object, others: object) -> list[object]:
    """All of two lists, each once."""
    both = [*sequence(items), *sequence(others)]
    return list(dict.fromkeys(both)) if all(map(hashable, both)) else once(both)


def intersect(items: object, others: object) -> list[object]:
    """What is in both."""
    return contained(sequence(items), sequence(others), within=True)


def difference(items: object, others: object) -> list[object]:
    """What is in the first only."""
    return contained(sequence(items), sequence(others), within=False)


def symmetric_difference(items: object, others: object) -> list[object]:
    """What is in one only."""
    return [*difference(items, others), *difference(others, items)]


@pass_environment
def unique(
    environment: Environment,
    items: Any,
    case_sensitive: bool | None = None,  # noqa: FBT001
    attribute: str | int | None = None,
) -> list[object]:
    """Each once; Jinja2's own takes a and A for the same, and Ansible's does too."""
    items = list(items)
    if not all(map(hashable, items)) and attribute is None and case_sensitive is not False:
        return once(items)
    return list(do_unique(environment, items, bool(case_sensitive), attribute))


def flatten(items: object, levels: int | None = None, skip_nulls: bool = True) -> list[object]:  # noqa: FBT001, FBT002
    """The items of lists in a list."""
    found: list[object] = []
    for each in sequence(items):
        if skip_nulls and each in (None, "None", "null"):
            continue
        if isinstance(each, list | tuple) and (levels is None or levels >= 1):
            found += flatten(each, None if levels is None else levels - 1, skip_nulls)
        else:
            found.append(each)
    return found


def dict2items(value: object, key_name: str = "key", value_name: str = "value") -> list[object]:
    """The pairs of a mapping."""
    return [{key_name: key, value_name: each} for key, each in mapping(value).items()]


def items2dict(items: object, key_name: str = "key", value_name: str = "value") -> dict[Any, Any]:
    """A mapping of pairs."""
    pairs = [mapping(each) for each in sequence(items)]
    if not all(each.keys() >= {key_name, value_name} for each in pairs):
        raise refuse(f"each must have {quoted(key_name)} and {quoted(value_name)}")
    return {each[key_name]: each[value_name] for each in pairs}


def subelements(value: object, path: object, skip_missing: bool = False) -> list[object]:  # noqa: FBT001, FBT002
    """Each element with each item of a list in it."""
    elements = list(value.values()) if isinstance(value, Mapping) else sequence(value)
    keys = path.split(".") if isinstance(path, str) else sequence(path)
    found: list[object] = []
    for element in elements:
        inner = element
        for key in keys:
            if key not in mapping(inner) and not skip_missing:
                raise refuse(f"an element has no {quoted(str(key))}")
            inner = mapping(inner).get(key)
            if inner is None:
                break
        found += [(element, each) for each in sequence(inner or [])]
    return found


@pass_environment
def extract(environment: Environment, key: object, container: Any, more: object = None) -> object:
    """What a container has by a key, or by several."""
    keys = [key, *(more if isinstance(more, list) else () if more is None else (more,))]
    found = container
    for each in keys:
        found = environment.getitem(found, each)
    return found


def combine(*terms: object, recursive: bool = False, list_merge: str = "replace") -> object:
    """Mappings as one, the later ones winning."""
    if list_merge not in MERGES:
        hint = f"known: {listed([*MERGES])}"
        raise MisunderstoodError(f"there is no list_merge {quoted(list_merge)}", hint)
    given = [mapping(each) for each in flatten(terms, 1)]
    result: Mapping[Any, Any] = given[0] if given else {}
    for each in given[1:]:
        result = merged(result, each, recursive=recursive, lists=list_merge)
    return result


def merged(
    old: Mapping[Any, Any], new: Mapping[Any, Any], *, recursive: bool, lists: str
) -> dict[Any, Any]:
    """Two mappings as one."""
    metering.spend((len(old) + len(new)) * metering.EACH)
    result = dict(old)
    for key, value in new.items():
        was = result.get(key)
        if recursive and isinstance(was, Mapping) and isinstance(value, Mapping):
            result[key] = merged(was, value, recursive=True, lists=lists)
        elif isinstance(was, list) and isinstance(value, list):
            result[key] = MERGES[lists](was, value)
        else:
            result[key] = value
    return result


def without(items: list[Any], others: list[Any]) -> list[Any]:
    """The items that are not among the others; twice stays twice."""
    metering.spend(len(items) * len(others) * metering.EACH)
    return [each for each in items if each not in others]


# Of two lists at one key, the old and the new.
MERGES: Mapping[str, Callable[[list[Any], list[Any]], list[Any]]] = {
    "replace": lambda _, new: new,
    "keep": lambda old, _: old,
    "append": lambda old, new: old + new,
    "prepend": lambda old, new: new + old,
    "append_rp": lambda old, new: without(old, new) + new,
    "prepend_rp": lambda old, new: new + without(old, new),
}

FILTERS: Mapping[str, Callable[..., Any]] = {
    "basename": lambda path: posixpath.basename(text(path)),
    "dirname": lambda path: posixpath.dirname(text(path)),
    "normpath": lambda path: posixpath.normpath(text(path)),
    "splitext": lambda path: posixpath.splitext(text(path)),
    "md5": lambda value: hashed(value, "md5"),
    "sha1": hashed,
    "checksum": hashed,
    "hash": hashed,
    "bool": to_bool,
    "regex_escape": lambda value: re.escape(text(value)),
    "zip": lambda *lists: list(zip(*lists, strict=False)),
    **{
        each.__name__: each
        for each in (
            *(b64decode, b64encode, combine, dict2items, difference, extract, flatten, from_json),
            *(from_yaml, intersect, items2dict, mandatory, path_join, regex_findall),
            *(regex_replace, regex_search, split, subelements, symmetric_difference, ternary),
            *(to_json, to_nice_json, to_nice_yaml, to_uuid, to_yaml, union, unique),
        )
    },
    **ip_filters.FILTERS,
}

# By their full names as well; Jinja2's own among them have one in Ansible.
COLLECTIONS: Mapping[str, tuple[str, ...]] = {
    "ansible.builtin": (*FILTERS.keys() - ip_filters.FILTERS, "default", "d", "int", "quote"),
    "ansible.utils": tuple(ip_filters.FILTERS),
    "ansible.netcommon": tuple(ip_filters.FILTERS),
}
