"""Arms without transfer: what every transfer has to beat."""
