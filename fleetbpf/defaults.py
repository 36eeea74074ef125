"""What holds where nobody says otherwise; light, because `--help` tells it."""

DEFAULT_FORKS = 50  # threads that mostly wait; more gained nothing at 200 hosts on two cores
DEFAULT_TIMEOUT = 60  # seconds to connect and log in; an overloaded host may take half of it
DEFAULT_LOCK_TIMEOUT = 3.0  # seconds
COLORS = ("auto", "always", "never")
