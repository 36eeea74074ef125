"""The one door out: how a host is reached over SSH, and becoming root there.

Only modules of this package and of execution/ import `paramiko` or `subprocess` (a lint rule says
so).
"""

import sys

# paramiko imports invoke where it is installed, for `Match exec` of its reader of ssh_config, which
# fleetbpf does not use: half of the time that importing paramiko takes.
sys.modules.setdefault("invoke", None)  # type: ignore[arg-type]
