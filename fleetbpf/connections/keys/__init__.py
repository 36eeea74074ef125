"""Keys of hosts and of the operator: whose they are, and where they lie."""
