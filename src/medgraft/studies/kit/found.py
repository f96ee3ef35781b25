"""Which data a study runs on: those given, those that can be fetched, or generated ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from medgraft.base import MedgraftError, did_you_mean
from medgraft.cohort import Cohort, read
from medgraft.cohort.public import fetch, public_sets
from medgraft.cohort.public.layout import lacking
from medgraft.cohort.public.reading import read_folder
from medgraft.studies.kit.card import Study

MANIFEST = "manifest.csv"


@dataclass(frozen=True)
class Found:
    """Data of a study: where each set lies, or the cohorts that were made.

    Attributes
    ----------
    kind : {"published", "stand-in", "generated"}
    note : str
        What every output says of them.
    folders : mapping
        Public set -> folder.
    made : mapping
        Name -> generated cohort.
    """

    kind: str
    note: str
    folders: Mapping[str, Path]
    made: Mapping[str, Cohort]

    def has(self, name: str) -> bool:
        """Whether a set is among the data."""
        return name in self.folders or name in self.made

    def roles(self, name: str | None) -> Mapping[str, Any]:
        """Return the roles that a set has in its own layout; none for generated data."""
        return {} if self.made else public_sets[name or next(iter(self.folders))].roles

    def cohort(self, name: str | None, **roles: Any) -> Cohort:
        """Return a set as a cohort; without a name, the first.

        Parameters
        ----------
        name : str, optional
        **roles
            Of :func:`medgraft.read`, in place of what the set's entry says; not for generated data.
        """
        if self.made:
            return self.made[name or ""] if name in self.made else next(iter(self.made.values()))
        chosen = name or next(iter(self.folders))
        entry, folder = public_sets[chosen], self.folders[chosen]
        if lacking(folder, entry):  # said to be this set, in a layout of its own
            return replace(_as_given(folder, roles), name=chosen)
        return read_folder(entry, folder, **roles)


def _as_given(folder: Path, roles: Mapping[str, Any]) -> Cohort:
    """Read a folder that is not in the set's layout; of several readings the one that works.

    A folder of class folders needs no more; a ``manifest.csv`` names the images and what they show.
    """
    try:
        return read(folder, **roles)
    except MedgraftError:
        if not (folder / MANIFEST).is_file():
            raise
    usual: dict[str, Any] = {"image": "file", "label": "label"}
    return read(folder / MANIFEST, **usual | dict(roles))


def find(study: Study, given: Sequence[str | Path], generated: bool, folder: Path, seed: int) -> Found:
    """Return the data of a study.

    Parameters
    ----------
    study : Study
    given : sequence of path or "NAME=path"
        Folders in the layout of one of the study's sets, found out by their content; or, with a name, of any
        layout that :func:`medgraft.read` reads.
    generated : bool
        Make small data of the same form, in `folder`.
    seed : int

    Raises
    ------
    MedgraftError
        There are no data; the message says where to get them, and in what layout.
    """
    if generated and given:
        raise MedgraftError("Give either --data or --generated, not both.")
    if generated:
        made = study.generated(folder, seed)
        named = dict(made) if isinstance(made, Mapping) else {"generated": made}
        note = (
            "Generated data of the same form: figures show that the recipe runs, and nothing about patients."
        )
        return Found("generated", note, {}, named)
    folders = dict(_named(study, each) for each in given) or _fetched(study)
    if len(folders) < len(given):
        raise MedgraftError("Two --data folders are of one set: give each once, by NAME=FOLDER.")
    standing = {name: study.stand_ins[name] for name in folders if name in study.stand_ins}
    if not standing:
        return Found("published", f"The study's own data, as far as given ({_titles(folders)}).", folders, {})
    own = [name for name in folders if name not in standing]
    why = " ".join(f"{public_sets[name].title}: {text}" for name, text in standing.items())
    if own:
        titles = _titles(dict.fromkeys(own, Path()))
        return Found(
            "published",
            f"The study's own data, as far as given ({titles}), and a stand-in. {why}",
            folders,
            {},
        )
    return Found("stand-in", f"Not the study's own data, but a stand-in. {why}", folders, {})


def _named(study: Study, given: str | Path) -> tuple[str, Path]:
    known = (*study.data, *study.stand_ins)
    name, equals, rest = str(given).partition("=")
    if equals and not Path(str(given)).exists():
        if name not in known:
            raise MedgraftError(
                f"'{name}' is no data set of {study.key}: it takes {_or(known)}.{did_you_mean(name, known)}"
            )
        return name, _folder(Path(rest))
    folder = _folder(Path(given))
    loose = [any("**" in part for part in public_sets[name].layout) for name in known]
    for _, candidate in sorted(zip(loose, known, strict=True), key=lambda pair: pair[0]):
        if not lacking(folder, public_sets[candidate]):  # what any folder of images fits comes last
            return candidate, folder
    raise MedgraftError(f"'{folder}' has none of the layouts that {study.key} reads. {where_to_get(study)}")


def _folder(path: Path) -> Path:
    if path.is_file():
        raise MedgraftError(f"'{path}' is a file: --data takes the folder of a data set.")
    if not path.is_dir():
        raise MedgraftError(f"There is no folder '{path}': --data takes the folder of a data set.")
    return path


def _fetched(study: Study) -> dict[str, Path]:
    """Fetch what may be fetched without asking: the first of the study's own sets."""
    free = [n for n in study.data if not public_sets[n].restricted and public_sets[n].files]
    if not free:
        raise MedgraftError(f"{study.key} needs data. {where_to_get(study)}")
    try:
        return {free[0]: fetch(free[0])}
    except MedgraftError as error:
        raise MedgraftError(
            f"Without --data, {study.key} fetches {free[0]}: {error} Here: give a folder of it with "
            "--data, or use --generated."
        ) from None


def where_to_get(study: Study) -> str:
    """Return the sentences that say where a study's data are got, and in what layout."""
    said = [f"The study's own data: {study.access}."]
    if not (*study.data, *study.stand_ins):
        return f"{said[0]} No set that this package knows can take their place: use --generated."
    for name in (*study.data, *study.stand_ins):
        entry = public_sets[name]
        place = entry.home or (entry.files[0].url if entry.files else "its publisher")
        what = "stand-in" if name in study.stand_ins else "layout"
        said.append(f"As {what} {name} ({place}): a folder with {', '.join(entry.layout)}.")
    return " ".join([*said, "Give it with --data FOLDER (or --data NAME=FOLDER), or use --generated."])


def _titles(names: Mapping[str, Path]) -> str:
    return ", ".join(public_sets[name].title for name in names)


def _or(names: Sequence[str]) -> str:
    return ", ".join(names) if names else "generated data only"
