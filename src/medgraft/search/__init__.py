"""Optimisers over settings and weights: one signature, a budget of calls, a seed.

``minimise(f, space, budget=, seed=, start=None)`` calls ``f`` with a dict of values at most `budget` times.
None uses a derivative. What ``f`` measures is up to the caller; in a trial it must be measured inside the
training part.
"""

from medgraft.search.registry import Found, Search, search, searches
from medgraft.search.space import Choice, Float, Int, Simplex, Space

__all__ = ["Choice", "Float", "Found", "Int", "Search", "Simplex", "Space", "search", "searches"]
