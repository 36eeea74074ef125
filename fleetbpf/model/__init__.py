"""The nouns: frozen models that every stage of the flow shares."""
