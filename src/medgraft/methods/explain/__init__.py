"""Why a fitted model says what it says: maps, columns, concepts, near cases, and whether to believe them."""

from medgraft.methods.explain.activations import activations, blocks_by_name
from medgraft.methods.explain.attribute import attribute
from medgraft.methods.explain.deletion import Faithfulness, deletion
from medgraft.methods.explain.frame import Attribution
from medgraft.methods.explain.grad_cam import grad_cam, grad_cam_plus_plus
from medgraft.methods.explain.importance import Importance, permutation_importance
from medgraft.methods.explain.integrated_gradients import integrated_gradients
from medgraft.methods.explain.nearest import Nearest, nearest
from medgraft.methods.explain.occlusion import occlusion
from medgraft.methods.explain.randomise import Sanity, randomise
from medgraft.methods.explain.registry import Explanation, explanation, explanations, map_names
from medgraft.methods.explain.rollout import attention_rollout
from medgraft.methods.explain.shap_values import ColumnValues, shap_values
from medgraft.methods.explain.similarity import cka, rsa
from medgraft.methods.explain.tcav import Concept, tcav

__all__ = [
    "Attribution",
    "ColumnValues",
    "Concept",
    "Explanation",
    "Faithfulness",
    "Importance",
    "Nearest",
    "Sanity",
    "activations",
    "attention_rollout",
    "attribute",
    "blocks_by_name",
    "cka",
    "deletion",
    "explanation",
    "explanations",
    "grad_cam",
    "grad_cam_plus_plus",
    "integrated_gradients",
    "map_names",
    "nearest",
    "occlusion",
    "permutation_importance",
    "randomise",
    "rsa",
    "shap_values",
    "tcav",
]
