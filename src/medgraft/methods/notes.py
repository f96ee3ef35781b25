"""Sentences that several methods say in ``note_`` where they fall back to something simpler."""

from __future__ import annotations

NO_SOURCE = "There is no labelled source patient: nothing was transferred."
SOURCES_POOLED = "No target patient has a label: all sources were pooled."
SOURCE_KEPT = "No target patient has a label: the source's model was kept."
NOT_ALIGNED = "Aligning needs two different source and two different target patients: all were pooled."
ROUNDS_ENDED = "The rounds ended after {}: the target's error was one half or more."
