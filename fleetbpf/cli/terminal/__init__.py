"""What is drawn on a terminal, and asked there."""
