"""What is asked for: read, priced, paid, handed to an upstream."""
