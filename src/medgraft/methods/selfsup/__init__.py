"""Self-supervision: what a network can learn from images without labels."""

REGISTERS = False  # stages of other methods; looking methods up need not load torch for them
