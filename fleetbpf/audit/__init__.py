"""Whether all is as declared, and when to look."""
