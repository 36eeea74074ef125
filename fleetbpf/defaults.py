"""What holds where nobody says otherwise; light, because `--help` tells it."""

DEFAULT_FORKS = 50  # threads that mostly wait; more gained nothing at 200 hosts on two cores
DEFAULT_ASIDE = 1000  # hosts that are waited for beside these; each a thread, 0.1 MB
DEFAULT_CONNECT_TIMEOUT = 10  # seconds, as Ansible has it
DEFAULT_TIMEOUT = 60  # seconds to connect and log in; an overloaded host may take half of it
DEFAULT_LOCK_TIMEOUT = 60.0  # seconds: most applies take less
LONGEST_WAIT = 1_000_000  # seconds, 11 days: what polls and sockets can wait at once is 24
DEFAULT_MIRROR_LIMIT = 4 * 1024**3  # bytes of a host's mirror in logs/
COLORS = ("auto", "always", "never")
DEFAULT_ROOT = "/var/lib/fleetbpf"  # on hosts
