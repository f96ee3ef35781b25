"""The network and images of the fine-tuning tests."""

from methods.finetune.conftest import images, network, one_thread  # noqa: F401
