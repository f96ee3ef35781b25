"""Which arms can run on a trial's design, and which one the others are compared with."""

from __future__ import annotations

from collections.abc import Sequence

from medgraft.base import MedgraftError
from medgraft.cohort.media import PICTURES
from medgraft.methods import Method, entries
from medgraft.sources.pretrained import Pretrained
from medgraft.trial.arms import Arm, arm
from medgraft.trial.design import Design
from medgraft.trial.members import members_of, pool
from medgraft.trial.parts import FUSING


def choose_arms(
    asked: Sequence[Arm | str] | None, design: Design, networks: Sequence[Pretrained]
) -> list[Arm]:
    """Return the arms to run: those asked for, or the default methods whose needs are met.

    A name with ``*`` stands for every registered method of that pattern that can run. A control that every
    other arm is compared with is always among them.

    Raises
    ------
    MedgraftError
        An arm cannot run on this design, or there is nothing to transfer from.
    """
    met = design.satisfied(networks)
    if asked:
        asked = [asked] if isinstance(asked, str | Arm) else asked
        asked = _spelt_out(asked, design, met)
        arms = [a if isinstance(a, Arm) else arm(a) for a in asked]
        for a in arms:
            _check(a, design, met)
    else:
        if not met & {"source", "network"}:
            raise MedgraftError(
                "There is nothing to transfer from: give --domain and --target for other sites of the "
                "same table, or --source for a second cohort or a pretrained network."
            )
        usual = [name for name in entries if entries[name].default and _runs(name, design, met)]
        if {"views", "source"} <= met and "scratch" in usual:  # beside pretrain-finetune
            usual.append("scratch:rows=target")
        arms = [arm(name) for name in usual]
    names = [a.name for a in arms]
    for name in names:
        if names.count(name) > 1:
            raise MedgraftError(
                f"The arm '{name}' is asked for twice: give it different settings, or drop one."
            )
    control = control_name(design, met, arms)
    if control not in names:
        arms.append(arm(control))
    _check_members(arms, control, design, met)
    # Controls first, guarded last: the order in which tables and the report show them.
    rank = {"control": 0, "ensemble": 2, "guard": 3}
    return sorted(arms, key=lambda a: (0 if a.name == control else 1, rank.get(a.entry.family, 1)))


def _check_members(arms: list[Arm], control: str, design: Design, met: set[str]) -> None:
    """Refuse an ensemble without members, or with one that cannot run."""
    own = next(a for a in arms if a.name == control)
    for a in arms:
        if a.entry.family == "ensemble":
            for member in members_of(a, pool(arms, control), own).values():
                _check(member, design, met)


def _spelt_out(asked: Sequence[Arm | str], design: Design, met: set[str]) -> list[Arm | str]:
    """Replace each pattern by the methods of that name that can run and are not asked for already."""
    out: list[Arm | str] = [a for a in asked if not _is_pattern(a)]
    for pattern in (a for a in asked if _is_pattern(a)):
        fits = [name for name in entries.list(str(pattern)) if _runs(name, design, met)]
        names = [name for name in fits if entries[name].family != "ensemble"]  # which join arms by name
        if not names:
            raise MedgraftError(f"No method that can run on these data is called like '{pattern}'.")
        taken = {a if isinstance(a, str) else a.name for a in out}
        out += [name for name in names if name not in taken]
    return out


def _is_pattern(asked: Arm | str) -> bool:
    return isinstance(asked, str) and "*" in asked and ":" not in asked


def control_name(design: Design, met: set[str], arms: Sequence[Arm] = ()) -> str:
    """Return the name of the arm without transfer that the others are compared with.

    It is ``scratch`` for networks, ``target-only`` where the target has labels, ``source-only``
    where it has none, ``pooled`` when whole domains are left out.
    """
    if design.kind == "leave one domain out":
        return "pooled"
    if "masks" in met:
        return _outlining_control(arms)
    if "gaps" in met:  # what reads one kind alone can say nothing of some rows
        return _called("majority", arms)
    if "views" in met and "target-labels" in met and "time" not in met:  # classical arms read views of them
        alone = [a.name for a in arms if a.method == "target-only"]
        alone += [a.name for a in arms if _without_source(a, met)]
        return (alone or ["target-only"])[0]
    if "images" in met and not met & {"source", "network"}:  # radiomics alone
        return _called("majority", arms)
    if "images" in met and "source" not in met:
        return _called("scratch", arms)
    if design.kind == "time-ordered":  # what every model of a patient's course must beat
        return "last-value"
    return _called("target-only" if "target-labels" in met else "source-only", arms)


