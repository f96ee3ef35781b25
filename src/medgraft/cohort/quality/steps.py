"""Steps one after the other, with a report."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from medgraft.base import MedgraftError, did_you_mean
from medgraft.cohort.quality.arrays import Array
from medgraft.cohort.quality.box import Box
from medgraft.cohort.quality.registry import Step, by_name
from medgraft.cohort.quality.report import Report

Planned = tuple[Step, dict[str, Any]]


class Steps:
    """Quality steps in order: itself a function from image to image.

    Nothing is learnt from other images, so steps can run before a split.

    Parameters
    ----------
    steps : sequence of str or (str, dict)
        Names of steps, or names with settings.

    Raises
    ------
    MedgraftError
        A step or a setting is unknown.

    Examples
    --------
    >>> steps = Steps(["crop_border", ("median", {"size": 3})])
    >>> image = np.pad(np.full((6, 6), 9, np.uint8) * 10, 2)
    >>> steps(image).shape, str(steps)
    ((6, 6), 'crop_border,median:size=3')
    >>> images, report = steps.apply([image])
    >>> print(report)
    1 of 1 images were kept.
    crop_border cut off 64.0% of the pixels (median; at most 64.0%).
    median changed 0.0% of the pixels (median; at most 0.0%).
    """

    def __init__(self, steps: Sequence[str | tuple[str, dict[str, Any]]]) -> None:
        self.plan: tuple[Planned, ...] = tuple(
            _planned(s, {}) if isinstance(s, str) else _planned(s[0], dict(s[1])) for s in steps
        )

    @classmethod
    def parse(cls, text: str) -> Steps:
        """Read steps from text: ``"clahe:clip=0.01,tiles=4,percentile_stretch"``.

        Steps are separated by commas; the first setting of a step follows a colon, further ones follow as
        ``name=value``.

        Examples
        --------
        >>> str(Steps.parse("clahe:clip=0.02, tiles=4, median"))
        'clahe:clip=0.02,tiles=4,median'
        """
        steps: list[tuple[str, dict[str, Any]]] = []
        for item in filter(None, (part.strip() for part in text.split(","))):
            name, colon, pair = item.partition(":")
            if not colon and "=" in item and steps:
                pair = item
            else:
                steps.append((name.strip(), {}))
            if pair:
                key, equals, value = pair.partition("=")
                if not equals:
                    raise MedgraftError(f"The quality step '{item}' needs settings as name=value.")
                steps[-1][1][key.strip()] = _value(value.strip())
        if not steps:
            raise MedgraftError(f"No quality step is named; known are {', '.join(by_name)}.")
        return cls(steps)

    def __str__(self) -> str:
        words = []
        for step, settings in self.plan:
            pairs = ",".join(f"{k}={v}" for k, v in settings.items())
            words.append(f"{step.name}:{pairs}" if pairs else step.name)
        return ",".join(words)

    def __repr__(self) -> str:
        return f"Steps.parse({str(self)!r})"

    def __call__(self, image: Array) -> Array:
        """Return the image after all steps."""
        for step, settings in self.plan:
            image = step.function(image, **settings)
        return image

    def apply(self, images: Iterable[Array]) -> tuple[list[Array], Report]:
        """Return the images after all steps, and what was done to them.

        Parameters
        ----------
        images : iterable of ndarray
            Of any sizes; taken one at a time.

        Raises
        ------
        MedgraftError
            One is no image; the message has its row.
        """
        done: list[Array] = []
        labels = self._labels()
        changed: dict[str, list[float]] = {label: [] for label in labels}
        boxes: dict[str, list[Box]] = {
            label: [] for label, (s, _) in zip(labels, self.plan, strict=True) if s.find
        }
        for row, image in enumerate(images):
            try:
                for label, (step, settings) in zip(labels, self.plan, strict=True):
                    before, image = image, step.function(image, **settings)
                    changed[label].append(_changed(before, image))
                    if step.find is not None:
                        known = inspect.signature(step.find).parameters
                        boxes[label].append(
                            step.find(before, **{k: v for k, v in settings.items() if k in known})
                        )
            except MedgraftError as error:
                raise MedgraftError(f"Row {row}: {error}") from error
            done.append(image)
        report = Report(
            kept=tuple(range(len(done))),
            changed={k: tuple(v) for k, v in changed.items()},
            boxes={k: tuple(v) for k, v in boxes.items()},
        )
        return done, report

    def _labels(self) -> list[str]:
        """Return the names of the steps, numbered where one comes twice."""
        names = [step.name for step, _ in self.plan]
        return [
            name if names.count(name) == 1 else f"{name} ({names[: i + 1].count(name)})"
            for i, name in enumerate(names)
        ]


def _planned(name: str, settings: dict[str, Any]) -> Planned:
    step = by_name[name]
    known = list(inspect.signature(step.function).parameters)[1:]
    for key in settings:
        if key not in known:
            hint = did_you_mean(key, known) or f" It has {', '.join(known)}."
            raise MedgraftError(f"The quality step '{name}' has no setting '{key}'.{hint}")
        if not isinstance(settings[key], (int, float)) and settings[key] is not None:
            raise MedgraftError(f"The quality step '{name}' needs a number for {key}, not '{settings[key]}'.")
    return step, settings


def _value(text: str) -> Any:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return None if text.lower() == "none" else text


def _changed(before: Array, after: Array) -> float:
    """Return the share of pixels that differ, or that are gone."""
    if before.shape != after.shape:
        return 1 - after.shape[0] * after.shape[1] / (before.shape[0] * before.shape[1])
    differs = before != after
    return float(np.mean(differs.any(axis=2) if differs.ndim == 3 else differs))
