"""Results: fetched from upstreams, shown, kept."""
