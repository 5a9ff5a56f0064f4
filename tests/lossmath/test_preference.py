"""Laws and limits of the preference losses, what they elicit, and agreement with PyTorch."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from lossmath import DPO, BinaryCrossEntropyFromLogits, BradleyTerry, Hinge, MarginRanking

RNG = np.random.default_rng(3)
A, B = RNG.normal(size=(2, 40)) * 3
SIGN = RNG.choice([-1.0, 1.0], size=40)
ANSWERS = RNG.normal(size=(4, 40)) * 20 - 50

scores = st.floats(-50, 50)


def close(ours, theirs, rtol=1e-12):
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=rtol, atol=1e-14)


@given(scores, scores)
def test_bradley_terry_is_cross_entropy_of_the_difference(a, b):
    close(BradleyTerry().value(a, b), BinaryCrossEntropyFromLogits().value(a - b, 1.0))
    close(BradleyTerry().value(a, b) - BradleyTerry().value(b, a), b - a, 1e-10)


@given(scores, scores, st.floats(0, 5))
def test_a_margin_shifts_the_winner(a, b, margin):
    close(BradleyTerry(margin).value(a, b), BradleyTerry().value(a - margin, b), 1e-10)
    close(MarginRanking(margin).value(a, b, 1), Hinge(margin).value(a - b, 1))


@given(scores, scores, st.sampled_from([-1, 1]))
def test_exchanging_the_scores_turns_the_label(a, b, label):
    loss = MarginRanking(margin=0.5)
    close(loss.value(a, b, label), loss.value(b, a, -label))
    close(loss.gradient(a, b, label), loss.gradient(b, a, -label)[::-1])


def test_with_margin_zero_equal_scores_are_perfect():
    assert MarginRanking()(A, A, SIGN) == 0


def test_a_common_shift_changes_nothing():
    close(BradleyTerry().value(A + 7, B + 7), BradleyTerry().value(A, B), 1e-10)
    chosen, rejected, *reference = ANSWERS
    close(DPO().value(chosen + 7, rejected + 7, *reference), DPO().value(*ANSWERS), 1e-10)


def test_the_policy_starts_at_log_two_and_half_beta():
    chosen, rejected = A, B
    loss = DPO(beta=0.3)
    close(loss.value(chosen, rejected, chosen, rejected), np.full(40, math.log(2)))
    up, down = loss.gradient(chosen, rejected, chosen, rejected)
    close(up, np.full(40, -0.15))
    close(down, np.full(40, 0.15))


def test_dpo_without_a_reference_is_bradley_terry():
    close(DPO(beta=1.0).value(A, B, 0 * A, 0 * B), BradleyTerry().value(A, B))


def test_the_reference_sets_where_the_signal_is_half():
    # The pull on the chosen answer is beta / 2 exactly where the policy prefers as the reference.
    pull, _ = DPO(beta=1.0).gradient([2.0, 5.0, 8.0], [0.0] * 3, [5.0] * 3, [0.0] * 3)
    close(pull[1], -0.5)
    assert pull[0] < pull[1] < pull[2] < 0


@given(scores, st.floats(0.01, 0.49))
def test_smoothing_blends_both_orders(h, share):
    loss, plain, zero = DPO(0.5, share), DPO(0.5), (0.0, 0.0, 0.0)
    blend = (1 - share) * plain.value(h, *zero) + share * plain.value(-h, *zero)
    close(loss.value(h, *zero), blend)
    best = math.log((1 - share) / share) / 0.5
    close(loss.gradient(best, *zero)[0], 0)


@given(st.floats(0.01, 0.99))
def test_bradley_terry_elicits_the_log_odds_of_winning(share):
    lead = math.log(share / (1 - share))
    won, lost = BradleyTerry().gradient(lead, 0.0), BradleyTerry().gradient(0.0, lead)
    close(share * won[0] + (1 - share) * lost[1], 0)


@pytest.mark.parametrize("margin", [0.0, 0.5])
def test_torch_agrees_on_ranking(margin):
    a, b, y = map(torch.tensor, (A, B, SIGN))
    close(MarginRanking(margin)(a, b, y), F.margin_ranking_loss(a, b, y, margin))


def test_torch_agrees_on_log_sigmoid():
    chosen, rejected, ref_chosen, ref_rejected = map(torch.tensor, ANSWERS)
    h = (chosen - rejected) - (ref_chosen - ref_rejected)
    theirs = -0.9 * F.logsigmoid(0.1 * h) - 0.1 * F.logsigmoid(-0.1 * h)
    close(DPO(0.1, 0.1).value(chosen, rejected, ref_chosen, ref_rejected), theirs)
    close(BradleyTerry(0.5).value(chosen, rejected), -F.logsigmoid(chosen - rejected - 0.5))


def test_an_answer_that_cannot_occur():
    chosen, rejected, reference = np.array([-1.0, -np.inf]), np.array([-np.inf, -1.0]), [-2.0, -2.0]
    assert DPO().value(chosen, rejected, reference, reference).tolist() == [0, np.inf]
    assert DPO(label_smoothing=0.1).value(chosen, rejected, reference, reference)[0] == np.inf
