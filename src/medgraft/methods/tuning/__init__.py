"""Settings searched inside the training part."""
