"""The lab: a fleet of virtual machines on this machine, with their own kernels and sshd."""
