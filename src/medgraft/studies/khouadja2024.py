"""[68] A 3-D network that knows medical volumes, and 2-D networks on slices, for lung cancer on CT."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from medgraft.cohort import Cohort
from medgraft.sources import Pretrained
from medgraft.studies.kit import Fact, Run, study
from medgraft.studies.kit.hippocampus import TOLD, large_or_small
from medgraft.studies.kit.networks import stand_in
from medgraft.studies.kit.thin import thin
from medgraft.studies.kit.volumes import SIDE, WINDOW, heads_of, stand_in_volume


def small(folder: Path, seed: int) -> Cohort:
    """Return generated CT series of heads, with a lesion in half of them; a tenth shows the other class."""
    return heads_of(folder, 28, classes=("none", "cancer"), noise=0.1, seed=seed)


@study(
    ref=68,
    title="Tunisian Lung Cancer Dataset: Collection, Annotation and Validation with Transfer Learning",
    authors="Khouadja et al.",
    venue="International Journal of Advanced Computer Science and Applications 15(7)",
    year=2024,
    doi="10.14569/ijacsa.2024.01507121",
    modality="chest CT, volumes",
    task="lung cancer or none",
    method="a 3-D ResNet of MedicalNet, fine-tuned; ResNet50, InceptionV3 and VGG16 on slices",
    transfer=("fine-tuning",),
    access="collected by the authors in the Military Hospital of Tunis; whether it can be had is not known",
    stand_ins={
        "nodulemnist3d": "nodules cut out of CT, 28 voxels a side, malignant or not, not whole chests.",
        "hippocampus": "MR crops of the hippocampus in place of chest CT, and a class made of its size.",
    },
    generated=small,
    networks=("medgraft:resnet3d_10", "timm:resnet50", "timm:inception_v3", "torchvision:vgg16"),
    facts=(
        Fact("The three 2-D networks, and a 3-D ResNet of MedicalNet; CT as DICOM.", "read"),
        Fact(
            "MedicalNet's authors segment lungs by it: with ResNet-10 Dice rises from 69.31 % (random "
            "weights) to 96.56 %.",
            "read",
        ),
        Fact("MedicalNet trains new layers at 100 times the rate of the old ones.", "code"),
        Fact("Here the head has twice the rate of the block below it.", "proposed"),
        Fact("Which depth of the 3-D ResNet; here the smallest, 10.", "proposed"),
        Fact("Cancer or none, as the classes.", "proposed"),
        Fact("A volume's features are the mean over its slices', and one head reads them.", "proposed"),
        Fact("Eight slices of a volume, six epochs, the upper half of each network trains.", "proposed"),
    ),
    caveats=(
        "The paper was not read: no figure of it is shown.",
        "MedicalNet's weights are to be given as a file (--backbone); what stands for that network must be "
        "3-D too, or all arms read slices.",
    ),
)
def khouadja2024(run: Run) -> None:
    """Does a 3-D network that learnt other volumes beat the same network from random weights?"""
    if run.data.has("hippocampus"):
        cohort = thin(large_or_small(run.data.folders["hippocampus"]), run.limit, run.seed)
        run.note(TOLD)
    else:
        cohort = run.cohort()
    if run.generated and not run.backbones:
        run.backbones = (str(stand_in_volume()), str(stand_in()))
    epochs = run.pick(6, 2)
    solid, *flat = dict.fromkeys(run.called(name) for name in run.study.networks)
    method = f"finetune:source={solid},epochs={epochs}"
    slices = [f"finetune:source={name},epochs={epochs}" for name in flat]
    frozen = [f"linear-probe:source={name}" for name in (solid, *flat)]
    run.trial(
        "Large or small hippocampus" if run.data.has("hippocampus") else "Cancer or none",
        cohort,
        [method, *slices, f"scratch:source={solid},epochs={epochs}", *frozen],
        method=method,
        source=seen(run.sources(), run),
        folds=run.pick(5, 2),
    )


def seen(sources: Sequence[Pretrained], run: Run) -> list[Pretrained]:
    """Return the networks with the window of the data, and small grids for generated volumes."""
    window = WINDOW if run.generated else "own"
    made = []
    for source in sources:
        solid = source.facts.dims == 3
        size = f",size={SIDE}" if solid and run.generated else ""
        slices = run.pick(8, 4)
        made.append(replace(source, volume=f"window={window},slices={slices}{size}"))
    return made
