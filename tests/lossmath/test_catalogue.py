"""Every promise of every loss, at its default parameters and at the ends of their sliders."""

import pytest

import lossmath
from lossmath.check import CHECKS, variants

LOSSES = [loss for cls in lossmath.catalogue() for loss in variants(cls)]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_promise(loss, check):
    check(loss)
