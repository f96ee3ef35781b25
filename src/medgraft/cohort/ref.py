"""References: the cells of a cohort that say where a sample's data lie."""

from __future__ import annotations

from pathlib import Path

from medgraft.base import MedgraftError

_MARK = "::"


class Ref:
    """A file, or a part of one: a frame, a box, a span of time, a row of a matrix.

    Its text is ``path::key=value;key=value``, or the path alone; that is what stands in a cohort's table.

    Parameters
    ----------
    path : str
        The file, or the folder of a DICOM series.
    **parts : object
        What of the file is meant; each value is kept as text.

    Examples
    --------
    >>> ref = Ref("night.edf", start=4.2, seconds=30)
    >>> str(ref), Ref.parse(str(ref)) == ref
    ('night.edf::start=4.2;seconds=30', True)
    >>> Ref.parse("cell.png::box=1,2,30,40").numbers("box")
    (1.0, 2.0, 30.0, 40.0)
    """

    __slots__ = ("parts", "path")

    def __init__(self, path: str | Path, **parts: object) -> None:
        self.path = str(path)
        self.parts = {key: str(value) for key, value in parts.items()}

    @classmethod
    def parse(cls, text: str | Path) -> Ref:
        """Read a reference from its text; a path that merely contains the mark stays a path."""
        path, mark, rest = str(text).rpartition(_MARK)
        pairs = [pair.partition("=") for pair in rest.split(";")]
        if not mark or not all(key.isidentifier() and equals for key, equals, _ in pairs):
            return cls(str(text))
        return cls(path, **{key: value for key, _, value in pairs})

    def __str__(self) -> str:
        if not self.parts:
            return self.path
        return self.path + _MARK + ";".join(f"{key}={value}" for key, value in self.parts.items())

    def __repr__(self) -> str:
        return f"Ref({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ref) and (self.path, self.parts) == (other.path, other.parts)

    def __hash__(self) -> int:
        return hash(str(self))

    def with_path(self, path: str | Path) -> Ref:
        """Return the same part of another file."""
        return Ref(path, **self.parts)

    def number(self, key: str) -> int:
        """Return a part as a whole number.

        Raises
        ------
        MedgraftError
            The part is absent or no whole number of 0 or more.
        """
        text = self.parts.get(key, "")
        if not (text.isascii() and text.isdigit() and len(text) < 16):
            raise MedgraftError(f"The reference '{self}' needs {key}=NUMBER, a whole number of 0 or more.")
        return int(text)

    def numbers(self, key: str) -> tuple[float, ...]:
        """Return a part as numbers separated by commas.

        Raises
        ------
        MedgraftError
            The part is absent, or holds something that is no finite number.
        """
        try:
            found = tuple(float(word) for word in self.parts[key].split(","))
        except (KeyError, ValueError):
            found = (float("nan"),)
        if not all(abs(value) < float("inf") for value in found):
            raise MedgraftError(f"The reference '{self}' needs {key}=NUMBERS, separated by commas.")
        return found
