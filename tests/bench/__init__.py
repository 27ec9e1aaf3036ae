"""What `make bench` measures; never run as a test."""
