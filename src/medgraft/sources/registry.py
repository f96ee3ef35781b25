"""The networks medgraft knows by heart, as data: nothing here imports torch."""

from __future__ import annotations

from dataclasses import dataclass

from medgraft.base import Registry
from medgraft.sources.parameters import PARAMETERS

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
ASIS = ((0.0,), (1 / 255,))  # volumes are scaled before, one by one: see sources/volumes.py


@dataclass(frozen=True)
class NetworkEntry:
    """What is known of a pretrained network without loading it.

    Parameters
    ----------
    name : str
        ``"timm:mobilenetv2_100"`` or ``"torchvision:resnet18"``.
    library, architecture : str
        The two halves of the name.
    input_size : int
        Side of the square input in pixels.
    mean, std : tuple of float
        What is subtracted from, and what divides, the pixels in [0, 1], one a channel.
    interpolation : str
        How images are brought to `input_size`: ``"bilinear"`` or ``"bicubic"``.
    licence : str
        Licence of the weights.
    url : str or None
        Where the library fetches the weights; None: from its hub, under the architecture's name.
    sha256 : str or None
        First digits of the checksum, as the library publishes it.
    first_layer, head : str
        Names of the layer that sees the channels, and of the classifier that is cut off.
    builder : str
        For what no library builds as a trunk: ``"MODULE:FUNCTION"`` under `medgraft.networks`. The function
        takes ``channels`` (with ``dims=1`` also ``samples``) and the network's own settings, and returns a
        module without its head, images (b, channels, ...) -> features (b, d), whose tensors are named as in
        published weights.
    dims : int
        2 for images, 3 for volumes, 1 for signals, sequences and omics.
    """

    name: str
    library: str
    architecture: str
    input_size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    interpolation: str
    licence: str
    url: str | None
    sha256: str | None
    first_layer: str
    head: str
    builder: str = ""
    dims: int = 2

    @property
    def parameters(self) -> int | None:
        """Number of weights without the head; None where it is not known by heart."""
        return PARAMETERS.get(self.name)


networks: Registry[NetworkEntry] = Registry("network")


def _timm(
    architecture: str,
    first_layer: str,
    head: str,
    norm: tuple[tuple[float, ...], tuple[float, ...]] = IMAGENET,
    size: int = 224,
    licence: str = "Apache-2.0",
) -> None:
    name = f"timm:{architecture}"
    networks.add(
        name,
        NetworkEntry(
            name, "timm", architecture, size, *norm, "bicubic", licence, None, None, first_layer, head
        ),
    )


def _torchvision(
    architecture: str,
    file: str,
    first_layer: str,
    head: str,
    norm: tuple[tuple[float, ...], tuple[float, ...]] = IMAGENET,
    size: int = 224,
    builder: str = "",
) -> None:
    # The eight digits at the end of a torchvision file name open its SHA-256.
    name, digits = f"torchvision:{architecture}", file.rsplit("-", 1)[1]
    networks.add(
        name,
        NetworkEntry(
            name,
            "torchvision",
            architecture,
            size,
            *norm,
            "bilinear",
            "BSD-3-Clause",
            f"https://download.pytorch.org/models/{file}.pth",
            digits,
            first_layer,
            head,
            builder,
        ),
    )


def _own(
    architecture: str,
    builder: str,
    first_layer: str,
    head: str,
    norm: tuple[tuple[float, ...], tuple[float, ...]] = IMAGENET,
    size: int = 224,
    licence: str = "unknown",
    dims: int = 2,
) -> None:
    """Register a network of our own; its weights come from files alone, each with a licence of its own."""
    name = f"medgraft:{architecture}"
    networks.add(
        name,
        NetworkEntry(
            name,
            "medgraft",
            architecture,
            size,
            *norm,
            "bilinear",
            licence,
            None,
            None,
            first_layer,
            head,
            builder,
            dims,
        ),
    )


