"""Self-supervision: what a network can learn from images without labels."""
