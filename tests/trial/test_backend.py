"""A trial's figures are the same wherever its splits are fitted."""

from __future__ import annotations

import importlib.util
from contextlib import ExitStack

import joblib
import pandas as pd
import pytest

import medgraft as mg
from medgraft.trial import work
from medgraft.trial.backend import backend
from samples import image_folder, network_file, two_sites

needs = {
    name: pytest.mark.skipif(importlib.util.find_spec(package) is None, reason=f"needs {package}")
    for name, package in (("dask", "distributed"), ("ray", "ray"))
}


@pytest.fixture(autouse=True)
def spread_from_the_first_second(monkeypatch):
    monkeypatch.setattr(work, "ALONE", -1.0)


def run(out, jobs=1):
    cohort = mg.read(two_sites(n=(40, 40)), label="ill", domain="site")
    arms = ["target-only", "pooled", "coral+rose"]
    return mg.Trial(cohort, arms, target="b", labels_per_class=6, folds=3, jobs=jobs).run(out)


@pytest.mark.parametrize(
    "name",
    [
        "loky",
        pytest.param("dask", marks=needs["dask"]),
        pytest.param("ray", marks=[needs["ray"], pytest.mark.slow]),
    ],
)
def test_a_table_gives_the_same_predictions_on_every_backend(name, tmp_path, monkeypatch):
    plain = run(tmp_path / "plain")
    seen = []
    spread = work._spread
    monkeypatch.setattr(
        work, "_spread", lambda *a: (seen.append(joblib.parallel.get_active_backend()[0]), spread(*a))[1]
    )
    with ExitStack() as stack:
        try:
            stack.enter_context(backend(name, jobs=2))
        except mg.MedgraftError as error:
            if name != "ray":
                raise
            pytest.skip(f"Ray does not start here: {error}")
        other = run(tmp_path / name, jobs=2)
    pd.testing.assert_frame_equal(other.predictions, plain.predictions)
    assert other.comparisons == plain.comparisons
    assert len(seen) == 3 and all(name in type(b).__name__.lower() for b in seen)


@needs["dask"]
def test_a_running_dask_cluster_is_used_and_left_running(tmp_path):
    from distributed import Client, LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        with backend("dask", cluster.scheduler_address):
            run(tmp_path / "out", jobs=2)
        with Client(cluster) as client:
            assert client.submit(lambda: 7).result() == 7
            steps = client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.transition_log))
    assert steps > 9


@pytest.mark.slow
def test_images_give_the_same_predictions_in_two_processes_as_in_one(tmp_path):
    cohort = mg.read(image_folder(tmp_path / "scans", 10))
    source = mg.Pretrained(str(network_file(tmp_path / "small.safetensors")))
    arms = ["scratch:epochs=1", "linear-probe", "finetune:epochs=1,validation=0"]
    one, two = (
        mg.Trial(cohort, arms, source=source, folds=2, jobs=jobs).run(tmp_path / str(jobs)) for jobs in (1, 2)
    )
    pd.testing.assert_frame_equal(one.predictions, two.predictions)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("dsk", None), "no backend 'dsk'.*dask"),
        (("loky", "tcp://a:1"), "no scheduler"),
        pytest.param(("dask", "tcp://127.0.0.1:9"), "No dask cluster answers", marks=needs["dask"]),
    ],
)
def test_a_backend_that_cannot_be_had_is_refused_in_a_sentence(given, said, monkeypatch):
    with pytest.raises(mg.MedgraftError, match=said), backend(*given):
        pass
