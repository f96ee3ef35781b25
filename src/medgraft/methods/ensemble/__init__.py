"""Several arms joined into one: stacked, or averaged."""
