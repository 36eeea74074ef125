"""What is in an ELF object and its BTF."""