def _called(method: str, arms: Sequence[Arm]) -> str:
    """Return the name of the first arm of a method, with its settings, or of the method."""
    return next((a.name for a in arms if a.method == method), method)


def _without_source(a: Arm, met: set[str]) -> bool:
    """Whether a network learns from the target alone; `scratch` else learns from all domains' labels."""
    return a.method == "scratch" and ("source" not in met or a.settings.get("rows") == "target")


def _outlining_control(arms: Sequence[Arm]) -> str:
    """Return the U-Net from random weights that was asked for, or the one of the arms' dimensions."""
    own = [a.name for a in arms if a.method in ("unet-scratch", "unet3d-scratch")]
    if own:
        return own[0]
    methods = {a.method for a in arms}
    return "unet3d-scratch" if "unet3d" in methods and "unet" not in methods else "unet-scratch"


_REASONS = {
    "source": "rows of another domain: give --domain and --target, or --source with a second cohort",
    "target-labels": "labels of the target: --labels-per-class must be above 0",
    "target-rows": "rows of the target in training, which --folds domain leaves out",
    "images": "images or other samples that a network opens: the data are a table",
    "volumes": "volumes: name their column with --volume",
    "masks": "masks to learn outlines from: name their column with --mask, and no label",
    "sites": "sites of several patients each, which --folds time has not",
    "time": "records in the order of time: give --folds time with --time and --group",
    "network": "a network: give --source, for example timm:resnet18 or medgraft:eegnet",
    "pretrained": "a pretrained network: give --source, for example timm:resnet18 or a safetensors file; "
    "medgraft's own networks have no weights to download: give a file, as in "
    "FILE.safetensors@medgraft:NAME",
    "no gaps": "a sample in every row, which some lack: use fusion or cascade, or leave these rows out",
}


def _check(a: Arm, design: Design, met: set[str]) -> None:
    if lacking := _lacking(a.entry, met):
        able = "" if design.kind != "leave one domain out" else f" There run {', '.join(_able(design, met))}."
        raise MedgraftError(f"The arm '{a.name}' needs {_REASONS[lacking[0]]}.{able}")
    task = design.data.task
    if not a.entry.does(task):
        others = [n for n in _able(design, met) if entries[n].family == a.entry.family]
        hint = f" Of its family these do: {', '.join(others)}." if others else ""
        raise MedgraftError(f"The arm '{a.name}' cannot do {task}: it does {', '.join(a.entry.tasks)}.{hint}")
    alone = a.method == "majority" or a.entry.reads_media or "views" in met
    if not alone and "images" in met and "pretrained" not in met:
        raise MedgraftError(f"On images the arm '{a.name}' needs {_REASONS['pretrained']}.")


def _able(design: Design, met: set[str]) -> list[str]:
    return [name for name in entries if _runs(name, design, met)]


def _lacking(entry: Method, met: set[str]) -> list[str]:
    """Return the needs of a method that this design cannot meet."""
    if entry.family == "federated" and "time" in met:  # there a site is one patient, who shares no sum
        return ["sites"]
    bears_gaps = entry.name in (*FUSING, "majority") or entry.family in ("ensemble", "guard")
    if "gaps" in met and not bears_gaps:
        return ["no gaps"]
    if entry.family == "guard" and "pretrained" in met:  # a network is a source to choose about, too
        met = met | {"source"}
    return [need for need in entry.needs if need not in met]


def _runs(name: str, design: Design, met: set[str]) -> bool:
    entry = entries[name]
    if _lacking(entry, met) or not entry.does(design.data.task):
        return False
    if design.kind == "leave one domain out":
        return entry.family == "control" and name != "source-only"  # pooled is the same there
    if name == "cascade" and not {"image", "table"} <= set(
        design.data.kinds
    ):  # of other kinds if they are named
        return False
    # On images without other sites the array methods have no source rows and would repeat the probe.
    if design.data.kind in PICTURES and "source" not in met:
        return entry.reads_media or name in ("majority", "guarded")
    return True
