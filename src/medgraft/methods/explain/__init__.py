"""Where in an image a fitted model saw what it says."""
