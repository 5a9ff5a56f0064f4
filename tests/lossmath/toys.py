"""Small losses that live in no catalogue, to test what the regression family does not need."""

from lossmath.arguments import Argument
from lossmath.domains import Simplex
from lossmath.loss import Loss


class LogProbability(Loss, abstract=True):
    """Minus the log-probability at the label's place: class scores and integer labels."""

    arguments = (
        Argument("log_probs", axes="c"),
        Argument("label", index_of="c", differentiable=False),
    )

    def _chosen(self, log_probs, label, xp):
        classes = xp.arange(log_probs.shape[-1])
        return xp.astype(classes == xp.expand_dims(label, axis=-1), log_probs.dtype)

    def f(self, log_probs, label, xp):
        return -xp.sum(self._chosen(log_probs, label, xp) * log_probs, axis=-1)

    def df(self, log_probs, label, xp):
        return -self._chosen(log_probs, label, xp)


class SquaredDistance(Loss, abstract=True):
    """Squared distance of an anchor to two others, and back: three vectors, dense Hessian."""

    arguments = (Argument("anchor", "d"), Argument("near", "d"), Argument("far", "d"))

    def f(self, anchor, near, far, xp):
        return xp.sum((anchor - near) ** 2 - (anchor - far) ** 2, axis=-1)

    def df(self, anchor, near, far, xp):
        return 2 * (far - near), 2 * (near - anchor), 2 * (anchor - far)

    def d2f(self, anchor, near, far, xp):
        size = anchor.shape[-1]
        eye = 2 * xp.eye(size, dtype=anchor.dtype) * xp.ones_like(anchor)[..., None]
        return (0 * eye, -eye, eye), (-eye, eye, 0 * eye), (eye, 0 * eye, -eye)


class Surprise(Loss, abstract=True):
    """Sum of squares of probabilities: an argument on the simplex and no target."""

    arguments = (Argument("probabilities", "c", domain=Simplex()),)

    def f(self, p, xp):
        return xp.sum(p * p, axis=-1)

    def df(self, p, xp):
        return 2 * p


class Corner(Loss, abstract=True):
    """The size of a whole array: a penalty, with a kink wherever an entry is 0."""

    arguments = (Argument("weights_array", "..."),)

    def f(self, w, xp):
        return xp.sum(xp.abs(w))

    def df(self, w, xp):
        return xp.sign(w)
