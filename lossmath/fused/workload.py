"""What is measured: one operation at one shape, its inputs, its exact answer and its floor."""

from dataclasses import dataclass

import torch
from torch import Tensor

# How many rows of each gradient are compared with the float64 answer.
CHECKED = 64
TOLERANCE = {torch.float32: 1e-4, torch.bfloat16: 3e-2, torch.float16: 1e-2}


@dataclass(frozen=True)
class Workload:
    """Mean cross-entropy of N rows over V classes, from logits or, with D given, from features."""

    N: int
    V: int
    D: int | None
    dtype: torch.dtype
    device: str
    backward: bool

    @property
    def op(self) -> str:
        return "cross_entropy" if self.D is None else "linear_cross_entropy"

    @property
    def model_bytes(self) -> int:
        """The least traffic: logits read once, and written once where a gradient is wanted.

        For a linear layer the same of x, W and their gradients: no logit need reach memory.
        """
        size = self.dtype.itemsize * (2 if self.backward else 1)
        return size * (self.N * self.V if self.D is None else (self.N + self.V) * self.D)

    @property
    def flop(self) -> int | None:
        """The matrix products of a linear layer: one forward, two backward."""
        return None if self.D is None else (6 if self.backward else 2) * self.N * self.D * self.V

    def inputs(self) -> tuple[list[Tensor], Tensor]:
        """Fresh random leaves, [logits] or [x, weight], and targets."""

        def normal(*shape: int, scale: float) -> Tensor:
            x = torch.randn(shape, device=self.device, dtype=self.dtype) * scale
            return x.requires_grad_(self.backward)

        target = torch.randint(self.V, (self.N,), device=self.device)
        if self.D is None:
            return [normal(self.N, self.V, scale=2.0)], target
        return [
            normal(self.N, self.D, scale=1.0),
            normal(self.V, self.D, scale=self.D**-0.5),
        ], target

    def arguments(self, leaves: list[Tensor]) -> list[Tensor]:
        """What one call consumes: logits are restored, as some programs overwrite them."""
        return [leaves[0].clone()] if self.D is None else leaves

    def call(self, provider, arguments: list[Tensor], target: Tensor) -> list[Tensor]:
        """Loss and, with backward, the gradients of the arguments for an upstream of 1."""
        if not self.backward:
            with torch.no_grad():
                return [provider(*arguments, target)]
        loss = provider(*arguments, target)
        return [loss.detach(), *torch.autograd.grad(loss, arguments)]

    def reference(self, leaves: list[Tensor], target: Tensor) -> list[Tensor]:
        """The same in float64, the gradients' first rows only."""
        x, *weight = (leaf.detach() for leaf in leaves)
        loss = torch.zeros((), dtype=torch.float64, device=self.device)
        wide = [w.double() for w in weight]
        gradients = [torch.zeros_like(leaf[:CHECKED], dtype=torch.float64) for leaf in (x, *weight)]
        step = max(CHECKED, (1 << 24) // self.V)
        for start in range(0, self.N, step):
            rows, y = x[start : start + step].double(), target[start : start + step, None]
            z = rows @ wide[0].T if wide else rows
            lse = z.logsumexp(1, keepdim=True)
            loss += (lse - z.gather(1, y)).sum() / self.N
            g = (z - lse).exp_()
            g.scatter_add_(1, y, g.new_full(y.shape, -1.0)).div_(self.N)
            if start == 0:
                gradients[0] = g[:CHECKED] @ wide[0] if wide else g[:CHECKED]
            if wide:
                gradients[1] += g[:, :CHECKED].T @ rows
        return [loss, *gradients] if self.backward else [loss]

    def errors(self, answers: list[Tensor], reference: list[Tensor]) -> list[float]:
        """Relative errors: of the loss, then in norm of each gradient's first rows."""
        answers = [answers[0], *(gradient[:CHECKED] for gradient in answers[1:])]
        return [
            ((got.double() - want).norm() / want.norm()).item()
            for got, want in zip(answers, reference, strict=True)
        ]
