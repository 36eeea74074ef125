"""From a plan to a running release, and back."""
