"""The report of a run: one HTML page that a clinician can read, print and send."""

from medgraft.report.html import build

__all__ = ["build"]
