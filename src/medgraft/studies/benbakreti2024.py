"""[70] Batch size and learning-rate schedule of three fine-tuned networks on masses in mammograms."""

import itertools
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from medgraft.base import MedgraftError
from medgraft.cohort import Cohort
from medgraft.studies.kit import Fact, Published, Run, leaks, study
from medgraft.studies.kit.beside import against, best_on_test
from medgraft.studies.kit.classes import reclassed
from medgraft.studies.kit.cleaned import cleaned
from medgraft.studies.kit.fair import control
from medgraft.studies.kit.made import pictures

LEVELS = ("benign", "malignant")
# Film, tissue, kind of mass (calcifications and asymmetries are none), severity, centre, radius.
MARK = re.compile(r"(mdb\d{3})\s+[FGD]\s+(?:CIRC|SPIC|MISC)\s+([BM])\s+(\d+)\s+(\d+)\s+(\d+)\s*")
LEAST = 48  # pixels from the centre to the edge of a region


@study(
    ref=70,
    title="Using ResNet18 in a Deep-Learning Framework and Assessing the Effects of Adaptive Learning Rates "
    "in the Identification of Malignant Breast Masses in Mammograms",
    authors="Benbakreti et al.",
    venue="Jordanian Journal of Computers and Information Technology",
    year=2024,
    doi="10.5455/jjcit.71-1699818406",
    modality="mammography",
    task="benign or malignant mass",
    method="three fine-tuned networks over batch sizes and schedules of the learning rate",
    transfer=("fine-tuning",),
    access="INbreast, MIAS and DDSM; from where, could not be read",
    data=("mias",),
    generated=pictures(LEVELS, n_patients=36),
    networks=("timm:resnet18", "torchvision:alexnet", "timm:inception_v3"),
    facts=(
        Fact(
            "Pretrained AlexNet, InceptionV3 and ResNet18; batch size and adaptive rates are studied.", "read"
        ),
        Fact("Benign and malignant masses of INbreast, MIAS and DDSM, merged.", "read"),
        Fact("A merged set of augmented images of 227 pixels exists.", "remembered"),
        Fact("The region is cut out around the radiologist's mark; CLAHE.", "proposed"),
        Fact("Batches of 8 and 32, constant rate or drops, by Adam; the upper half trains.", "proposed"),
        Fact("Honestly, the setting is chosen on a quarter of the training patients.", "proposed"),
        Fact(
            "The network from random weights has the same search; as published, batches of 32 that drop.",
            "proposed",
        ),
    ),
    published=(
        Published("ResNet18, merged set", "accuracy", 0.95, "abstract"),
        Published("ResNet18, merged set", "F1", 0.9491, "abstract"),
        Published("ResNet18, merged set", "precision", 0.949, "abstract"),
        Published("ResNet18, merged set", "recall", 0.9491, "abstract"),
        Published("InceptionV3, merged set", "accuracy", 0.937, "abstract"),
        Published("AlexNet, merged set", "accuracy", 0.889, "abstract"),
    ),
    caveats=(
        "Of the three merged sets MIAS alone is read here: its masses, well defined, spiculated or other.",
        "Where the mass is, is given: nothing is said of finding it.",
        "The abstract does not say how patients were split, nor on which rows the settings were chosen.",
    ),
    leaks=(
        "supposed: the best of all settings is told with the figure of the test rows that it was chosen by",
        "supposed: both breasts of a woman stand on both sides of the split",
    ),
)
def benbakreti2024(run: Run) -> None:
    """Does fine-tuning beat random weights on masses, and what do batch size and schedule make of it?"""
    cohort = run.cohort()
    if not run.generated:
        cohort = regions(reclassed(cohort, {n: n for n in LEVELS}, LEVELS), run.data.folders["mias"], run.out)
        cohort = cleaned(cohort, "clahe:clip=0.02", run.out / "filtered")
    name = run.called(run.study.networks[0])
    epochs = f"epochs={run.pick(8, 3)}"
    arm = f"finetune:source={{}},{epochs},optimizer=adam,batch_size={{}},schedule={{}}"
    sweep = [arm.format(name, *pair) for pair in itertools.product((8, 32), ("constant", "step"))]
    search = "tuned:search=random,budget=4"
    ranges = ("choice(8,32)", "choice(constant,step)")
    tuned = f"{arm.format(name, *ranges)}+{search}"
    others = [arm.format(run.called(n), 32, "step") for n in run.study.networks[1:]]
    scratch = f"scratch:source={name},{epochs},batch_size={{}},schedule={{}}"
    plain = scratch.format(32, "step")
    controls = [control(run, f"{scratch.format(*ranges)}+{search}", plain), plain]
    result = run.trial(
        "Benign or malignant",
        cohort if run.honest else leaks.ungrouped(cohort),
        [*controls, *([tuned] if run.honest else []), *sweep, *others, f"linear-probe:source={name}"],
        method=tuned if run.honest else sweep[0],
        source=run.sources(),
        folds=run.pick(3, 2),
        metric="accuracy",
    )
    if run.honest:
        against(run, "Batches of 32 that drop, without a search", result, sweep[-1], plain)
    else:
        best_on_test(run, result, sweep)


def regions(cohort: Cohort, folder: Path, out: Path) -> Cohort:
    """Return squares around the marks of MIAS' list; films without one of their class are left out.

    Parameters
    ----------
    cohort : Cohort
        Of whole films.
    folder : path
        Of the set, with its list.
    out : path
        Where ``regions/`` is written.
    """
    listed = next((p for name in ("Info.txt", "README") for p in sorted(folder.rglob(name))), None)
    if listed is None:
        raise MedgraftError(f"'{folder}' has no list of films with their marks (Info.txt).")
    marks: dict[tuple[str, str], tuple[int, int, int]] = {}
    for line in listed.read_text(encoding="latin-1").splitlines():
        if match := MARK.fullmatch(line.strip()):
            x, y, radius = (int(part) for part in match.groups()[2:])
            marks.setdefault((match[1], match[2]), (x, y, radius))
    place = out.resolve() / "regions"
    place.mkdir(parents=True, exist_ok=True)
    keep, paths = [], []
    for i, (cell, code) in enumerate(zip(cohort.table[str(cohort.image)].astype(str), cohort.y, strict=True)):
        film = Path(cell).stem
        if (found := marks.get((film, "BM"[code]))) is None:
            continue
        pixels = np.asarray(cohort.open_image(i))
        x, y, half = found[0], len(pixels) - found[1], max(LEAST, found[2])
        part = pixels[max(0, y - half) : y + half, max(0, x - half) : x + half]
        keep.append(i)
        paths.append(str(place / f"{film}.png"))
        Image.fromarray(part).save(paths[-1])
    kept = cohort.select(np.array(keep))
    return replace(kept, table=kept.table.assign(**{str(cohort.image): paths}))
