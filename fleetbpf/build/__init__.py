"""From a program's source to its loader."""
