"""From a spool on a host to a line on a screen."""
