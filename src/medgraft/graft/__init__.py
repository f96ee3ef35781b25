"""Grafts: what a trial delivers, saved without pickles and without patients."""

from medgraft.graft.graft import Graft
from medgraft.graft.loading import load
from medgraft.graft.save import save

__all__ = ["Graft", "load", "save"]
