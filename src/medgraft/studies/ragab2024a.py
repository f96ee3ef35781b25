"""[50] DenseNet121 tuned by fireflies and read by an LSTM autoencoder, for COVID-19 in chest X-rays."""

from dataclasses import replace

from medgraft.studies.kit import Fact, Run, leaks, study
from medgraft.studies.kit.fair import control
from medgraft.studies.kit.made import pictures
from medgraft.studies.kit.merged import confounds, given, merged

LEVELS = ("other", "covid")
WORDS = {"covid-19": "covid", "covid-19, ards": "covid", "covid": "covid", "*": "other"}


@study(
    ref=50,
    title="Intelligent Firefly Algorithm Deep Transfer Learning Based COVID-19 Monitoring System",
    authors="Ragab et al.",
    venue="CMC 74(2), 2889-2903",
    year=2023,
    doi="10.32604/cmc.2023.032192",
    modality="chest X-ray",
    task="COVID-19 or another finding",
    method="DenseNet121 tuned by the firefly algorithm, features to an LSTM autoencoder that classifies",
    transfer=("feature", "fine-tuning"),
    access="open, on GitHub",
    data=("covid_chestxray",),
    stand_ins={
        "chest_xray_pneumonia": "children from another hospital as further people without COVID-19; they "
        "differ from the study's in everything else, too."
    },
    generated=pictures(("other", "covid"), 36),
    networks=("timm:densenet121",),
    facts=(
        Fact("COVID-19 in chest X-rays.", "read"),
        Fact(
            "The collection covid-chestxray; DenseNet121, autoencoder-LSTM, firefly algorithm: by the "
            "review's row alone.",
            "read",
        ),
        Fact("Fireflies tune the network, its features go to the autoencoder-LSTM.", "remembered"),
        Fact("Tuned: the learning rate and the share of the network that trains.", "proposed"),
        Fact(
            "The network from random weights has the same search of its learning rate; as published, none.",
            "proposed",
        ),
        Fact("Loss of the classes and of the reconstruction at once, equal weights.", "proposed"),
        Fact("All other findings of the collection are the second class.", "proposed"),
    ),
    caveats=(
        "Published in 2022/23, and not in 2024 as in the review's table.",
        "How many classes there were, and any figure, could not be read.",
        "Normals from another hospital would make the hospital the finding: give that set only knowing this.",
    ),
    leaks=("supposed: images are split at random, so that those of one patient teach and test",),
)
def ragab2024a(run: Run) -> None:
    """Does a network tuned by fireflies, read by an LSTM autoencoder, beat the same network from scratch?"""
    whole = merged(given(run, WORDS, LEVELS))
    for sentence in confounds(whole):
        run.note(f"The sets are a confound here. {sentence}")
    cohort = replace(whole, domain=None)
    if not run.honest:
        cohort = leaks.ungrouped(cohort)
    net, epochs = run.called("timm:densenet121"), run.pick(4, 2)
    reader = f"ae-lstm:steps=8,hidden={run.pick(64, 16)},code={run.pick(32, 8)}"
    rates, search = "lr=log(1e-5,1e-2)", f"tuned:search=firefly,budget={run.pick(16, 10)}"
    plain = f"finetuned-features:source={net},epochs={epochs}"
    scratch = f"scratch:source={net},epochs={epochs}"
    method = f"{plain},{rates},unfreeze=choice(0.1,0.3,0.5)+{reader}+{search}"
    run.trial(
        "COVID-19 or another finding",
        cohort,
        [
            control(run, f"{scratch},{rates}+{search}", scratch),
            scratch,
            method,
            f"{plain}+{reader}",
            f"linear-probe:source={net}+{reader}",
            f"linear-probe:source={net}",
        ],
        method=method,
        source=run.sources(),
        folds=run.pick(3, 2),
    )
