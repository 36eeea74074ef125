"""What is asked of a host: each script, and the reading of its answer."""
