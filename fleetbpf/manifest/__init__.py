"""What shall run where, checked."""
