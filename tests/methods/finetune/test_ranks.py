"""Two processes that train one network together give what one gives."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from medgraft.methods.finetune import ranks
from samples import image_folder, network_file

# What each process runs; the gradient of one batch, a whole fine-tuning, and a trial with a guard.
SCRIPT = """
import json, os, sys
from pathlib import Path
import numpy as np
import torch
import medgraft as mg
from medgraft.methods.finetune import ranks
from medgraft.methods.finetune.finetune import FineTune
from medgraft.methods.finetune.step import Step

torch.set_num_threads(1)
root, out = Path(sys.argv[1]), Path(sys.argv[2])
rank = ranks.join()
source, cohort = mg.Pretrained(str(root / "net.safetensors")), mg.read(root / "scans")
said = {"rank": rank, "world": ranks.world()}

model = FineTune(source, epochs=0, device="cpu", penalty="l2-sp").fit(cohort.X, cohort.y)
network = model.network_
network.release(range(len(network.trunk.blocks)))
network.train()

class Recipe:
    mix, penalty = "mixup", model._make_penalty()
    policy = type("P", (), {"first": 0})
    loss = staticmethod(lambda s, y: torch.nn.functional.cross_entropy(s, y, reduction="none"))

Recipe.penalty.begin(network, 0, None, None)
batch = (torch.rand(11, 3, 32, 32) if rank < 0 else
         torch.from_numpy(np.random.default_rng(0).uniform(0, 255, (11, 3, 32, 32)).astype("float32")),
         torch.arange(11) % 2, torch.linspace(0.5, 2, 11))
loss = Step(network, Recipe, 0, apart=True).gradient(batch, np.random.default_rng(1))
said["batch_loss"] = loss
flat = torch.cat([p.grad.flatten() for p in network.parameters() if p.grad is not None])
said["gradient"] = flat.tolist()[::97]
said["norm"] = float(flat.norm())

tuned = FineTune(source, epochs=2, unfreeze=1.0, validation=0.25, device="cpu", lr=1e-4, batch_size=7)
tuned.fit(cohort.X, cohort.y)
said["train"], said["held"] = tuned.report_["loss_train"], tuned.report_["loss_held_out"]
said["p"] = tuned.predict_proba(cohort.X).tolist()

arms = ["scratch:epochs=1", "linear-probe", "finetune:epochs=1", "guarded"]
result = mg.Trial(cohort, arms, source=source, folds=2, device="cpu", budget=1e6).run(root / "run")
said["arms"] = {a["name"]: a["value"] for a in result.arms}
(out / f"{ranks.world()}-{rank}.json").write_text(json.dumps(said))
"""


def launch(root: Path, n: int) -> list[dict]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {k: v for k, v in os.environ.items() if k not in ("RANK", "WORLD_SIZE", "LOCAL_RANK")}
    env |= {"PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"}
    env["MEDGRAFT_CACHE"] = str(root / "cache")
    started = []
    for rank in range(n):
        own = {
            "RANK": rank,
            "LOCAL_RANK": rank,
            "WORLD_SIZE": n,
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": port,
        }
        told = {} if n == 1 else {k: str(v) for k, v in own.items()}
        started.append(
            subprocess.Popen(
                [sys.executable, "-c", SCRIPT, str(root), str(root)],
                env=env | told,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    for process in started:
        _, error = process.communicate(timeout=900)
        assert process.returncode == 0, error[-2000:]
    return [json.loads((root / f"{n}-{rank}.json").read_text()) for rank in range(n)]


@pytest.mark.slow
def test_two_processes_train_as_one_does_and_only_the_first_writes(tmp_path):
    image_folder(tmp_path / "scans", 16)
    network_file(tmp_path / "net.safetensors")
    (alone,) = launch(tmp_path, 1)
    written = {p.relative_to(tmp_path) for p in (tmp_path / "run").rglob("*") if p.is_file()}
    first, second = launch(tmp_path, 2)
    assert [first["rank"], second["rank"], first["world"], alone["world"]] == [0, 1, 2, 1]
    for key in ("batch_loss", "norm", "gradient", "train", "held", "p"):
        # float32 sums in another order; both processes go on with the very same numbers
        np.testing.assert_allclose(first[key], alone[key], rtol=2e-4, atol=2e-6, err_msg=key)
        assert first[key] == second[key], key
    assert first["arms"] == second["arms"]
    assert set(first["arms"]) == set(alone["arms"])
    again = {p.relative_to(tmp_path) for p in (tmp_path / "run").rglob("*") if p.is_file()}
    assert again == written


def test_one_process_alone_shares_nothing():
    assert (ranks.join(), ranks.rank(), ranks.world()) == (0, 0, 1)
    value = object()
    assert ranks.same(value) is value
    parts = (torch.arange(5), torch.arange(10).view(5, 2))
    assert all(torch.equal(a, b) for a, b in zip(ranks.share(parts), parts, strict=True))
    assert ranks.trainer_settings() == {"devices": 1}


def test_shares_of_a_batch_are_each_row_once(monkeypatch):
    rows = torch.arange(11)
    got = []
    for rank in range(3):
        monkeypatch.setattr(ranks, "world", lambda: 3)
        monkeypatch.setattr(ranks, "rank", lambda rank=rank: rank)
        got += ranks.share((rows,))[0].tolist()
    assert got == list(range(11))
