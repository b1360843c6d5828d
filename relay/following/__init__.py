"""Tasks that upstreams have: looked at until they end, and after it."""
