"""Keys that prove who is connecting, in files: what they are, and their public parts."""

import base64
import binascii
import io
import os
import stat
import struct
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from paramiko import ECDSAKey, Ed25519Key, Message, PKey, RSAKey, SSHException

from fleetbpf.errors import InputError, Problem
from fleetbpf.frozen import frozen

# What cryptography has for keys that are none; the last for points of curves in a rare form.
UNREADABLE = (ValueError, UnsupportedAlgorithm, NotImplementedError)
PRIVATE = b"PRIVATE KEY-----"  # in the first line of every format
OTHERS = stat.S_IRWXG | stat.S_IRWXO
DSA = "ssh-dss"
# Of encrypted keys, those that cryptography undoes; "" is a PEM file's.
CIPHERS = ("", "aes256-ctr", "aes256-cbc", "aes256-gcm@openssh.com")
MAGIC = b"openssh-key-v1\0"  # OpenSSH's PROTOCOL.key


@frozen
class Identity:
    """A key to authenticate with, and where it is from."""

    source: str  # a file's path, or "agent"
    key: PKey

    @property
    def shown(self) -> bytes:
        """What a host sees of it first: the certificate that goes with the key, or the bare key."""
        certificate = self.key.public_blob
        return self.key.asbytes() if certificate is None else bytes(certificate.key_blob)


class EncryptedKeyError(InputError):
    """A key file needs a passphrase; an agent may hold the key."""

    def __init__(self, path: Path, public: bytes) -> None:
        super().__init__(
            Problem(
                where=str(path),
                what="the key is encrypted, and no agent holds it",
                hint=f"hand it to an agent: eval $(ssh-agent); ssh-add {path}; "
                "or give its passphrase: FLEETBPF_KEY_PASSPHRASE, fleetbpf_key_passphrase",
            )
        )
        self.path = path
        self.public = public  # on the wire; empty when it cannot be told


class AgentsKeyError(InputError):
    """A file that stands for a key which only an agent can use, and none holds it."""

    def __init__(self, path: Path, what: str) -> None:
        hint = f"hand the private key to an agent: eval $(ssh-agent); ssh-add {private(path)}"
        super().__init__(Problem(where=str(path), what=what, hint=hint))


class WrongPassphraseError(InputError):
    """The passphrase does not open the key."""

    def __init__(self, path: Path) -> None:
        what = "the passphrase does not open the key"
        hint = f"try it: ssh-keygen -y -f {path}"
        super().__init__(Problem(where=str(path), what=what, hint=hint))


def read_identity(path: Path, *, passphrase: str | None = None) -> Identity:
    """The private key in a file of OpenSSH's or a PEM format; InputError says what is wrong.

    A passphrase is for a key of which EncryptedKeyError was said.
    """
    text = read_private(path)
    refuse_dsa(path, text)
    secret = None if passphrase is None else passphrase.encode("utf-8", "surrogateescape")
    try:
        return Identity(source=str(path), key=parse_key(text, secret))
    except TypeError as error:  # cryptography's way to ask for a passphrase
        if cipher_of(text) not in CIPHERS:
            raise_if_agents(path, text)
        raise EncryptedKeyError(path, public_part(text) or public_beside(path)) from error
    except (*UNREADABLE, SSHException) as error:
        if secret is not None and isinstance(error, ValueError):
            raise WrongPassphraseError(path) from error
        raise_if_agents(path, text)
        what = "not a private key that can be used"
        hint = "a key made by `ssh-keygen -t ed25519` can; name the file without .pub"
        raise InputError(Problem(where=str(path), what=what, hint=hint)) from error


def read_private(path: Path) -> bytes:
    """The text of a private key's file; InputError where it cannot be read, or others can."""
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            text = file.read()
    except PermissionError as error:
        what = f"you may not read the key: {error.strerror}"
        hint = f"ls -l {path} shows whose it is; the key has to be yours: sudo chown $USER {path}"
        raise InputError(Problem(where=str(path), what=what, hint=hint)) from error
    except OSError as error:
        hint = "correct fleetbpf_identity_file, or create the key with ssh-keygen"
        what = f"cannot read the key: {error.strerror}"
        raise InputError(Problem(where=str(path), what=what, hint=hint)) from error
    # As OpenSSH has it (sshkey_perm_ok): of your own files only, as others' modes are not yours.
    if PRIVATE in text and found.st_uid == os.getuid() and found.st_mode & OTHERS:
        mode = f"{stat.S_IMODE(found.st_mode):04o}"
        what = f"others than you may read or change the key: its mode is {mode}"
        raise InputError(Problem(where=str(path), what=what, hint=f"chmod 600 {path}"))
    return text


