"""Metrics of classification and regression, each over many weight vectors at once."""

from medgraft.evidence.metrics.base import Metric, as_metric, default_metric, metrics

__all__ = ["Metric", "as_metric", "default_metric", "metrics"]
