"""Views: a signal or a sequence as numbers, or as a picture. Nothing is learnt, so nothing can leak.

``views`` is the registry; ``read_view("band-power:relative=true")`` makes one.
"""

from __future__ import annotations

from medgraft.sources.views.base import View, read_view, view, views

__all__ = ["View", "read_view", "view", "views"]
