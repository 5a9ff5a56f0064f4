"""What a reader does with an explorer, and what of it can be seen."""

import numpy as np
from playwright.sync_api import Locator, Page


def paths(found: Locator) -> list[str]:
    return found.locator(".lm-marks:not(.lm-ghost) path").evaluate_all(
        "paths => paths.map(path => path.getAttribute('d') ?? '')"
    )


def drag_slider(page: Page, handle: Locator, share: float) -> None:
    """With the mouse, from where the handle is to this share of the track."""
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    assert box
    low, high = (float(handle.get_attribute(end) or 0) for end in ("min", "max"))
    now = float(handle.input_value())
    at = lambda s: box["x"] + 8 + s * (box["width"] - 16)  # noqa: E731
    y = box["y"] + box["height"] / 2
    page.mouse.move(at((now - low) / (high - low)), y)
    page.mouse.down()
    page.mouse.move(at(share), y, steps=8)
    page.mouse.up()


def crowded(found: Locator) -> list[str]:
    """The labels that leave their panel, and those that stand on another."""
    return found.evaluate(
        """root => [...root.querySelectorAll('svg > g')].flatMap(panel => {
            const { width, height } = panel.querySelector('clipPath rect');
            const labels = [...panel.querySelectorAll('.lm-label:not([display])')].map(label => {
                const { x, width } = label.getBBox(), middle = label.y.baseVal[0].value;
                return { said: label.textContent, x, right: x + width,
                         y: middle - 6, bottom: middle + 6 };
            });
            const outside = labels.filter(({ x, right, y, bottom }) =>
                x < 0 || y < 0 || right > width.baseVal.value || bottom > height.baseVal.value);
            const over = labels.flatMap((one, i) => labels.slice(i + 1).filter(other =>
                one.x < other.right && other.x < one.right &&
                one.y < other.bottom && other.y < one.bottom).map(other => [one, other]));
            return [...outside.map(label => `${label.said} leaves its panel`),
                    ...over.map(([one, other]) => `${one.said} stands on ${other.said}`)];
        })"""
    )


def colours(found: Locator) -> list[tuple[float, ...]]:
    """Background, text and first mark, as the browser computed them.

    The black and white of a photograph stand on paper of their own.
    """
    styles = found.evaluate(
        """root => {
            const { backgroundColor, color } = getComputedStyle(root);
            const drawn = ':is(path, circle, rect):not([fill=white], [fill=black])';
            const mark = root.querySelector(`.lm-marks:not(.lm-ghost) ${drawn}`);
            const { stroke, fill } = getComputedStyle(mark);
            return [backgroundColor, color, stroke === 'none' ? fill : stroke];
        }"""
    )
    return [tuple(float(v) for v in s[s.index("(") + 1 : -1].split(",")[:3]) for s in styles]


def luminance(colour: tuple[float, ...]) -> float:
    """Relative luminance as WCAG defines it."""
    linear = [
        v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in np.array(colour) / 255
    ]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


def contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)
