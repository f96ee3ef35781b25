"""What happened to every tensor when weights were loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

ENOUGH = 0.9  # below this share of a trunk, the file is of another architecture


@dataclass(frozen=True)
class LoadReport:
    """Which tensors of a network came from its weights, and which did not.

    Attributes
    ----------
    name : str
        The network, with the file's name if the weights came from a file.
    loaded, adapted, skipped, random : tuple of str
        Names of trunk tensors taken as they are; taken with other channels; tensors of the weights that
        the trunk has no place for (the old head among them); trunk tensors left at random.
    resized : tuple of str
        Names of what a transformer knows of places, taken for images of another size.
    sha256 : str
        Checksum of the weight file; empty without one.
    channels : int
        Channels of the input.
    """

    name: str
    loaded: tuple[str, ...]
    adapted: tuple[str, ...]
    skipped: tuple[str, ...]
    random: tuple[str, ...]
    sha256: str = ""
    channels: int = 3
    resized: tuple[str, ...] = ()

    @property
    def came(self) -> int:
        """Number of the trunk's tensors that came from the weights."""
        return len(self.loaded) + len(self.adapted) + len(self.resized)

    @property
    def fraction(self) -> float:
        """Share of the trunk's tensors that came from the weights, 0 to 1."""
        return self.came / max(self.total, 1)

    @property
    def total(self) -> int:
        """Number of tensors of the trunk."""
        return self.came + len(self.random)

    def sentence(self) -> str:
        """Say it in one sentence."""
        if not self.came:
            return f"{self.name}: random weights in all {len(self.random)} tensors."
        size = f"{len(self.resized)} resized to the images, " if self.resized else ""
        check = f", SHA-256 {self.sha256[:12]}" if self.sha256 else ""
        return (
            f"{self.name}: {len(self.loaded)} of {self.total} trunk tensors loaded, "
            f"{len(self.adapted)} adapted to {self.channels}-channel input, {size}"
            f"{len(self.random)} left random, "
            f"{len(self.skipped)} of the weights skipped (old head){check}."
        )

    def to_dict(self) -> dict[str, Any]:
        """Return counts and names, JSON-able."""
        return {
            "sentence": self.sentence(),
            "fraction": self.fraction,
            "loaded": len(self.loaded),
            "adapted": list(self.adapted),
            "resized": list(self.resized),
            "skipped": list(self.skipped),
            "random": list(self.random),
            "sha256": self.sha256,
        }
