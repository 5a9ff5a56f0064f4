"""Laws and limits of penalties and auxiliary terms, and agreement with other libraries."""

import numpy as np
import pytest
import scipy.optimize
import scipy.special
import sklearn.linear_model
import torch
from hypothesis import given
from hypothesis import strategies as st

import lossmath
from lossmath import (
    CentreLoss,
    EntropyRegularisation,
    Huber,
    KLPenalisedReward,
    L1Penalty,
    L2Penalty,
    LoadBalancing,
    OrthogonalityPenalty,
    PhysicsInformed,
    ReverseKL,
    SparsityKL,
    SquaredError,
    TDError,
    entropy,
    temporal_difference_target,
)

RNG = np.random.default_rng(4)
X, TRUE = RNG.normal(size=(60, 5)), np.array([2.0, -1.0, 0.0, 0.0, 0.5])
Y = X @ TRUE + 0.1 * RNG.normal(size=60)
W = RNG.normal(size=(5, 3))
LOGITS = RNG.normal(size=(12, 4)) * 2


def close(ours, theirs, rtol=1e-12, atol=1e-14):
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=rtol, atol=atol)


# Weights.


def test_ridge_and_lasso_solutions_are_stationary():
    ridge = sklearn.linear_model.Ridge(alpha=3.0, fit_intercept=False, tol=1e-12).fit(X, Y).coef_
    data = X.T @ SquaredError().gradient(X @ ridge, Y)
    close(data + L2Penalty(3.0).gradient(ridge), np.zeros(5), atol=1e-9)
    lasso = sklearn.linear_model.Lasso(alpha=0.3, fit_intercept=False, tol=1e-14).fit(X, Y).coef_
    data = X.T @ SquaredError().gradient(X @ lasso, Y) / (2 * len(Y))
    used = lasso != 0
    assert 0 < used.sum() < 5
    close((data + L1Penalty(0.3).gradient(lasso))[used], np.zeros(used.sum()), atol=1e-9)
    assert np.all(np.abs(data[~used]) <= 0.3)  # the kink holds the others at 0


def test_penalties_add_up_over_arrays_of_any_shape():
    for penalty, exact in ((L1Penalty(0.5), np.abs(W)), (L2Penalty(0.5), W**2)):
        close(penalty(W), 0.5 * exact.sum())
        close(penalty(W), penalty(W.ravel()))
        close(penalty(W), sum(penalty(w) for w in W.flat))
        assert penalty.gradient(W).shape == W.shape
        assert penalty.hessian(W).shape == W.shape * 2


def test_orthogonality_is_zero_for_orthonormal_columns_and_blind_to_rotations():
    q, _ = np.linalg.qr(W)
    close(OrthogonalityPenalty(1.0).value(q), 0)
    close(OrthogonalityPenalty(1.0).gradient(q), np.zeros((5, 3)))
    turn, _ = np.linalg.qr(RNG.normal(size=(5, 5)))
    close(OrthogonalityPenalty().value(turn @ W), OrthogonalityPenalty().value(W))
    singular = np.linalg.svd(W, compute_uv=False)
    close(OrthogonalityPenalty(1.0).value(W), np.sum((singular**2 - 1) ** 2))


def test_a_wide_matrix_has_a_floor_under_its_orthogonality():
    """Three rows cannot have five orthonormal columns: two are missing, whatever one does."""
    tall, wide = OrthogonalityPenalty(1.0).value(W), OrthogonalityPenalty(1.0).value(W.T)
    close(wide, tall + 2)
    close(OrthogonalityPenalty().gradient(W.T), OrthogonalityPenalty().gradient(W).T)


def test_orthogonality_is_not_convex():
    q, _ = np.linalg.qr(W)
    values = [OrthogonalityPenalty(1.0).value(t * q) for t in (-1.0, 0.0, 1.0)]
    close(values, [0, 3, 0])


# Activations and representations.


def test_the_best_centres_are_the_class_means():
    features, label = RNG.normal(size=(30, 2)), np.arange(30) % 3
    means = np.array([features[label == k].mean(axis=0) for k in range(3)])
    pull, push = CentreLoss(1.0).gradient(features, means, label)
    close(push, np.zeros((3, 2)))
    close(pull, features - means[label])
    within = sum(np.var(features[label == k], axis=0).sum() * 10 / 2 for k in range(3))
    close(CentreLoss(1.0).value(features, means, label), within)


def test_centre_loss_collapses_alone_and_ignores_absent_classes():
    assert CentreLoss().value(np.ones((4, 2)), np.ones((3, 2)), [0, 1, 2, 0]) == 0
    _, push = CentreLoss().gradient(np.ones((2, 2)), np.zeros((3, 2)), [0, 0])
    assert push[1:].tolist() == [[0, 0], [0, 0]]


