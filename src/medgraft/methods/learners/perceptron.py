"""One hidden layer of tanh units: outputs, gradients and Jacobians in closed form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medgraft.methods.splits import Floats


@dataclass(frozen=True)
class Perceptron:
    """The shape of a network with one hidden layer; its parameters are one flat vector.

    Parameters
    ----------
    p, hidden, m : int
        Inputs, hidden units, outputs.
    softmax : bool
        Whether outputs are class probabilities; else they are values.

    Examples
    --------
    >>> net = Perceptron(3, 2, 4, softmax=True)
    >>> net.size, net.outputs(np.zeros(net.size), np.ones((1, 3))).tolist()
    (20, [[0.25, 0.25, 0.25, 0.25]])
    """

    p: int
    hidden: int
    m: int
    softmax: bool

    @property
    def size(self) -> int:
        """Number of parameters."""
        return (self.p + 1) * self.hidden + (self.hidden + 1) * self.m

    @property
    def free(self) -> Floats:
        """1 for weights (size,), 0 for intercepts, which no penalty touches."""
        A, B = np.ones((self.p + 1, self.hidden)), np.ones((self.hidden + 1, self.m))
        A[-1], B[-1] = 0.0, 0.0
        return np.concatenate([A.ravel(), B.ravel()])

    def start(self, seed: int) -> Floats:
        """Draw parameters (size,) that keep the variance of standardised inputs."""
        rng = np.random.default_rng(seed)
        A = rng.normal(size=(self.p + 1, self.hidden)) / np.sqrt(self.p)
        B = rng.normal(size=(self.hidden + 1, self.m)) / np.sqrt(self.hidden)
        return np.concatenate([A.ravel(), B.ravel()]) * self.free

    def layers(self, theta: Floats) -> tuple[Floats, Floats]:
        """Weights of both layers, (p + 1, hidden) and (hidden + 1, m), intercepts last."""
        cut = (self.p + 1) * self.hidden
        return theta[:cut].reshape(self.p + 1, self.hidden), theta[cut:].reshape(self.hidden + 1, self.m)

    def run(self, theta: Floats, Z: Floats) -> tuple[Floats, Floats]:
        """Hidden activations (n, hidden) and outputs (n, m)."""
        A, B = self.layers(theta)
        H = np.tanh(Z @ A[:-1] + A[-1])
        eta = H @ B[:-1] + B[-1]
        if self.softmax:
            eta = np.exp(eta - eta.max(axis=1, keepdims=True))
            eta /= eta.sum(axis=1, keepdims=True)
        return H, eta

    def outputs(self, theta: Floats, Z: Floats) -> Floats:
        """Probabilities or values (n, m)."""
        return self.run(theta, Z)[1]

    def loss(
        self, theta: Floats, Z: Floats, T: Floats, weight: Floats, penalty: float
    ) -> tuple[float, Floats]:
        """Log loss or half the squared error, by weight, plus penalty/2 |weights|^2; and its gradient."""
        H, Q = self.run(theta, Z)
        if self.softmax:
            each = -np.log(np.maximum((Q * T).sum(axis=1), 1e-300))
        else:
            each = 0.5 * ((Q - T) ** 2).sum(axis=1)
        D = (Q - T) * weight[:, None]
        back = (D @ self.layers(theta)[1][:-1].T) * (1.0 - H**2)
        grad = np.concatenate(
            [
                (Z.T @ back).ravel(),
                back.sum(axis=0),
                (H.T @ D).ravel(),
                D.sum(axis=0),
            ]
        )
        small = penalty * self.free * theta
        return float(weight @ each) + 0.5 * float(small @ theta), grad + small

    def jacobian(self, theta: Floats, Z: Floats) -> Floats:
        """Derivatives (n, m, size) of the outputs by the parameters."""
        H, Q = self.run(theta, Z)
        # dQ/deta: diag(q) - q q' of the softmax, or the identity
        S = Q[:, :, None] * (np.eye(self.m) - Q[:, None, :]) if self.softmax else np.eye(self.m)[None]
        n = len(Z)
        S = np.broadcast_to(S, (n, self.m, self.m))
        back = np.einsum("nab,hb,nh->nah", S, self.layers(theta)[1][:-1], 1.0 - H**2, optimize=True)
        Z1, H1 = (np.column_stack([a, np.ones(len(a))]) for a in (Z, H))
        first = np.einsum("np,nah->naph", Z1, back)
        last = np.einsum("nh,nab->nahb", H1, S)
        return np.concatenate([first.reshape(n, self.m, -1), last.reshape(n, self.m, -1)], axis=2)
