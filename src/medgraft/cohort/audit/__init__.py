"""Find the leak before training: checks of a cohort, each in a file of its own."""

from medgraft.cohort.audit.audit import Audit, audit
from medgraft.cohort.audit.finding import Finding
from medgraft.cohort.audit.neighbours import near_pairs
from medgraft.cohort.audit.registry import Check, check, registered

__all__ = ["Audit", "Check", "Finding", "audit", "check", "near_pairs", "registered"]
