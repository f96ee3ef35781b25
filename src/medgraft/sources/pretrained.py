"""A pretrained network as a source, and how a few words become a source."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medgraft.base import MedgraftError, did_you_mean
from medgraft.cohort.media import ARRAYS
from medgraft.sources.arrays import Reading, kind_of_reading
from medgraft.sources.volumes import VolumeInput

if TYPE_CHECKING:
    from medgraft.cohort import Cohort
    from medgraft.sources.backbone import Backbone
    from medgraft.sources.radiomics import Radiomics
    from medgraft.sources.resolve import PretrainedSpec


@dataclass(frozen=True)
class Pretrained:
    """A network trained elsewhere, named but not yet loaded.

    Use it as the `source` of ``finetune``, ``linear-probe`` and ``scratch``, or of a whole trial on images.
    It is cheap to make, compare and send to other processes; the weights are read by the method.

    Parameters
    ----------
    spec : str
        ``"timm:NAME"``, ``"torchvision:NAME"``, ``"medgraft:NAME"``, ``"PATH.safetensors"`` or
        ``"PATH.safetensors@timm:NAME"``; a ``.pth`` file with tensors alone will do. Or the folder of a graft
        or run whose model is a network: what it learnt on one cohort is then taken on to the next, which must
        hold none of its patients.
    channels : int, default 3
        Channels the images are turned into before the network sees them: 1 (grey), 3 (RGB) or 4. The first
        layer is adapted, and the loading report says so.
    allow_partial : bool, default False
        Accept weights that fill less than 90 % of the network; the rest stays random.
    size : int, optional
        Side in pixels (voxels) that images (volumes) are brought to; default the network's own. Positions
        that a transformer has learnt are interpolated, and the loading report says so.
    volume : VolumeInput or str, optional
        How volumes are read, as in ``"slices=8,axis=coronal"``; without it, as `VolumeInput` has it.
    array : SignalReading, SequenceReading or OmicsReading, optional
        How signals, sequences or rows of omics become arrays; a trial finds out from its cohort, elsewhere
        `medgraft.sources.arrays.agreed` does.

    Examples
    --------
    >>> Pretrained("timm:resnet18").facts.mean
    (0.485, 0.456, 0.406)
    """

    spec: str
    channels: int = 3
    allow_partial: bool = False
    volume: VolumeInput | str | None = None
    size: int | None = None
    array: Reading | None = None

    def __post_init__(self) -> None:
        if self.size is not None and not 8 <= self.size <= 4096:
            raise MedgraftError(f"Images cannot be given a side of {self.size} pixels: use 8 to 4096.")
        if self.volume is not None:
            object.__setattr__(self, "volume", VolumeInput.of(self.volume))
        if self.channels not in (1, 3, 4):
            raise MedgraftError(f"Images cannot be given {self.channels} channels: use 1, 3 or 4.")

    @classmethod
    def of(cls, source: Pretrained | str | None) -> Pretrained:
        """Return `source` itself, or make one of its name.

        Raises
        ------
        MedgraftError
            There is none.
        """
        if source is None:
            raise MedgraftError(
                "This method needs a pretrained network: give source=Pretrained('timm:NAME') or, on the "
                "command line, --source."
            )
        return cls(source) if isinstance(source, str) else source

    @property
    def kind(self) -> str:
        """What it reads, as far as that was said: ``"image"`` unless volumes or arrays were spoken of."""
        if self.array is not None:
            return kind_of_reading(self.array)
        return "image" if self.volume is None else "volume"

    def reading(self, kind: str) -> Pretrained:
        """Return the source as it reads samples of a kind.

        Parameters
        ----------
        kind : {"image", "volume", "signal", "sequence", "omics"}

        Raises
        ------
        MedgraftError
            It is a network for other samples, or nobody said how arrays are read.
        """
        dims = self.facts.dims
        if kind in ARRAYS:
            return self._reading_array(kind, dims)
        if dims == 1:
            raise MedgraftError(
                f"The network '{self.spec}' reads signals, sequences or omics, and the data are {kind}s."
            )
        if kind == "volume":
            return self if self.volume is not None else replace(self, volume=VolumeInput())
        if dims == 3:
            raise MedgraftError(
                f"The network '{self.spec}' reads volumes, and the data are {kind}s: use one for images."
            )
        return self if self.volume is None else replace(self, volume=None)

    def _reading_array(self, kind: str, dims: int) -> Pretrained:
        if self.array is None or kind_of_reading(self.array) != kind:
            raise MedgraftError(
                f"Nobody said how '{self.spec}' reads {kind}s: give array=, which "
                "medgraft.sources.arrays.agreed finds."
            )
        if dims == 3:
            raise MedgraftError(f"The network '{self.spec}' reads volumes, and the data are {kind}s.")
        drawn = bool(getattr(self.array, "picture", ""))
        if drawn != (dims == 2):
            reads = {1: "arrays", 2: "pictures", 3: "volumes"}[dims]
            hint = {1: "leave out picture=", 2: "draw signals with picture=scalogram"}.get(
                dims, "take another"
            )
            raise MedgraftError(f"The network '{self.spec}' reads {reads}: {hint}.")
        return self

    @property
    def facts(self) -> PretrainedSpec:
        """Architecture, preprocessing and licence (see `PretrainedSpec`)."""
        from medgraft.sources.resolve import resolve

        facts = resolve(self.spec)
        if facts.dims == 1 and self.array is not None:
            return replace(facts, input_size=self.array.shape[1])
        return facts if self.size is None else replace(facts, input_size=self.size)

    @property
    def trained(self) -> bool:
        """Whether there are weights: of our own networks only files have any."""
        facts = self.facts
        return facts.path is not None or facts.library != "medgraft"

    def load(self, *, pretrained: bool = True, seed: int = 0) -> Backbone:
        """Read the weights; see :func:`medgraft.sources.backbone.load`."""
        from medgraft.sources.backbone import load
        from medgraft.sources.chain import OUTLINER

        facts = self.facts
        if facts.name == OUTLINER["name"]:
            raise MedgraftError(
                f"'{self.spec}' is a 3-D U-Net, which outlines and gives no features: it is a source of the "
                "arm unet3d alone."
            )
        return load(
            facts,
            channels=self.array.shape[0] if self.array is not None and facts.dims == 1 else self.channels,
            pretrained=pretrained,
            allow_partial=self.allow_partial,
            seed=seed,
            volume=None if self.volume is None else VolumeInput.of(self.volume),
            array=self.array,
        )

    def fingerprint(self) -> str:
        """SHA-256 over the name, the settings and the content of the weight file, if it is a file.

        Cheap: no library is imported for a file that says what it is.
        """
        facts = self.facts
        content = "" if facts.path is None else sha256_of(facts.path)
        said: dict[str, Any] = {
            "facts": facts.to_dict(),
            **{name: value for name, value in asdict(self).items() if value is not None},
            "spec": facts.name,
            "content": content,
        }
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()

    def __str__(self) -> str:
        return self.spec


def sha256_of(path: str | Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    with Path(path).expanduser().open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def source_kind(spec: str) -> str:
    """Tell whether a few words mean a network, radiomics or a cohort.

    Parameters
    ----------
    spec : str
        As typed after ``--source``.

    Returns
    -------
    str
        ``"network"``, ``"radiomics"`` or ``"cohort"``.

    Raises
    ------
    MedgraftError
        They mean none of these.

    Examples
    --------
    >>> source_kind("timm:resnet18"), source_kind("weights.safetensors@timm:resnet18")
    ('network', 'network')
    """
    from medgraft.sources.chain import graft_folder
    from medgraft.sources.registry import networks
    from medgraft.sources.resolve import LIBRARIES, split_file

    if spec.partition(":")[0] in LIBRARIES or split_file(spec)[0] or graft_folder(spec):
        return "network"
    if spec.partition(":")[0] == "radiomics":
        return "radiomics"
    if Path(spec).expanduser().exists():
        return "cohort"
    near = did_you_mean(spec, networks) or did_you_mean(f"timm:{spec}", networks)
    raise MedgraftError(
        f"The source '{spec}' is neither a file or folder that exists nor a network like timm:NAME.{near}"
    )


def source(spec: str | Path | Cohort | Pretrained | Radiomics) -> Pretrained | Radiomics | Cohort:
    """Make a source of a name; a cohort, a network or radiomics stays what it is.

    Parameters
    ----------
    spec : str, path, Cohort, Pretrained or Radiomics
        A network's name or weight file (see `Pretrained`), or ``"radiomics:region=otsu"`` (see `Radiomics`).

    Raises
    ------
    MedgraftError
        The path is a table or a folder: it has roles that only its reader knows, so read it with
        :func:`medgraft.read` first.

    Examples
    --------
    >>> source("timm:resnet18")
    Pretrained(spec='timm:resnet18', channels=3, allow_partial=False, volume=None, size=None, array=None)
    """
    if not isinstance(spec, str | Path):
        return spec
    kind = source_kind(str(spec))
    if kind == "radiomics":
        from medgraft.sources.radiomics import Radiomics

        return Radiomics.of(str(spec))
    if kind == "cohort":
        raise MedgraftError(
            f"'{spec}' holds patients, not a network: read it with medgraft.read and pass the cohort."
        )
    return Pretrained(str(spec))