@given(st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_sparsity_is_a_divergence_between_coins(rho, activity):
    coins = ReverseKL().value([rho, 1 - rho], [activity, 1 - activity])
    close(SparsityKL(rho).value(activity), coins, atol=1e-15)
    assert SparsityKL(rho).value(rho) == SparsityKL(rho).gradient(rho) == 0


def test_entropy_regularisation_is_minus_entropy():
    p = scipy.special.softmax(LOGITS, axis=-1)
    close(EntropyRegularisation(0.3).value(LOGITS), -0.3 * entropy(p))
    log_p = scipy.special.log_softmax(LOGITS, axis=-1)
    in_logits = 0.3 * p * (log_p + entropy(p)[:, None])
    close(EntropyRegularisation(0.3).gradient(LOGITS), in_logits)
    close(EntropyRegularisation(0.3).gradient(np.zeros(4)), np.zeros(4))
    tensor = torch.tensor(p, requires_grad=True)
    entropy(tensor).sum().backward()
    close(tensor.grad, -log_p - 1)


def test_entropy_regularisation_is_a_penalty_towards_the_uniform_policy():
    uniform, nothing = np.zeros_like(LOGITS), np.zeros_like(LOGITS)
    theirs = KLPenalisedReward(0.3).value(LOGITS, uniform, nothing)
    close(EntropyRegularisation(0.3).value(LOGITS) + 0.3 * np.log(4), theirs)


# Routing.


def load_balancing(logits, top):
    """After the published pseudo-code: the share of tokens, times the mean probability."""
    probability = torch.softmax(logits, dim=-1)
    _, chosen = torch.topk(probability, top, dim=-1)
    share = torch.nn.functional.one_hot(chosen, logits.shape[-1]).to(logits.dtype).mean(dim=0)
    return logits.shape[-1] * torch.sum(share * probability.mean(dim=0))


@pytest.mark.parametrize("top", [1, 2])
def test_load_balancing_agrees_with_the_published_pseudo_code(top):
    logits = torch.tensor(LOGITS, requires_grad=True)
    theirs = load_balancing(logits, top)
    theirs.backward()
    close(LoadBalancing(1.0, top).value(LOGITS), theirs.detach())
    close(LoadBalancing(1.0, top).gradient(LOGITS), logits.grad)


@pytest.mark.parametrize("top", [1, 2])
def test_load_is_balanced_at_its_floor_and_a_crowd_costs_up_to_all_experts(top):
    balanced = np.array([np.roll([3.0, 1.0, -1.0, -2.0], k) for k in range(4)])
    close(LoadBalancing(1.0, top).value(balanced), top)
    crowded = np.tile([900.0, 0.0, -900.0, -900.0], (6, 1))
    close(LoadBalancing(1.0, top).value(crowded), 4)


def test_descending_the_load_spreads_the_tokens():
    logits = LOGITS + np.array([4.0, 0, 0, 0])
    before = LoadBalancing(1.0).value(logits)
    for _ in range(300):
        logits = logits - 2.0 * LoadBalancing(1.0).gradient(logits)
    assert LoadBalancing(1.0).value(logits) < 1.1 < 1.5 < before


# Physics and time.


def test_physics_fills_the_gap_between_two_data_points():
    """u' + u = 0 with u(0) = 1: by central differences, the curve comes close to exp(-t)."""
    t = np.linspace(0, 2, 101)
    step = t[1] - t[0]
    loss = PhysicsInformed(strength=1.0)

    def parts(u):
        return u[:1], [1.0], (u[1:] - u[:-1]) / step + (u[1:] + u[:-1]) / 2

    def objective(u):
        data, equation = loss.gradient(*parts(u))
        slope = np.zeros_like(u)
        slope[:1] = data
        slope[1:] += equation * (1 / step + 0.5)
        slope[:-1] += equation * (0.5 - 1 / step)
        return float(loss.value(*parts(u))), slope

    options = {"maxiter": 20_000, "gtol": 1e-10}
    best = scipy.optimize.minimize(objective, np.zeros(101), jac=True, options=options)
    close(best.x, np.exp(-t), atol=1e-4)


def test_physics_is_two_means_of_squares():
    u, y, equation = RNG.normal(size=(3, 7))
    close(PhysicsInformed(0.0).value(u, y, equation), SquaredError()(u, y))
    close(PhysicsInformed(2.0).value(y, y, equation), 2 * np.mean(equation**2))
    assert PhysicsInformed().value([], [], [1.0, 3.0]) == 5
    assert PhysicsInformed().value([1.0], [3.0], []) == 4


def test_td_error_is_a_regression_on_a_constant_target():
    value, next_value, reward = RNG.normal(size=(3, 9)) * 2
    target = temporal_difference_target(reward, next_value, 0.9)
    close(TDError(0.9).value(value, next_value, reward), SquaredError().value(value, target) / 2)
    moving = torch.tensor(next_value, requires_grad=True)
    huber = Huber().value(
        torch.tensor(value), temporal_difference_target(torch.tensor(reward), moving, 0.9)
    )
    assert not huber.requires_grad
    close(huber, Huber().value(value, target))


def test_td_learning_finds_the_discounted_return():
    """A walk of three steps with rewards 1, 2 and 3; after the last state the value is 0."""
    reward, value = np.array([1.0, 2.0, 3.0]), np.zeros(3)
    for _ in range(200):
        now, later = TDError(0.5).gradient(value, np.append(value[1:], 0.0), reward)
        assert not np.any(later)
        value = value - 0.5 * now
    close(value, [1 + 0.5 * (2 + 0.5 * 3), 2 + 0.5 * 3, 3])


def test_a_td_target_is_not_broadcast():
    with pytest.raises(
        ValueError, match=r"reward has shape \(2, 1\) but next_value has shape \(3,\)"
    ):
        lossmath.temporal_difference_target(np.zeros((2, 1)), np.zeros(3))