_timm("mobilenetv1_100", "conv_stem", "classifier", HALF)
_timm("mobilenetv2_100", "conv_stem", "classifier")
_timm("resnet18", "conv1", "fc")
_timm("resnet50", "conv1", "fc")
_timm("resnet101", "conv1", "fc")
_timm("wide_resnet50_2", "conv1", "fc")
_timm("densenet121", "features.conv0", "classifier")
_timm("densenet201", "features.conv0", "classifier")
_timm("efficientnet_b0", "conv_stem", "classifier")
_timm("efficientnet_b1", "conv_stem", "classifier", HALF, 240)
_timm("efficientnet_b2", "conv_stem", "classifier", size=256)
_timm("efficientnet_b3", "conv_stem", "classifier", size=288)
_timm("efficientnet_b4", "conv_stem", "classifier", size=320)
_timm("inception_v3", "Conv2d_1a_3x3.conv", "fc", HALF, 299)
_timm("inception_resnet_v2", "conv2d_1a.conv", "classif", HALF, 299)
_timm("legacy_xception", "conv1", "fc", HALF, 299)
_timm("convnext_tiny", "stem.0", "head.fc")
_timm("swin_tiny_patch4_window7_224", "patch_embed.proj", "head.fc", licence="MIT")
_timm("vit_tiny_patch16_224", "patch_embed.proj", "head", HALF)
_timm("vit_small_patch16_224", "patch_embed.proj", "head", HALF)

_torchvision("squeezenet1_1", "squeezenet1_1-b8a52dc0", "features.0", "classifier")
_torchvision("mobilenet_v2", "mobilenet_v2-7ebf99e0", "features.0.0", "classifier")
_torchvision("resnet18", "resnet18-f37072fd", "conv1", "fc")
_torchvision("resnet101", "resnet101-cd907fc2", "conv1", "fc")
_torchvision("wide_resnet50_2", "wide_resnet50_2-9ba9bcbe", "conv1", "fc")
_torchvision("vgg16", "vgg16-397923af", "features.0", "classifier")
_torchvision("vgg19", "vgg19-dcbb9e9d", "features.0", "classifier")
_torchvision("alexnet", "alexnet-owt-7be5be79", "features.0", "classifier")
_torchvision("densenet121", "densenet121-a639ec97", "features.conv0", "classifier")
_torchvision("densenet201", "densenet201-c1103571", "features.conv0", "classifier")
# These two turn ImageNet's normalisation back to the halves they were trained with; here it is done at once.
_torchvision("googlenet", "googlenet-1378be20", "conv1.conv", "fc", HALF)
_torchvision("inception_v3", "inception_v3_google-0cc3c7bd", "Conv2d_1a_3x3.conv", "fc", HALF, 299)

# Detectors whose trunks serve as feature extractors: the means of their maps.
_torchvision(
    "retinanet_resnet50_fpn",
    "retinanet_resnet50_fpn_coco-eeacb38b",
    "backbone.body.conv1",
    "head",
    size=512,
    builder="retinanet:retinanet_resnet50_fpn",
)
_own("centernet_resnet18", "centernet:centernet_resnet18", "conv1", "hm", size=512)

_own("darknet19", "darknet19:darknet19", "features.0.conv", "classifier", ((0.0,) * 3, (1.0,) * 3))
_own("plain_cnn", "plain_cnn:plain_cnn", "features.0.conv1", "classifier")
_own("cifar_resnet20", "cifar_resnet:cifar_resnet20", "conv1", "linear", size=32)
for _depth in (10, 18, 34, 50):  # the licence is that of MedicalNet's published weights
    _own(f"resnet3d_{_depth}", f"resnet3d:resnet3d_{_depth}", "conv1", "conv_seg", ASIS, 64, "MIT", 3)
_own("meshnet", "meshnet:meshnet", "0", "18", ASIS, 64, "MIT", 3)

# 1-D networks of our own; a size is that of the data where they do not say otherwise.
_own("eegnet", "eegnet:eegnet", "", "classifier", ASIS, 512, dims=1)
_own("inception_time", "inception_time:inception_time", "", "fc", ASIS, 512, dims=1)
_own("resnet1d", "resnet1d:resnet1d", "", "fc", ASIS, 512, dims=1)
_own("cnn1d", "cnn1d_deep:cnn1d", "", "fc", ASIS, 512, dims=1)
_own("sequence_cnn", "sequence_cnn:sequence_cnn", "", "fc", ASIS, 101, dims=1)
_own("bilstm_attention", "bilstm_attention:bilstm_attention", "", "fc", ASIS, 101, dims=1)
_own("altumage", "altumage:altumage", "bn1", "linear6", ASIS, 20318, "BSD-3-Clause", 1)
_own("mmsplice_donor", "mmsplice:mmsplice_donor", "", "out", ASIS, 18, "MIT", 1)
_own("mmsplice_acceptor", "mmsplice:mmsplice_acceptor", "", "out", ASIS, 53, "MIT", 1)
