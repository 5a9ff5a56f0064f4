"""Laws and limits of the losses of images, and agreement with other ways to the same numbers."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

import lossmath
from lossmath import SSIM, Perceptual, SquaredError

RNG = np.random.default_rng(9)
X, Y = RNG.uniform(size=(2, 3, 20, 24))
SMOOTH = np.add.outer(np.linspace(0.2, 0.8, 20), np.linspace(0, 0.15, 24))


def close(ours, theirs, rtol=1e-12, atol=1e-14):
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=rtol, atol=atol)


# Structural similarity.


@pytest.mark.parametrize("sigma", [1.5, 1.0])
def test_ssim_is_the_published_formula_over_gaussian_windows(sigma):
    """Scipy filters with the same window when it is cut off after five pixels."""

    def blur(z):
        blurred = gaussian_filter(z, (0, sigma, sigma), truncate=5 / sigma)
        return blurred[:, 5:-5, 5:-5]

    c1, c2 = 0.01**2, 0.03**2
    m_x, m_y = blur(X), blur(Y)
    v_x, v_y, covariance = blur(X**2) - m_x**2, blur(Y**2) - m_y**2, blur(X * Y) - m_x * m_y
    similarity = (2 * m_x * m_y + c1) * (2 * covariance + c2)
    similarity = similarity / ((m_x**2 + m_y**2 + c1) * (v_x + v_y + c2))
    close(SSIM(sigma=sigma).value(X, Y), 1 - similarity.mean(axis=(1, 2)), rtol=1e-11)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 999), st.floats(0.1, 3))
def test_ssim_lies_between_0_and_2_and_is_0_only_for_equal_images(seed, contrast):
    x, y = contrast * np.random.default_rng(seed).normal(size=(2, 11, 11))
    assert 0 < SSIM().value(x, y) <= 2
    assert SSIM().value(x, x) == 0
    assert np.all(SSIM().gradient(x, x) == 0)


def test_ssim_does_not_notice_mirrors_and_quarter_turns():
    expected = SSIM().value(X, Y)
    for turn in (np.flip, lambda z, axis: np.rot90(z, axes=(1, 2)), lambda z, axis: z.mT):
        close(SSIM().value(turn(X, axis=2), turn(Y, axis=2)), expected)


def test_ssim_reverses_its_verdict_on_a_negative():
    """A texture around 1/2 and its negative: structure is as wrong as it can be."""
    texture = RNG.normal(size=(12, 12)) * 0.2
    _, variance = SSIM()._moments(texture, np)
    value = SSIM(k2=1e-6, k1=1.0).value(0.5 + texture, 0.5 - texture)
    assert 1.8 < value <= 2 and np.all(variance > 0)


def test_ssim_prefers_a_shift_in_brightness_to_noise_of_equal_squared_error():
    noise = RNG.choice([-1.0, 1.0], SMOOTH.shape) * 0.05
    bright, noisy = SMOOTH + 0.05, SMOOTH + noise
    close(SquaredError()(bright, SMOOTH), SquaredError()(noisy, SMOOTH))
    assert 10 * SSIM().value(bright, SMOOTH) < SSIM().value(noisy, SMOOTH)


def test_ssim_with_a_large_range_approaches_a_scaled_squared_error():
    """Far above all means and variances the constants alone stand in the denominators."""
    loss, (x, y) = SSIM(data_range=1e5, k1=0.03, k2=0.03), (X[0, :11, :11], Y[0, :11, :11])
    weights = np.outer(*[np.exp(-((np.arange(11) - 5.0) ** 2) / (2 * 1.5**2))] * 2)
    error = np.sum(weights * (x - y) ** 2) / np.sum(weights)
    close(loss.value(x, y) * 3e3**2, error, rtol=1e-6)


def test_every_step_down_the_gradient_of_ssim_helps():
    image, values = X[0].copy(), []
    for _ in range(80):
        values.append(SSIM().value(image, SMOOTH))
        image -= SSIM().gradient(image, SMOOTH)
    assert np.all(np.diff(values) < 0) and values[-1] < values[0] / 2


# Perceptual loss.


def test_perceptual_is_a_distance_of_what_torch_sees_through_the_same_filters():
    loss = Perceptual(fine=0.5, middle=2.0, coarse=1.5, style=0.75, seed=1)
    x, y = torch.tensor(X)[:, None], torch.tensor(Y)[:, None]
    expected = 0
    for weight, bank in zip((0.5, 2.0, 1.5), loss._bank(x, torch_namespace()), strict=True):
        x, y = (F.conv2d(z, bank) for z in (x, y))
        x, y = (z / torch.sqrt(1 + z**2) for z in (x, y))
        count = x[0].numel()
        flat_x, flat_y = x.flatten(2), y.flatten(2)
        gap = (flat_x @ flat_x.mT - flat_y @ flat_y.mT) / count
        content = ((x - y) ** 2).mean(dim=(1, 2, 3))
        expected = expected + weight * (content + 0.75 * (gap**2).sum(dim=(1, 2)))
    close(loss.value(X, Y), expected)


def torch_namespace():
    import array_api_compat.torch

    return array_api_compat.torch


def test_the_filter_bank_never_changes():
    """Its first and last filter, and their number: a bank drawn anew would compare to nothing."""
    bank = list(Perceptual()._bank(X, np))
    assert [filters.shape for filters in bank] == [(4, 1, 3, 3), (4, 4, 3, 3), (4, 4, 3, 3)]
    close(
        bank[0][0, 0, 0], np.array([1.764052345967664, 0.4001572083672233, 0.9787379841057392]) / 3
    )
    other = next(Perceptual(seed=1)._bank(X, np))
    close(other[0, 0, 0, 0], 1.6243453636632417 / 3)


def test_each_layer_adds_its_share():
    parts = [
        Perceptual(fine=a, middle=b, coarse=c).value(X, Y)
        for a, b, c in ((1, 0, 0), (0, 1, 0), (0, 0, 1))
    ]
    close(Perceptual(2, 3, 0.5).value(X, Y), 2 * parts[0] + 3 * parts[1] + 0.5 * parts[2])
    assert np.all(np.array(parts) > 0)


def test_equal_images_look_equal():
    for loss in (Perceptual(), Perceptual(style=5)):
        assert np.all(loss.value(X, X) == 0)
        assert np.all(loss.gradient(X, X) == 0)


def test_style_cares_less_for_place_than_content_does():
    """A texture moved by a few pixels round the edge has nearly the same style."""
    texture = RNG.normal(size=(40, 40))
    moved, other = np.roll(texture, 7, axis=1), texture * np.linspace(0, 2, 40)
    style = [
        Perceptual(style=1e6).value(z, texture) - Perceptual().value(z, texture)
        for z in (moved, other)
    ]
    content = [Perceptual().value(z, texture) for z in (moved, other)]
    assert style[0] < style[1] / 10 and content[0] > content[1]


def test_perceptual_descends():
    image, loss = X[0].copy(), Perceptual()
    before = loss.value(image, Y[0])
    for _ in range(100):
        image -= 50.0 * loss.gradient(image, Y[0])
    assert loss.value(image, Y[0]) < before / 5


def test_channels_and_batches_are_all_the_same():
    for loss in (SSIM(), Perceptual()):
        stacked = loss.value(np.stack([X, Y]), np.stack([Y, X]))
        assert stacked.shape == (2, 3)
        close(stacked[0], loss.value(X, Y))
        close(loss(X, Y), loss.value(X, Y).mean())


def test_every_loss_of_images_of_the_course_is_here():
    assert {loss.name for loss in lossmath.catalogue("image")} == {"SSIM", "Perceptual"}


@pytest.mark.parametrize("loss", lossmath.catalogue("image"), ids=lambda loss: loss.name)
def test_no_images_at_all(loss):
    nothing = loss.examples(batch=(0,))
    assert loss()(*nothing) == 0
    assert loss().gradient(*nothing).shape == nothing[0].shape
