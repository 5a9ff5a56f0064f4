"""The record itself: declaring, finding and calling a loss, and families of other shapes."""

import dataclasses
import subprocess
import sys

import array_api_strict
import numpy as np
import pytest
import torch
from toys import Corner, LogProbability, SquaredDistance, Surprise

import lossmath
from lossmath import Huber, Kink, Quantile, Residual, check, parameter

TOYS = [LogProbability(), SquaredDistance(), Surprise(), Corner()]
# The toys carry no texts, and promise nothing about kinks.
TOY_CHECKS = [
    one
    for one in check.CHECKS
    if one.__name__ not in ("record_is_complete", "kinks_are_complete", "lipschitz_bound_holds")
]


def test_a_new_loss_is_one_class(monkeypatch):
    monkeypatch.setattr("lossmath.loss.CATALOGUE", {})

    class Fourth(Residual):
        """The fourth power."""

        scale: float = parameter(1.0, above=0, slider=(0.1, 2), symbol="s", meaning="width")
        formula = "(r/s)^4"
        convex = True

        def f(self, r, xp):
            return (r / self.scale) ** 4

        def df(self, r, xp):
            return 4 * (r / self.scale) ** 3 / self.scale

    assert Fourth.name == "Fourth"
    assert Fourth(scale=2.0)([2.0, 4.0], [0.0, 0.0]) == (1 + 16) / 2
    check.gradient_matches_differences(Fourth(scale=0.5))
    check.convexity_holds(Fourth())
    with pytest.raises(NotImplementedError, match="Fourth has no Hessian in closed form"):
        Fourth().hessian(1.0, 0.0)
    np.testing.assert_allclose(lossmath.numeric_hessian(Fourth(), 1.0, 0.0), 12, rtol=1e-8)


def test_a_loss_is_a_frozen_value():
    assert Huber() == Huber(delta=1.0) != Huber(2.0)
    assert len({Huber(), Huber(1), Quantile()}) == 2
    assert repr(Huber(2)) == "Huber(delta=2.0)"
    with pytest.raises(dataclasses.FrozenInstanceError):
        Huber().delta = 3.0
    assert dataclasses.replace(Huber(), delta=3) == Huber(3)


def test_parameters_describe_their_sliders():
    delta = Huber.parameters["delta"]
    assert (delta.default, delta.slider, delta.scale) == (1.0, (0.05, 5), "log")
    assert str(delta.domain) == "(0, inf)"
    assert lossmath.RootMeanSquaredError.parameters["over"].choices == ("all", "per_output")


@pytest.mark.parametrize("name", ["Huber", "huber loss", "HUBER"])
def test_find_knows_names_and_aliases(name):
    assert lossmath.find(name) is Huber


def test_find_suggests_what_was_meant():
    with pytest.raises(KeyError, match="no loss is called 'pinbal'; did you mean pinball"):
        lossmath.find("pinbal")


def test_names_and_aliases_are_unique():
    names = [n.lower() for loss in lossmath.catalogue() for n in {loss.name, *loss.aliases}]
    assert sorted(names) == sorted(set(names))


def test_an_unknown_loss_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Hubert'"):
        lossmath.Hubert  # noqa: B018
    assert "Huber" in dir(lossmath)


def test_arguments_go_by_name_or_position():
    by_name = lossmath.GaussianNLL().value(target=1.0, mean=0.0, variance=2.0)
    assert by_name == lossmath.GaussianNLL().value(0.0, 2.0, 1.0)
    with pytest.raises(TypeError, match="Huber: missing a required argument: 'target'"):
        Huber()([1.0])
    with pytest.raises(TypeError, match="Huber: there is no option wieghts; there are reduction,"):
        Huber()([1.0], [2.0], wieghts=[1.0])


