"""Texts of people that know their lines: YAML, JSON and the templates in them."""
