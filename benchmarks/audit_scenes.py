"""Small generated cohorts of every kind, without a trap; `audit_traps` plants traps into them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image
from scipy.ndimage import gaussian_filter

from medgraft.cohort import Cohort, read
from medgraft.cohort.audit import Audit, audit
from medgraft.cohort.media import Decoder, Signal, Volume, add_decoder

Rng = np.random.Generator
FIRST_NAMES = ["Ana", "Björn", "Chloé", "Dávid", "Eun-ji", "Fatma", "Goran", "Hạnh"]


@dataclass
class Scene:
    """What is audited together."""

    data: Cohort
    test: Cohort | None = None
    sources: list[Cohort] = field(default_factory=list)

    def audit(self, only: list[str] | None = None) -> Audit:
        return audit(self.data, test=self.test, sources=self.sources, only=only)


def table(rng: Rng, n: int = 200, patients: int | None = None) -> pd.DataFrame:
    """Six measurements, two of which tell something of the label, a category, gaps at random."""
    patient = np.arange(n) if patients is None else rng.integers(0, patients, n)
    own = rng.normal(size=(n if patients is None else patients, 6))[patient]
    x = own + 0.5 * rng.normal(size=(n, 6))
    tendency = own[:, 0] + 0.6 * own[:, 1] + rng.normal(size=len(own))
    frame = pd.DataFrame(x, columns=["crp", "hb", "wbc", "alt", "bmi", "sbp"])
    frame["age"] = rng.integers(20, 90, n)
    frame["smoker"] = rng.choice(["never", "former", "current"], n)
    frame.loc[rng.random(n) < 0.1, "wbc"] = np.nan
    frame["site"] = rng.choice(["north", "south", "west"], n)
    frame["subject"] = [f"{FIRST_NAMES[p % 8]} {p}" for p in patient]
    frame["ill"] = np.where(tendency > 0.3, "yes", "no")
    return frame


FEATURES = ["crp", "hb", "wbc", "alt", "bmi", "sbp", "age", "smoker"]


def cohort(frame: pd.DataFrame, **roles: Any) -> Cohort:
    known = {
        "label": "ill",
        "group": "none",
        "features": [c for c in frame if c not in ("ill", "site", "subject")],
    }
    return read(frame.reset_index(drop=True), **(known | roles))


def picture(rng: Rng, size: int = 96) -> np.ndarray:
    """A smooth random field: no two are alike."""
    smooth = gaussian_filter(rng.normal(size=(size, size)), 5, mode="wrap")
    return 120 + 45 * smooth / smooth.std() + 4 * rng.normal(size=(size, size))


def ill_spot(pixels: np.ndarray, rng: Rng) -> np.ndarray:
    """A bright spot near the middle: what is to be learnt."""
    h, w = pixels.shape
    y, x = np.mgrid[:h, :w]
    cy, cx = rng.uniform(0.4, 0.6, 2) * (h, w)
    return pixels + 70 * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / 40)


def save(pixels: np.ndarray, path: Path, **options: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path, **options)


def pictures(rng: Rng, folder: Path, n: int = 60) -> pd.DataFrame:
    """Grey JPEGs in one folder, their names in no order of the label, and a manifest."""
    ill = rng.random(n) < 0.5
    rows = []
    for i in range(n):
        pixels = picture(rng)
        save(ill_spot(pixels, rng) if ill[i] else pixels, folder / f"scan{i:04d}.jpg", quality=90)
        rows.append({"file": str(folder / f"scan{i:04d}.jpg"), "ill": "yes" if ill[i] else "no"})
    return pd.DataFrame(rows)


def opened(path: str) -> np.ndarray:
    return np.asarray(Image.open(path).convert("L"), dtype=float)


def sequences(rng: Rng, n: int = 120, length: int = 80) -> pd.DataFrame:
    """Random DNA; the ill have a motif somewhere."""
    ill = rng.random(n) < 0.5
    rows = []
    for i in range(n):
        text = "".join(rng.choice(list("ACGT"), length))
        at = int(rng.integers(0, length - 8))
        text = text[:at] + "TATAAACG" + text[at + 8 :] if ill[i] else text
        rows.append({"seq": text, "ill": "yes" if ill[i] else "no"})
    return pd.DataFrame(rows)


def signals(rng: Rng, folder: Path, n: int = 40, rate: float = 128.0) -> pd.DataFrame:
    """Two channels of noise with a rhythm that tells the label, in .npz files."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for i in range(n):
        ill = bool(rng.random() < 0.5)
        time = np.arange(640) / 128
        values = rng.normal(size=(2, 640)) + np.sin(2 * np.pi * (12 if ill else 6) * time + rng.uniform(0, 6))
        rows.append(
            {"file": signal_file(folder / f"s{i:03d}.plant", values, rate), "ill": "yes" if ill else "no"}
        )
    return pd.DataFrame(rows)