@pytest.mark.parametrize(
    "prediction",
    [np.array([1j]), np.array(["a"]), np.array([None])],
    ids=["complex", "text", "object"],
)
def test_only_real_numbers_are_taken(prediction):
    with pytest.raises(TypeError, match=r"Huber: prediction has dtype .* must hold real"):
        Huber()(prediction, [0.0])


def test_labels_must_be_integers():
    with pytest.raises(TypeError, match="label has dtype float64 but must hold integer labels"):
        LogProbability()(np.zeros((1, 2)), np.array([0.0]))


def test_namespaces_are_not_mixed():
    with pytest.raises(TypeError, match="Huber: arrays of array_api_strict and torch cannot"):
        Huber()(torch.zeros(2), array_api_strict.zeros(2))


def test_mixed_precision_meets_in_the_wider():
    single, double = np.zeros(2, dtype=np.float32), np.zeros(2)
    assert Huber().value(single, double).dtype == np.float64


@pytest.mark.parametrize("loss", TOYS, ids=repr)
@pytest.mark.parametrize("one", TOY_CHECKS, ids=lambda one: one.__name__)
def test_other_shapes_pass_the_same_checks(loss, one):
    one(loss)


def test_axes_must_fit():
    with pytest.raises(ValueError, match=r"anchor has shape \(\) but needs axes \(..., d\)"):
        SquaredDistance()(1.0, [2.0], [3.0])
    with pytest.raises(ValueError, match=r"anchor has shape \(1, 2\) but far has shape \(1, 3\)"):
        SquaredDistance()([[1, 2]], [[1, 2]], [[1, 2, 3]])


def test_probabilities_must_lie_on_the_simplex():
    assert Surprise()([0.5, 0.5]) == 0.5
    with pytest.raises(ValueError, match=r"probabilities=0\.5 must lie in the simplex"):
        Surprise()([0.5, 0.6])


class Wrong(Huber, abstract=True):
    """A loss whose claims and derivatives are all false."""

    kinks = (Kink(0, order=1),)
    convex = False
    lipschitz = "delta / 2"
    nonnegative = False
    symmetric = False
    failures = ()

    def df(self, r, xp):
        return 1.001 * super().df(r, xp)

    def d2f(self, r, xp):
        return -1.0 * super().d2f(r, xp)


@pytest.mark.parametrize(
    "one",
    [
        check.gradient_matches_differences,
        check.gradient_matches_autograd,
        check.hessian_matches_differences,
        check.hessian_matches_numeric_estimate,
        check.reductions_match_autograd,
        check.kinks_are_real,
        check.kinks_are_complete,
        check.convexity_holds,
        check.lipschitz_bound_holds,
        check.sign_is_as_declared,
        check.symmetry_holds,
        check.record_is_complete,
    ],
    ids=lambda one: one.__name__,
)
def test_checks_refute_false_promises(one):
    with pytest.raises(check.Refuted):
        one(Wrong())


class Rude(Residual, abstract=True):
    """A loss without manners."""

    delta: float = parameter(1.0, symbol="d", meaning="unchecked")

    def f(self, r, xp):
        return xp.astype(xp.nan_to_num(r) if hasattr(xp, "nan_to_num") else r, xp.float64)

    def df(self, r, xp):
        return xp.ones_like(r)

    def _prepare(self, inputs, options):
        inputs[0][...] = 0
        return super()._prepare(inputs, options)


@pytest.mark.parametrize(
    "one",
    [check.dtype_is_kept, check.inputs_are_left_alone, check.nan_propagates],
    ids=lambda one: one.__name__,
)
def test_checks_refute_bad_manners(one):
    with pytest.raises((check.Refuted, ValueError)):
        one(Rude())


def test_importing_the_package_imports_no_heavy_library():
    code = "import lossmath, sys; print({'torch', 'matplotlib', 'scipy'} & set(sys.modules))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "set()"


def test_doctest_of_the_package():
    import doctest

    assert doctest.testmod(lossmath).failed == 0
    assert doctest.testmod(lossmath).attempted > 0
