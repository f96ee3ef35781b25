"""The report of a run: one HTML page that a clinician can read, print and send; and two runs side by side."""

from medgraft.report.html import build
from medgraft.report.versus import build_versus

__all__ = ["build", "build_versus"]
