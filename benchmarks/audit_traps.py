"""Traps, planted one at a time into small generated cohorts, and the check that must find each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image
from scipy.ndimage import gaussian_filter

from audit_scenes import (
    Rng,
    Scene,
    cohort,
    opened,
    pictures,
    save,
    sequences,
    signal_file,
    signals,
    table,
    volume_file,
    volumes,
)
from medgraft.cohort import read


@dataclass(frozen=True)
class Plant:
    """A trap, the check that must find it, and how bad it must be called at least."""

    name: str
    check: str
    severity: str
    make: Callable[[Rng, Path], Scene]
    says: str = ""  # must stand in the finding, so that another finding of the same check does not count

    def found(self, seed: int, folder: Path) -> bool:
        order = ("severe", "warning", "note")
        result = self.make(np.random.default_rng(seed), folder).audit([self.check])
        bad = order[: order.index(self.severity) + 1]
        return any(
            f.check == self.check and f.severity in bad and self.says in f.sentence for f in result.findings
        )


PLANTS: list[Plant] = []


def plant(name: str, check: str, severity: str, says: str = "") -> Callable[..., Any]:
    def add(make: Callable[[Rng, Path], Scene]) -> Callable[[Rng, Path], Scene]:
        PLANTS.append(Plant(name, check, severity, make, says))
        return make

    return add


@plant("rows of the data in the test data", "exact-duplicates", "severe", "test rows")
def _(rng: Rng, folder: Path) -> Scene:
    data, test = table(rng), table(rng, 80)
    return Scene(cohort(data), cohort(pd.concat([test, data[10:14]])))


@plant("rows twice in the data", "exact-duplicates", "severe", "folds")
def _(rng: Rng, folder: Path) -> Scene:
    data = table(rng)
    return Scene(cohort(pd.concat([data, data[:8]])))


@plant("rows twice, with another label", "exact-duplicates", "severe", "another label")
def _(rng: Rng, folder: Path) -> Scene:
    data = table(rng)
    again = data[:3].assign(ill=data["ill"][:3].map({"yes": "no", "no": "yes"}))
    return Scene(cohort(pd.concat([data, again])))


@plant("one patient's rows under two names", "exact-duplicates", "severe", "other patients")
def _(rng: Rng, folder: Path) -> Scene:
    data = table(rng, patients=80)
    return Scene(cohort(pd.concat([data, data[:3].assign(subject="other")]), group="subject"))


@plant("rows of the data in a source", "exact-duplicates", "severe", "source")
def _(rng: Rng, folder: Path) -> Scene:
    data, other = table(rng), table(rng)
    return Scene(cohort(data), sources=[cohort(pd.concat([other, data[:5]]))])


@plant("rows with rounded numbers in the test data", "near-equal-rows", "severe", "test rows")
def _(rng: Rng, folder: Path) -> Scene:
    data, test = table(rng), table(rng, 80)
    again = data[:5].round(2)
    return Scene(cohort(data), cohort(pd.concat([test, again])))


@plant("patients of the data in the test data", "same-patient", "severe", "test data")
def _(rng: Rng, folder: Path) -> Scene:
    data, test = table(rng, patients=90), table(rng, 60)
    test["subject"] = ["Ana 0"] + [f"new {i}" for i in range(59)]
    data["subject"] = data["subject"].where(data.index > 1, "Ana 0")
    return Scene(cohort(data, group="subject"), cohort(test, group="subject"))


@plant("patients of the data in a source", "same-patient", "warning", "source")
def _(rng: Rng, folder: Path) -> Scene:
    data, other = table(rng, patients=90), table(rng, patients=90)
    return Scene(cohort(data, group="subject"), sources=[cohort(other, group="subject")])


@plant("patients with several rows, not named", "unnamed-patients", "severe", "subject")
def _(rng: Rng, folder: Path) -> Scene:
    return Scene(cohort(table(rng, patients=70)))


@plant("patients with two labels", "same-patient", "note", "different labels")
def _(rng: Rng, folder: Path) -> Scene:
    return Scene(cohort(table(rng, patients=70), group="subject"))


@plant("all ill from one site", "site-confound", "severe")
def _(rng: Rng, folder: Path) -> Scene:
    data = table(rng)
    data["site"] = np.where(data["ill"] == "yes", "north", "south")
    data.loc[:2, "site"] = "north"
    return Scene(cohort(data, domain="site"))


@plant("most ill from one site", "site-confound", "warning")
def _(rng: Rng, folder: Path) -> Scene:
    data = table(rng)
    north = np.where(data["ill"] == "yes", 0.8, 0.25) > rng.random(len(data))
    return Scene(cohort(data.assign(site=np.where(north, "north", "south")), domain="site"))


@plant("a source of the ill alone", "site-confound", "warning")
def _(rng: Rng, folder: Path) -> Scene:
    other = table(rng, 400)
    other = other[(other["ill"] == "yes") | (np.arange(400) < 8)]
    return Scene(cohort(table(rng)), sources=[cohort(other)])


@plant("a constant column", "constant-columns", "note", "one value only")
def _(rng: Rng, folder: Path) -> Scene:
    return Scene(cohort(table(rng).assign(lab="A")))


@plant("a nearly constant column", "constant-columns", "note", "99 %")
def _(rng: Rng, folder: Path) -> Scene:
    return Scene(cohort(table(rng, 300).assign(flag=[1.0] + [0.0] * 299)))


@plant("a counter", "identifier-columns", "warning")
def _(rng: Rng, folder: Path) -> Scene:
    return Scene(cohort(table(rng).assign(visit=np.arange(200) + 1000)))


@plant("an identifier of numbers", "identifier-columns", "warning")
def _(rng: Rng, folder: Path) -> Scene:
    return Scene(cohort(table(rng).assign(record_no=rng.permutation(10**6)[:200])))


@plant("the label under another name", "leaking-columns", "severe")
def _(rng: Rng, folder: Path) -> Scene:
    data = table(rng)
    return Scene(cohort(data.assign(treated=np.where(data["ill"] == "yes", "drug", "none"))))


@plant("a number made from the label", "leaking-columns", "severe")
def _(rng: Rng, folder: Path) -> Scene:
    data = table(rng)
    return Scene(cohort(data.assign(stay=8 * (data["ill"] == "yes") + rng.normal(size=200))))


@plant("the label among 300 columns", "leaking-columns", "severe")
def _(rng: Rng, folder: Path) -> Scene:
    data = table(rng)
    wide = pd.DataFrame(rng.normal(size=(200, 300)), columns=[f"g{i}" for i in range(300)])
    wide["g207"] = 6 * (data["ill"] == "yes") + rng.normal(size=200)
    return Scene(cohort(pd.concat([data[["ill"]], wide], axis=1)))


@plant("a number that follows a measured label", "leaking-columns", "severe")
def _(rng: Rng, folder: Path) -> Scene:
    data = table(rng, 300)
    data["ill"] = data["crp"] + rng.normal(size=300)
    return Scene(cohort(data.assign(score=10 * data["ill"] + 0.01 * rng.normal(size=300))))


@plant("a column twice", "duplicated-columns", "note")
def _(rng: Rng, folder: Path) -> Scene:
    data = table(rng)
    return Scene(cohort(data.assign(crp_again=data["crp"], tobacco=data["smoker"].str.upper())))


@plant("a test made in the ill alone", "missing-by-class", "severe")
def _(rng: Rng, folder: Path) -> Scene:
    data = table(rng)
    return Scene(cohort(data.assign(biopsy=np.where(data["ill"] == "yes", rng.normal(size=200), np.nan))))


@plant("a test made more often in the ill", "missing-by-class", "warning")
def _(rng: Rng, folder: Path) -> Scene:
    data = table(rng)
    made = rng.random(200) < np.where(data["ill"] == "yes", 0.8, 0.3)
    return Scene(cohort(data.assign(mri=np.where(made, rng.normal(size=200), np.nan))))


@plant("text that names the class", "label-in-text", "severe")
def _(rng: Rng, folder: Path) -> Scene:
    data = table(rng)
    data["ill"] = data["ill"].map({"yes": "sepsis", "no": "control"})
    words = np.where(data["ill"] == "sepsis", "suspected Sepsis", "check-up")
    return Scene(cohort(data.assign(reason=np.where(rng.random(200) < 0.3, words, "other"))))


@plant("rows sorted by the label", "row-order", "note")
def _(rng: Rng, folder: Path) -> Scene:
    return Scene(cohort(table(rng).sort_values("ill")))


@plant("a class with fewer patients than folds", "small-classes", "severe", "fewer patients than")
def _(rng: Rng, folder: Path) -> Scene:
    data = table(rng)
    data.loc[:2, "ill"] = "perhaps"
    return Scene(cohort(data))


@plant("a rare class", "small-classes", "warning", "rare")
def _(rng: Rng, folder: Path) -> Scene:
    data = table(rng, 400)
    return Scene(cohort(data.assign(ill=["yes"] * 7 + ["no"] * 393)))


@plant("few patients", "small-classes", "warning", "patients only")
def _(rng: Rng, folder: Path) -> Scene:
    return Scene(cohort(table(rng, 16).assign(ill=["yes", "no"] * 8)))


@plant("a site with fewer patients than folds", "small-sites", "warning")
def _(rng: Rng, folder: Path) -> Scene:
    data = table(rng)
    data.loc[:2, "site"] = "island"
    return Scene(cohort(data, domain="site"))


def _images(frame: pd.DataFrame, test: pd.DataFrame | None = None, **roles: Any) -> Scene:
    roles = {"label": "ill", "image": "file", "group": "none"} | roles
    return Scene(read(frame, **roles), None if test is None else read(test, **roles))


def _changed(
    change: Callable[[Image.Image], Image.Image], suffix: str = ".jpg"
) -> Callable[[Rng, Path], Scene]:
    """Put changed copies of three images of the data into the test data."""

    def make(rng: Rng, folder: Path) -> Scene:
        data, test = pictures(rng, folder / "a"), pictures(rng, folder / "b", 24)
        extra = []
        for i in (3, 7, 11):
            path = folder / "b" / f"again{chr(65 + i)}{suffix}"
            change(Image.open(data["file"][i])).save(path)
            extra.append({"file": str(path), "ill": data["ill"][i]})
        return _images(data, pd.concat([test, pd.DataFrame(extra)], ignore_index=True))

    return make


_T = Image.Transpose


def _two_layers(image: Image.Image) -> Image.Image:
    return image.convert("RGB")


for _name, _check, _change, _suffix in (
    ("the bytes of an image again", "exact-duplicates", None, ".jpg"),
    ("an image saved in another format", "near-duplicates", lambda im: im, ".png"),
    ("an image compressed again, in colour", "near-duplicates", _two_layers, ".jpg"),
    ("an image made larger", "near-duplicates", lambda im: im.resize((211, 211)), ".jpg"),
    ("an image made brighter", "near-duplicates", lambda im: im.point(lambda v: 0.7 * v + 60), ".jpg"),
    ("an image mirrored", "augmented-copies", lambda im: im.transpose(_T.FLIP_LEFT_RIGHT), ".jpg"),
    ("an image upside down", "augmented-copies", lambda im: im.transpose(_T.FLIP_TOP_BOTTOM), ".jpg"),
    ("an image turned by 90 degrees", "augmented-copies", lambda im: im.transpose(_T.ROTATE_90), ".jpg"),
    ("an image turned by 180 degrees", "augmented-copies", lambda im: im.transpose(_T.ROTATE_180), ".png"),
    ("an image transposed", "augmented-copies", lambda im: im.transpose(_T.TRANSPOSE), ".jpg"),
):  # fmt: skip
    if _change is None:

        def _copied(rng: Rng, folder: Path) -> Scene:
            data, test = pictures(rng, folder / "a"), pictures(rng, folder / "b", 24)
            path = folder / "b" / "again.jpg"
            path.write_bytes(Path(data["file"][5]).read_bytes())
            more = pd.DataFrame([{"file": str(path), "ill": "yes"}])
            return _images(data, pd.concat([test, more], ignore_index=True))

        plant(_name, _check, "severe", "test rows")(_copied)
    else:
        plant(_name, _check, "severe", "test rows")(_changed(_change, _suffix))


def _spoilt(spoil: Callable[[pd.DataFrame, Rng], None]) -> Callable[[Rng, Path], Scene]:
    def make(rng: Rng, folder: Path) -> Scene:
        data = pictures(rng, folder / "a")
        spoil(data, rng)
        return _images(data)

    return make


def _each(data: pd.DataFrame, which: list[int], change: Callable[[np.ndarray], np.ndarray]) -> None:
    for i in which:
        save(change(opened(data["file"][i])), Path(data["file"][i]), quality=90)


def _of(data: pd.DataFrame, label: str) -> list[int]:
    return np.flatnonzero(data["ill"] == label).tolist()


def _marked(pixels: np.ndarray) -> np.ndarray:
    pixels = pixels.copy()
    pixels[:6, :30] = 255
    return pixels


plant("black images", "image-quality", "severe", "black")(
    _spoilt(lambda d, r: _each(d, [2, 9], lambda p: 0 * p))
)
plant("saturated images", "image-quality", "warning", "saturated")(
    _spoilt(lambda d, r: _each(d, [2, 9], lambda p: p + 140))
)
plant("blurred images", "image-quality", "warning", "sharp")(
    _spoilt(lambda d, r: _each(d, [2, 9], lambda p: gaussian_filter(p, 3)))
)
plant("images that cannot be opened", "unreadable", "severe")(
    _spoilt(
        lambda d, r: [Path(d["file"][i]).write_bytes(b"\xff\xd8\xff\xe0 broken") for i in (1, 4)] and None
    )
)
plant("images of several sizes", "mixed-images", "note", "sizes")(
    _spoilt(lambda d, r: _each(d, [2, 9], lambda p: p[:80, :70]))
)
plant("images in colour among grey ones", "mixed-images", "note", "colour modes")(
    _spoilt(lambda d, r: Image.open(d["file"][3]).convert("RGB").save(d["file"][3]))
)
plant("a mark at the border of the ill", "technical-confound", "severe", "borders")(
    _spoilt(lambda d, r: _each(d, _of(d, "yes"), _marked))
)
plant("images of the ill in another size", "technical-confound", "severe", "size")(
    _spoilt(lambda d, r: _each(d, _of(d, "yes"), lambda p: p[:90]))
)


@plant("a border of the site", "technical-confound", "note", "tell the site")
def _(rng: Rng, folder: Path) -> Scene:
    data = pictures(rng, folder / "a", 100)
    data["site"] = rng.choice(["north", "south"], 100)
    _each(data, np.flatnonzero(data["site"] == "north").tolist(), _marked)
    return _images(data, domain="site")


def _renamed(name: Callable[[int], str]) -> Callable[[Rng, Path], Scene]:
    def make(rng: Rng, folder: Path) -> Scene:
        data = pictures(rng, folder / "a")
        for i in range(len(data)):
            path = folder / "a" / name(i)
            path.parent.mkdir(exist_ok=True)
            Path(data["file"][i]).rename(path)
            data.loc[i, "file"] = str(path)
        return _images(data)

    return make


plant("left and right of one person", "unnamed-patients", "severe")(
    _renamed(lambda i: f"{100 + i // 2}_{('left', 'right')[i % 2]}.jpg")
)
plant("two films of one woman", "unnamed-patients", "severe")(_renamed(lambda i: f"mdb{i + 1:03d}.jpg"))
plant("numbered slices of a person", "unnamed-patients", "warning")(
    _renamed(lambda i: f"pat{i // 4}_slice{i % 4}.jpg")
)
plant("a folder for each person", "unnamed-patients", "warning")(
    _renamed(lambda i: f"p{i // 4}/{'abcd'[i % 4]}.jpg")
)


@plant("headers with names", "identified-headers", "warning", "identifiers")
def _(rng: Rng, folder: Path) -> Scene:
    return _images(pictures(rng, folder / "a").assign(identified=[True] * 3 + [False] * 57))


@plant("text burned into the pixels", "identified-headers", "warning", "burned")
def _(rng: Rng, folder: Path) -> Scene:
    return _images(pictures(rng, folder / "a").assign(burned_in=["YES"] * 3 + ["NO"] * 57))


def _sequences(change: Callable[[str, Rng], str]) -> Callable[[Rng, Path], Scene]:
    def make(rng: Rng, folder: Path) -> Scene:
        data, test = sequences(rng), sequences(rng, 40)
        again = data[:4].assign(seq=[change(s, rng) for s in data["seq"][:4]])
        roles: dict[str, Any] = {"label": "ill", "sequence": "seq"}
        return Scene(read(data, **roles), read(pd.concat([test, again], ignore_index=True), **roles))

    return make


def _mutated(text: str, rng: Rng) -> str:
    letters = list(text)
    for at in rng.choice(len(text), 3, replace=False):
        letters[at] = "ACGT"[("ACGT".index(letters[at]) + 1) % 4]
    return "".join(letters)


plant("sequences again", "exact-duplicates", "severe", "test rows")(_sequences(lambda s, r: s))
plant("sequences with three letters changed", "near-identical-sequences", "severe", "test rows")(
    _sequences(_mutated)
)
plant("sequences shifted by six letters", "near-identical-sequences", "severe", "test rows")(
    _sequences(lambda s, r: s[6:] + "".join(r.choice(list("ACGT"), 6)))
)
plant("sequences cut short, as RNA", "near-identical-sequences", "severe", "test rows")(
    _sequences(lambda s, r: s[5:-5].replace("T", "U"))
)


def _signals(change: Callable[[pd.DataFrame, Rng, Path], None]) -> Callable[[Rng, Path], Scene]:
    def make(rng: Rng, folder: Path) -> Scene:
        data = signals(rng, folder / "a")
        change(data, rng, folder)
        return Scene(read(data, label="ill", signal="file"))

    return make


def _rewrite(path: str, change: Callable[[np.ndarray], np.ndarray], **facts: Any) -> None:
    with np.load(path) as file:
        values = change(file["values"])
    signal_file(Path(path), values, **facts)


@plant("a signal with another gain", "near-duplicates", "severe", "test row")
def _(rng: Rng, folder: Path) -> Scene:
    data, test = signals(rng, folder / "a"), signals(rng, folder / "b", 20)
    with np.load(data["file"][4]) as file:
        signal_file(Path(test["file"][0]), np.round(file["values"] * 37 + 5, 1))
    return Scene(read(data, label="ill", signal="file"), read(test, label="ill", signal="file"))


plant("two sampling rates", "mixed-recordings", "warning", "sampling rates")(
    _signals(lambda d, r, f: [_rewrite(d["file"][i], lambda v: v, rate=256.0) for i in (1, 2)] and None)
)
plant("two montages", "mixed-recordings", "warning", "montages")(
    _signals(lambda d, r, f: _rewrite(d["file"][1], lambda v: v[::-1], names="Cz Fz"))
)
plant("a flat channel", "flat-signals", "warning", "flat")(
    _signals(lambda d, r, f: _rewrite(d["file"][1], lambda v: v * [[1], [0]]))
)
plant("missing samples", "flat-signals", "warning", "missing")(
    _signals(lambda d, r, f: _rewrite(d["file"][1], lambda v: np.where(v > 2, np.nan, v)))
)
plant("another sampling rate in the ill", "technical-confound", "severe", "recording")(
    _signals(
        lambda d, r, f: [_rewrite(d["file"][i], lambda v: v, rate=256.0) for i in _of(d, "yes")] and None
    )
)


@plant("a volume with another window", "near-duplicates", "severe", "test row")
def _(rng: Rng, folder: Path) -> Scene:
    data, test = volumes(rng, folder / "a"), volumes(rng, folder / "b", 12)
    with np.load(data["file"][4]) as file:
        volume_file(Path(test["file"][0]), np.round(file["values"] / 8 + 100))
    return Scene(read(data, label="ill", volume="file"), read(test, label="ill", volume="file"))


@plant("volumes of two spacings", "mixed-volumes", "warning", "spacings")
def _(rng: Rng, folder: Path) -> Scene:
    data = volumes(rng, folder / "a")
    with np.load(data["file"][4]) as file:
        volume_file(Path(data["file"][4]), file["values"], (1.0, 1.0, 3.0))
    return Scene(read(data, label="ill", volume="file"))


@plant("an empty volume", "mixed-volumes", "severe", "one value")
def _(rng: Rng, folder: Path) -> Scene:
    data = volumes(rng, folder / "a")
    volume_file(Path(data["file"][4]), np.zeros((20, 22, 18)))
    return Scene(read(data, label="ill", volume="file"))


def _outlined(change: Callable[[list[np.ndarray]], None]) -> Callable[[Rng, Path], Scene]:
    """Twelve pictures with an outline of value 1 each, changed."""

    def make(rng: Rng, folder: Path) -> Scene:
        data = pictures(rng, folder, 12)
        masks = [np.zeros(opened(path).shape, np.uint8) for path in data["file"]]
        for mask in masks:
            mask[4:9, 5:11] = 1
        change(masks)
        for i, mask in enumerate(masks):
            save(mask, folder / f"mask{i}.png")
        data["mask"] = [str(folder / f"mask{i}.png") for i in range(len(masks))]
        return Scene(read(data.drop(columns="ill"), image="file", mask="mask"))

    return make


def _put(masks: list[np.ndarray], i: int, mask: np.ndarray) -> None:
    masks[i] = mask


plant("an empty mask", "masks", "warning", "empty")(_outlined(lambda m: _put(m, 3, 0 * m[3])))
plant("a mask of another size", "masks", "severe", "size")(_outlined(lambda m: _put(m, 3, m[3][:-1])))
plant("a value of one patient", "masks", "warning", "value 7")(_outlined(lambda m: _put(m, 3, 7 * m[3])))
