"""Transfer by weighting the source's patients."""
