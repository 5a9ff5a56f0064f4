"""Right solutions to 05 in other styles."""

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.figure import Figure

from autograder.bank import Accepted


class Loops(Accepted):
    """Plain loops with an `if` for each piece."""

    def huber(residual, delta):
        if delta <= 0:
            raise ValueError(f"delta={delta} must be positive")
        value = np.empty_like(residual)
        for i, r in np.ndenumerate(residual):
            if np.abs(r) <= delta:
                value[i] = 0.5 * r * r
            else:
                value[i] = delta * (np.abs(r) - 0.5 * delta)
        return value

    def huber_gradient(residual, delta):
        if delta <= 0:
            raise ValueError(f"delta={delta} must be positive")
        gradient = np.empty_like(residual)
        for i, r in np.ndenumerate(residual):
            gradient[i] = delta if r > delta else -delta if r < -delta else r
        return gradient

    def exact_deltas(residual):
        sizes = sorted(abs(float(r)) for r in residual.flat)
        nonzero = [size for size in sizes if size]
        return [nonzero[0] if nonzero else float("inf"), sizes[-1]]


class WhereOnSafeInputs(Accepted):
    """`np.where`, with the square taken of clipped residuals only."""

    def huber(residual, delta):
        if not delta > 0:
            raise ValueError("delta must be positive")
        size = np.abs(residual)
        square = np.minimum(size, delta) ** 2 / 2
        return np.where(size <= delta, square, delta * (size - 0.5 * delta))

    def huber_gradient(residual, delta):
        if not delta > 0:
            raise ValueError("delta must be positive")
        return np.where(np.abs(residual) <= delta, residual, delta * np.sign(residual))


class TorchAutograd(Accepted):
    """torch's own loss and automatic differentiation; tensors come out."""

    def huber(residual, delta):
        if delta <= 0:
            raise ValueError("delta must be positive")
        r = torch.tensor(residual)
        return torch.nn.functional.huber_loss(r, torch.zeros_like(r), reduction="none", delta=delta)

    def squared_error_gradient(residual):
        r = torch.tensor(residual, requires_grad=True)
        return torch.autograd.grad((r**2).sum(), r)[0]

    def absolute_error_gradient(residual):
        r = torch.tensor(residual, requires_grad=True)
        r.abs().sum().backward()
        return r.grad


class ParabolaMinusExcess(Accepted):
    """Huber as δ|r| less a parabola of what is missing to δ."""

    def huber(residual, delta):
        if not delta > 0:
            raise ValueError("delta must be positive")
        core = np.clip(np.abs(residual), 0, delta)
        return core**2 / 2 + delta * np.maximum(np.abs(residual) - delta, 0)

    def absolute_error_gradient(residual):
        return (residual > 0).astype(residual.dtype) - (residual < 0).astype(residual.dtype)

    def huber_gradient(residual, delta):
        if not delta > 0:
            raise ValueError("delta must be positive")
        return np.sign(residual) * np.minimum(np.abs(residual), delta)


class FigureWithoutPyplot(Accepted):
    """A figure made without pyplot, a gap at the jump, other grids and other names."""

    def draw_gradients(delta):
        figure = Figure()
        axes = figure.add_subplot()
        r = np.linspace(-5, 5, 1000)
        axes.plot(r, 2 * r, label="Squared error (MSE)")
        gap = np.concatenate([np.linspace(-5, 0, 60), [0.0], np.linspace(0, 5, 60)])
        sign = np.concatenate([-np.ones(60), [np.nan], np.ones(60)])
        axes.plot(gap, sign, label="Absolute error (MAE)")
        bends = np.sort(np.append(r, [-delta, delta]))
        axes.plot(bends, np.clip(bends, -delta, delta), label="huber")
        axes.axvline(delta)
        axes.set_xlabel("Residual $r$")
        axes.set_ylabel("Gradient of the loss")
        axes.legend(loc="best")
        return figure


class LoopOverLines(Accepted):
    """The lines in a loop, more styling, and the numbers of `exact_deltas` by sorting."""

    def exact_deltas(residual):
        sizes = np.unique(np.abs(residual))
        nonzero = sizes[sizes > 0]
        return (nonzero[0], sizes[-1]) if nonzero.size else (float("inf"), 0)

    def draw_gradients(delta):
        r = np.arange(-500, 501) / 100
        lines = {
            "squared error": squared_error_gradient(r),
            "absolute error": absolute_error_gradient(r),
            f"Huber ({delta})": huber_gradient(r, delta),
        }
        fig, ax = plt.subplots()
        for name, slope in lines.items():
            ax.plot(r, slope, label=name, drawstyle="default", alpha=0.8)
        ax.set_title("Three ways to listen")
        ax.set_xlabel("residual")
        ax.set_ylabel("gradient")
        ax.grid(True)
        ax.legend(title="loss")
        return fig
