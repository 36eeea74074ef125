"""Attacks: what hosts, their users and others may try, each as a test that shows it fails."""