def refuse_dsa(path: Path, text: bytes) -> None:
    """Raise InputError for a DSA key, before a library warns of it."""
    if b"BEGIN DSA PRIVATE KEY" in text or key_type(public_part(text) or public_line(text)) == DSA:
        what = "a DSA key, which is too weak to log in with"
        hint = "make another one: ssh-keygen -t ed25519"
        raise InputError(Problem(where=str(path), what=what, hint=hint))


def raise_if_agents(path: Path, text: bytes) -> None:
    """Raise AgentsKeyError where a text is a key, but none that can be used without an agent."""
    if public_line(text):
        raise AgentsKeyError(path, "it is a public key, and no agent holds the private one")
    cipher, public = cipher_of(text), public_part(text)
    if key_type(public).startswith("sk-"):
        raise AgentsKeyError(path, "the key is in a FIDO token, and no agent holds it")
    if public and cipher not in ("", "none"):
        what = (
            f"the key is encrypted by {cipher}, which fleetbpf cannot undo, and no agent holds it"
        )
        raise AgentsKeyError(path, what)


def private(path: Path) -> Path:
    """Where the private key of a public one usually lies."""
    return path.with_suffix("") if path.suffix == ".pub" else path


def parse_key(text: bytes, passphrase: bytes | None = None) -> PKey:
    """The key in the text of a private key file.

    Raises TypeError when it is encrypted, ValueError when the passphrase is wrong or it is no key
    of a known type.
    """
    if b"BEGIN OPENSSH PRIVATE KEY" in text:
        key: object = serialization.load_ssh_private_key(text, password=passphrase)
    else:
        key = serialization.load_pem_private_key(text, password=passphrase)
    match key:
        case ed25519.Ed25519PrivateKey():
            return Ed25519Key(file_obj=io.StringIO(openssh_text(key)))
        case ec.EllipticCurvePrivateKey():
            return ECDSAKey(vals=(key, key.public_key()))
        case rsa.RSAPrivateKey():
            return RSAKey(key=key)
        case _:
            raise ValueError(f"no use for a {type(key).__name__}")


def openssh_text(key: ed25519.Ed25519PrivateKey) -> str:
    """The key in OpenSSH's format, the only one that paramiko reads Ed25519 keys from."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption(),
    ).decode()


def public_part(text: bytes) -> bytes:
    """The public key in an OpenSSH private key file, which is never encrypted; else nothing."""
    fields = openssh_fields(text)
    if fields is None:
        return b""
    for _ in ("cipher", "kdf", "kdf options"):
        fields.get_binary()
    fields.get_int()  # the number of keys, always 1
    return bytes(fields.get_binary())


def cipher_of(text: bytes) -> str:
    """The cipher of an OpenSSH private key file; "" where it is none."""
    fields = openssh_fields(text)
    return "" if fields is None else bytes(fields.get_binary()).decode("ascii", "replace")


def openssh_fields(text: bytes) -> Message | None:
    """What is in an OpenSSH private key file."""
    body = b"".join(line for line in text.splitlines() if b"-----" not in line)
    try:
        whole = base64.b64decode(body)
    except binascii.Error:
        return None
    return Message(whole[len(MAGIC) :]) if whole.startswith(MAGIC) else None


def key_type(public: bytes) -> str:
    """The type of a public key."""
    return bytes(Message(public).get_binary()).decode("ascii", "replace") if public else ""


def public_of(path: Path) -> bytes:
    """The public key that a file's name stands for, as ssh looks for it; else nothing.

    It may be a private key's file, or a public key of which an agent holds the private one.
    """
    try:
        text = path.read_bytes()
    except OSError:
        return public_beside(path)
    return public_part(text) or public_line(text) or public_beside(path)


def public_line(text: bytes) -> bytes:
    """The key in a line such as that of a `.pub` file; nothing when it is none."""
    fields = text.split(None, 2)
    try:
        key = base64.b64decode(fields[1], validate=True)
        return key if bytes(Message(key).get_binary()) == fields[0] else b""
    except (IndexError, ValueError, struct.error):
        return b""


def bare_key(kind: str, blob: bytes) -> bytes:
    """The public key in a certificate; ValueError when that cannot be read."""
    if kind.removesuffix("-cert-v01@openssh.com") == DSA:
        raise ValueError("a DSA key")
    line = f"{kind} {base64.b64encode(blob).decode()}".encode()
    try:
        found = serialization.load_ssh_public_identity(line)
    except UNREADABLE as error:
        raise ValueError(str(error)) from error
    key = found.public_key() if isinstance(found, serialization.SSHCertificate) else found
    text = key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return base64.b64decode(text.split()[1])


def public_beside(path: Path) -> bytes:
    """The key in the `.pub` file beside a private key; nothing when there is none."""
    try:
        return public_line(path.with_name(f"{path.name}.pub").read_bytes())
    except OSError:
        return b""
