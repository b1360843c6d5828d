"""What only the people of the site do: refunds, settlements, reports, the first run."""
