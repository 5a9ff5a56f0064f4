"""Primitives: limits, and derivatives through autograd at the places where naive ones give NaN."""

import numpy as np
import pytest
import torch

from lossmath import arrays

POINTS = [-1e4, -800.0, -37.0, -1.0, 0.0, 1e-20, 0.5, 37.0, 800.0, 1e4]


def slope(function, point):
    x = torch.tensor(point, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(function(x).sum(), x)
    return gradient.numpy()


def test_autograd_of_softplus_and_sigmoid_is_right_everywhere():
    sigmoid = arrays.sigmoid(np.array(POINTS))
    np.testing.assert_allclose(slope(arrays.softplus, POINTS), sigmoid, rtol=1e-14)
    mirrored = arrays.sigmoid(-np.array(POINTS))
    np.testing.assert_allclose(slope(arrays.log_sigmoid, POINTS), mirrored, rtol=1e-14)
    np.testing.assert_allclose(slope(arrays.sigmoid, POINTS), sigmoid * mirrored, rtol=1e-14)


@pytest.mark.parametrize("scores", [[1.0, 2.0, 3.0], [1e4, 0.0, -1e4], [-np.inf, 0.0, 1.0]])
def test_autograd_of_logsumexp_is_softmax(scores):
    softmax = arrays.softmax(np.array(scores))
    np.testing.assert_allclose(slope(arrays.logsumexp, scores), softmax, rtol=1e-14)


def test_autograd_of_norm_is_the_direction_and_zero_at_zero():
    np.testing.assert_allclose(slope(arrays.norm, [3.0, -4.0]), [0.6, -0.8], rtol=1e-14)
    np.testing.assert_allclose(slope(arrays.norm, [3e200, -4e200]), [0.6, -0.8], rtol=1e-14)
    assert slope(arrays.norm, [0.0, 0.0]).tolist() == [0, 0]


def test_autograd_of_log1p_square():
    points = np.array([0.0, 0.3, -2.0, 1e200])
    with np.errstate(over="ignore"):
        expected = np.where(points > 1e100, 2 / np.maximum(points, 1), 2 * points / (1 + points**2))
    np.testing.assert_allclose(slope(arrays.log1p_square, points), expected, rtol=1e-14)


def test_infinities_have_their_limits():
    infinite = np.array([-np.inf, np.inf])
    assert arrays.softplus(infinite).tolist() == [0, np.inf]
    assert arrays.sigmoid(infinite).tolist() == [0, 1]
    assert arrays.norm(infinite) == np.inf
    assert arrays.log_softmax(np.array([-np.inf, 0.0])).tolist() == [-np.inf, 0]


def test_zero_times_the_logarithm_of_zero_is_zero():
    zero, one = np.zeros(1), np.ones(1)
    assert arrays.xlogy(zero, zero) == arrays.xlogy(zero, one) == arrays.rel_entr(zero, zero) == 0
    with np.errstate(divide="ignore"):
        assert arrays.xlogy(one, zero) == -np.inf
        assert arrays.rel_entr(one, zero) == np.inf
    assert np.isnan(arrays.xlogy(zero, np.array([np.nan])))


@pytest.mark.parametrize("function", [arrays.logsumexp, arrays.norm])
def test_the_axis_is_the_one_asked_for(function):
    table = np.arange(6.0).reshape(2, 3)
    columns = [float(function(column)) for column in table.T]
    np.testing.assert_allclose(function(table, axis=0), columns, rtol=1e-15)
    assert arrays.norm(table, axis=0, keepdims=True).shape == (1, 3)
    np.testing.assert_allclose(arrays.softmax(table, axis=0).sum(axis=0), 1)
    np.testing.assert_allclose(
        arrays.log_softmax(table, axis=0), np.log(arrays.softmax(table, axis=0)), rtol=1e-14
    )


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_dtype_is_kept(dtype):
    x = torch.tensor([0.5, 0.25], dtype=dtype)
    one_argument = ("softplus", "log_sigmoid", "sigmoid", "logsumexp", "log_softmax", "softmax")
    for name in (*one_argument, "norm", "log1p_square", "log_factorial"):
        assert getattr(arrays, name)(x).dtype == dtype, name
    assert arrays.xlogy(x, x).dtype == arrays.rel_entr(x, x).dtype == dtype


def test_norm_of_half_precision_does_not_overflow():
    assert arrays.norm(np.array([300, 400], dtype=np.float16)) == 500


def test_stop_gradient():
    x = torch.tensor(3.0, requires_grad=True)
    (arrays.stop_gradient(x) * x).backward()
    assert x.grad == 3
    assert arrays.stop_gradient(np.array(3.0)) == 3


def test_softplus_bends_rightly_where_its_branches_meet():
    zero = torch.zeros((), dtype=torch.float64)
    assert torch.autograd.functional.hessian(arrays.softplus, zero) == 0.25


def test_logaddexp_has_its_limits_and_slopes():
    x, y = np.array([-np.inf, np.inf, np.inf, 3.0]), np.array([-np.inf, -np.inf, 700.0, np.nan])
    np.testing.assert_array_equal(arrays.logaddexp(x, y), [-np.inf, np.inf, np.inf, np.nan])
    np.testing.assert_array_equal(arrays.logaddexp(y, x), [-np.inf, np.inf, np.inf, np.nan])
    half = slope(lambda x: arrays.logaddexp(x, torch.zeros_like(x)), [0.0, -800.0, 800.0])
    assert half.tolist() == [0.5, 0, 1]


def test_an_infinity_leaves_its_neighbours_quiet():
    scores = np.array([np.inf, 1e3, -1e3])
    assert arrays.logsumexp(scores) == np.inf
    assert np.isnan(arrays.logsumexp(np.array([np.nan, 1e3])))


def test_what_is_left_beside_a_unit_vector_keeps_its_digits():
    left = arrays.orthogonal_projector(np.array([[1.0, 1e-10], [0.6, 0.8]]))
    np.testing.assert_allclose(left[0], [[1e-20, -1e-10], [-1e-10, 1]], rtol=1e-15)
    np.testing.assert_allclose(left[1], [[0.64, -0.48], [-0.48, 0.36]], rtol=1e-15)
