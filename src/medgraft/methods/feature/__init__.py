"""Transfer by changing the features."""
