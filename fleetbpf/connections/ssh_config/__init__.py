"""ssh_config(5): what its files say of a host, as values."""
