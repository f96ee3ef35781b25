"""Networks of our own: plain torch modules, no training."""
