"""Files that are damaged on purpose, and the promise: a right answer or one sentence that names the file."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from medgraft.base import MedgraftError
from medgraft.cohort.formats import load
from medgraft.cohort.media import open_sample

FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


@st.composite
def damage(draw, content: bytes, head: int = 0) -> bytes:
    """Flip one to four bytes (half of them in the first `head`), and sometimes cut the end off."""
    out = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        last = min(head if head and draw(st.booleans()) else len(out), len(out)) - 1
        out[draw(st.integers(0, last))] = draw(st.integers(0, 255))
    cut = draw(st.integers(0, len(out))) if draw(st.booleans()) else len(out)
    return bytes(out[:cut])


def read_or_sentence(path: Path, kind: str | None = None, files: tuple[Path, ...] = ()):
    """Read a path and open its first samples; an error must be one sentence that names one of the files."""
    try:
        frame, _ = load(path, lambda text: None)
        assert len(frame) > 0
        for text in frame[kind].dropna().tolist()[:2] if kind else []:
            sample = open_sample(kind, text)
            assert sample is not None and (kind != "signal" or sample.values.size > 0)
    except MedgraftError as error:
        assert "\n" not in str(error) and any(str(p) in str(error) for p in (path, *files)), str(error)
        return None
    return frame
