"""Optimisers over settings and weights, budgeted and seeded."""
