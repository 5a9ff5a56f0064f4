"""Inputs that break a direct transcription of the preference losses, by their row."""

import math

import numpy as np
import pytest
import torch
from test_nasty import exactly, refuses

from lossmath import DPO, BradleyTerry, MarginRanking

pytestmark = pytest.mark.filterwarnings("error")


def test_d23_parameters_out_of_range():
    refuses(r"margin=-1 must lie in \[0, inf\)", MarginRanking, -1)
    refuses(r"beta=0 must lie in \(0, inf\)", DPO, beta=0)
    refuses(r"label_smoothing=0.5 must lie in \[0, 0.5\)", DPO, label_smoothing=0.5)


def test_d24_shapes_that_would_broadcast():
    refuses("but rejected has shape", BradleyTerry(), np.zeros((2, 1)), np.zeros(2))
    refuses("but reference_rejected has shape", DPO(), *[np.zeros(3)] * 3, np.zeros(1))


def test_d41_ranking_refuses_labels_of_zero_and_one():
    refuses(r"label=0 must lie in \{-1, 1\}", MarginRanking(), [0.5], [1.0], [0])


def test_d42_ranking_at_the_kink():
    gradient = MarginRanking(margin=0.5).gradient([1.5, 1.0], [1.0, 1.5], [1, -1])
    assert [part.tolist() for part in gradient] == [[0, 0], [0, 0]]
    assert MarginRanking(margin=0.5).kink_points() == [(0.5, 1)]


@np.errstate(invalid="ignore")  # np.logaddexp warns of NaN
def test_d43_nan_is_not_swallowed():
    for loss, others in ((MarginRanking(), [0.0, 1]), (BradleyTerry(), [0.0])):
        assert math.isnan(loss.value(math.nan, *others))
        assert all(math.isnan(part) for part in loss.gradient(math.nan, *others))


@pytest.mark.parametrize("convert", [np.asarray, torch.asarray])
def test_d56_margins_of_nine_hundred(convert):
    won, lost = convert([900.0, 0.0]), convert([0.0, 900.0])
    zero = 0 * won
    for loss, inputs in ((BradleyTerry(), (won, lost)), (DPO(beta=1), (won, lost, zero, zero))):
        assert loss.value(*inputs).tolist() == [0, 900]
        assert [part.tolist() for part in loss.gradient(*inputs)] == [[0, -1], [0, 1]]
        assert [block.tolist() for row in loss.hessian(*inputs) for block in row] == [[0, 0]] * 4
    exactly(BradleyTerry().value(40.0, 0.0), math.exp(-40))


def test_d56_autograd_at_margins_of_nine_hundred():
    won = torch.tensor([900.0, 0.0], dtype=torch.float64, requires_grad=True)
    lost = torch.tensor([0.0, 900.0], dtype=torch.float64)
    BradleyTerry().value(won, lost, reduction="sum").backward()
    assert won.grad.tolist() == [0, -1]


def test_d75_numbers_beside_arrays_do_not_widen_them():
    single, wide = np.array([1.5], dtype=np.float32), np.float64(0.25)
    loss = DPO(beta=wide, label_smoothing=wide)
    assert loss.value(single, [0.0], [0.0], [0.0]).dtype == np.float32
    assert loss.gradient(single, [0.0], [0.0], [0.0])[1].dtype == np.float32
    assert MarginRanking(wide).value(single, [0.0], [1]).dtype == np.float32
