"""Decisions from predictions: operating points, net benefit, nomograms, and ranking by several criteria."""

from medgraft.evidence.decision.band import Band
from medgraft.evidence.decision.curve import DecisionCurve, decision_curve, decision_difference
from medgraft.evidence.decision.measures import DecisionAccuracy, decision_accuracy
from medgraft.evidence.decision.nomogram import Nomogram
from medgraft.evidence.decision.operating_point import OperatingPoint, choose_threshold, cross_decisions
from medgraft.evidence.decision.ranking import Ranking, rank_models, ranking_agreement
from medgraft.evidence.decision.weights import critic_weights, entropy_weights, shap_weights

__all__ = [
    "Band",
    "DecisionAccuracy",
    "DecisionCurve",
    "Nomogram",
    "OperatingPoint",
    "Ranking",
    "choose_threshold",
    "critic_weights",
    "cross_decisions",
    "decision_accuracy",
    "decision_curve",
    "decision_difference",
    "entropy_weights",
    "rank_models",
    "ranking_agreement",
    "shap_weights",
]