def signal_file(path: Path, values: np.ndarray, rate: float = 128.0, names: str = "Fz Cz") -> str:
    with path.open("wb") as file:
        np.savez(file, values=values, rate=rate, names=names)
    return str(path)


def volumes(rng: Rng, folder: Path, n: int = 30) -> pd.DataFrame:
    """Smooth random volumes with a spot in the ill, in .npz files."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for i in range(n):
        ill = bool(rng.random() < 0.5)
        values = gaussian_filter(rng.normal(size=(20, 22, 18)), 2, mode="wrap") * 500 + 40 * rng.normal(
            size=(20, 22, 18)
        )
        values[8:12, 9:13, 7:11] += 300 * ill
        rows.append({"file": volume_file(folder / f"v{i:03d}.plant", values), "ill": "yes" if ill else "no"})
    return pd.DataFrame(rows)


def volume_file(path: Path, values: np.ndarray, spacing: tuple[float, ...] = (1.0, 1.0, 1.0)) -> str:
    with path.open("wb") as file:
        np.savez(file, values=values, spacing=spacing)
    return str(path)


def _open_signal(ref: Any) -> Signal:
    with np.load(ref.path) as file:
        names = str(file["names"]).split()
        return Signal(
            file["values"].astype(np.float32), float(file["rate"]), tuple(names), ("uV",) * len(names)
        )


def _open_volume(ref: Any) -> Volume:
    with np.load(ref.path) as file:
        return Volume(file["values"].astype(np.float32), np.diag([*file["spacing"], 1.0]))


for _kind, _opener in (("signal", _open_signal), ("volume", _open_volume)):
    add_decoder(Decoder(f"plant-{_kind}", _kind, lambda ref: ref.path.endswith(".plant"), _opener))


def clean_scenes(seed: int, folder: Path) -> dict[str, Scene]:
    """Cohorts of every kind without a trap, with test data, a source, sites and patients."""
    rng = np.random.default_rng(1000 + seed)
    grouped = {"group": "subject", "domain": "site"}
    parts = [table(rng, n, patients=p) for n, p in ((240, 90), (80, 40), (240, 90))]
    for k, part in enumerate(parts):
        part["subject"] = f"{'abc'[k]} " + part["subject"]
    many = table(rng, 150)
    wide = pd.DataFrame(rng.normal(size=(150, 400)), columns=[f"g{i}" for i in range(400)])
    measured = table(rng, 200)
    measured["ill"] = measured["crp"] + rng.normal(size=200)
    image, other = pictures(rng, folder / "i"), pictures(rng, folder / "j", 24)
    image["site"] = rng.choice(["north", "south"], len(image))
    return {
        "table": Scene(cohort(table(rng)), cohort(table(rng, 80))),
        "table, patients, sites, source": Scene(
            cohort(parts[0], **grouped), cohort(parts[1], **grouped), [cohort(parts[2], **grouped)]
        ),
        "table, 400 columns": Scene(cohort(pd.concat([many[["ill"]], wide], axis=1))),
        "table, measured label": Scene(cohort(measured)),
        "images, sites": Scene(
            read(image, label="ill", image="file", domain="site"), read(other, label="ill", image="file")
        ),
        "sequences": Scene(
            read(sequences(rng), label="ill", sequence="seq"),
            read(sequences(rng, 40), label="ill", sequence="seq"),
        ),
        "signals": Scene(read(signals(rng, folder / "s"), label="ill", signal="file")),
        "volumes": Scene(read(volumes(rng, folder / "v"), label="ill", volume="file")),
    }
