"""[39] Features of VGG16 and of a new CNN side by side, SMOTE, and neighbours, on brain MRI."""

from medgraft.sources import Pretrained
from medgraft.studies.kit import Fact, Published, Run, leaks, study
from medgraft.studies.kit.made import pictures

OWN = "medgraft:plain_cnn"


@study(
    ref=39,
    title="CVG-Net: novel transfer learning based deep features for diagnosis of brain tumors using MRI "
    "scans",
    authors="Al-Otaibi et al.",
    venue="PeerJ Computer Science 10, e2008",
    year=2024,
    doi="10.7717/peerj-cs.2008",
    modality="brain MRI",
    task="glioma, meningioma, pituitary tumour or none",
    method="features of a CNN and of VGG16, SMOTE, nearest neighbours",
    transfer=("feature",),
    access="21,672 images, in all likelihood a set that is open on Kaggle",
    data=("brain_tumours_clean",),
    stand_ins={
        "brain_tumour_mri": "the same four classes without turned copies; as_published makes one of each "
        "slice.",
    },
    generated=pictures(("glioma", "meningioma", "normal", "pituitary")),
    networks=("torchvision:vgg16",),
    facts=(
        Fact("A CNN and VGG16 each give features, which are joined (CVG-Net).", "read"),
        Fact("SMOTE balances the features; k neighbours are best; k folds; settings are tuned.", "read"),
        Fact("21,672 images; glioma, meningioma and pituitary tumours are named.", "read"),
        Fact(
            "A set of as many images has 3,066 normal, 6,307 glioma, 6,391 meningioma, 5,908 pituitary: "
            "somebody else's description, not the paper's.",
            "read",
        ),
        Fact("That it is Crystal Clean: Brain Tumors MRI Dataset (Kaggle), by the number alone.", "proposed"),
        Fact("That set is 3,096 slices and six turned or changed copies of each.", "remembered"),
        Fact("The CNN is a plain one of five stages, trained on each training part anew.", "proposed"),
        Fact(
            "Neighbours are prototypes, a mean of three or more patients each, of a number that is chosen on "
            "inner splits.",
            "proposed",
        ),
    ),
    published=(Published("CVG-Net with k neighbours, k folds", "accuracy", 0.96, "abstract"),),
    caveats=(
        "The set holds copies of its own slices, and no file says which are copies of one: near and "
        "mirrored copies are kept together here, but copies turned by some degrees stay apart. With that "
        "set the honest run leaks too.",
        "SMOTE and prototypes stand on the method's side alone; the linear probe with both is beside it.",
        "Nearest neighbours hold their training rows, which no model of this package may: hence prototypes.",
        "The number of prototypes is chosen on rows some of which SMOTE made, so that it may be too large; "
        "no test row has a part in it.",
        "The study compares several learners; which beside the neighbours was not read, and none is here.",
    ),
    leaks=("supposed: turned copies of one slice, and slices of one patient, are dealt to both sides",),
)
def otaibi2024(run: Run) -> None:
    """Do VGG16's features beside a new CNN's beat that CNN alone?"""
    cohort = leaks.grouped_copies(run.cohort())
    if not run.honest:
        shipped = run.data.has("brain_tumours_clean")
        whole = cohort if shipped else leaks.with_copies(cohort, run.out / "copies", 1, run.seed)
        cohort = leaks.ungrouped(whole)
    epochs, size = run.pick(12, 2), run.pick(64, 32)
    sources = run.sources()
    net = run.called(run.study.networks[0])
    method = f"scratch-fusion:own={OWN},size={size},epochs={epochs}+smote+prototypes"
    run.trial(
        "Kinds of tumour",
        cohort,
        [
            f"scratch:source=plain_cnn,epochs={epochs}",
            method,
            f"scratch:source={net},epochs={epochs}",
            f"linear-probe:source={net}+smote+prototypes",
            f"linear-probe:source={net}",
        ],
        method=method,
        source=[*sources, Pretrained(OWN, size=size)],
        folds=run.pick(3, 2),
        metric="accuracy",
    )
