"""What system tests stand on; tests/README.md shows it in use."""
