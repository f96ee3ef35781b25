"""Settings written as ``name=value,...``, read into a frozen dataclass."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, TypeVar

from medgraft.base import MedgraftError, did_you_mean

T = TypeVar("T")
_WORDS = {"true": True, "false": False}


def made_from(cls: type[T], given: dict[str, Any] | str | None, what: str) -> T:
    """Make a dataclass whose fields all have defaults; text becomes what the default is.

    A list is written with bars, as in ``channels=C3|Cz|C4``.

    Parameters
    ----------
    cls : type
    given : dict, str or None
        ``"name=value,name=value"``, or names with values as text or as they are.
    what : str
        What is set, for messages (``"The view 'stft'"``).

    Raises
    ------
    MedgraftError
        There is no such setting, it has no value, or one of another kind.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Cut:
    ...     seconds: float = 0.0
    ...     channels: tuple[str, ...] = ()
    >>> made_from(Cut, "seconds=4,channels=C3|C4", "A cut")
    Cut(seconds=4.0, channels=('C3', 'C4'))
    >>> made_from(Cut, "second=4", "A cut")
    Traceback (most recent call last):
        ...
    medgraft.base.errors.MedgraftError: A cut has no setting 'second'. Did you mean 'seconds'?
    """
    defaults = {f.name: f.default for f in fields(cls)}  # type: ignore[arg-type]
    made: dict[str, Any] = {}
    for name, value in (_pairs(given, what) if isinstance(given, str) else given or {}).items():
        if name not in defaults:
            known = f" It has: {', '.join(defaults)}." if defaults else " It has none."
            raise MedgraftError(f"{what} has no setting '{name}'.{did_you_mean(name, defaults) or known}")
        made[name] = _read(name, value, defaults[name], what) if isinstance(value, str) else value
        if isinstance(made[name], list):
            made[name] = tuple(made[name])
    return cls(**made)


def _pairs(text: str, what: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in filter(None, (p.strip() for p in text.split(","))):
        name, equals, value = part.partition("=")
        if not equals or not value.strip():
            raise MedgraftError(f"{what} has a setting without a value, '{part}': write name=value.")
        found[name.strip()] = value.strip()
    return found


def _read(name: str, text: str, default: Any, what: str) -> Any:
    if isinstance(default, tuple):
        return tuple(word.strip() for word in text.split("|") if word.strip())
    if isinstance(default, str):
        return text
    try:
        if isinstance(default, bool):
            return _WORDS[text.lower()]
        return type(default)(text)
    except (KeyError, ValueError):
        kind = "true or false" if isinstance(default, bool) else "a number"
        kind = "a whole number" if type(default) is int else kind
        raise MedgraftError(f"{what} takes {kind} for {name}, not '{text}'.") from None


def written(made: Any) -> str:
    """Return all settings of a dataclass as `made_from` reads them.

    Examples
    --------
    >>> from medgraft.sources.signals import SignalInput
    >>> written(SignalInput(rate=160, channels=("C3", "C4"))).split(",low")[0]
    'rate=160,seconds=0,channels=C3|C4'
    """
    pairs = ((f.name, getattr(made, f.name)) for f in fields(made))
    return ",".join(f"{name}={_text(value)}" for name, value in pairs if value != () and value != "")


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return "|".join(value)
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.15g}" if isinstance(value, float | int) else str(value)
