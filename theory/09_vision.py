# %% [markdown]
# # 09 Vision: when is a picture nearly right?
#
# A scan shows a tumour that covers one pixel in a hundred. A program that marks *nothing* gets
# ninety-nine pixels in a hundred right. Another finds the tumour but draws it a little to the left.
# A third returns a photograph two shades too bright, and you would never notice.
#
# Counting wrong pixels calls the first nearly perfect and the third a disaster. Pixels are how
# pictures are stored, not how they are right or wrong. This chapter is about losses that compare
# what pictures are made of: **regions** (how well does one shape cover another?), **boxes** (how do
# I get there from here?), and **looks** (would a person, or a filter, see the difference?).

# %%
from functools import lru_cache

import numpy as np

import lossmath as lm
from lossmath.explore import (
    Arrows,
    Axis,
    Bars,
    Boxes,
    Curve,
    Explorer,
    Level,
    Matrix,
    Panel,
    Picture,
    Points,
    Predict,
    Rule,
    Slider,
    slider,
    table,
)

# %% [markdown]
# ## Regions: Dice and IoU
#
# **Segmentation** gives every pixel a probability $p_i$ of belonging to the object; the target is
# $t_i$, zero or one. Three sums describe how they fit: the overlap $I = \sum p_i t_i$ and the two
# sizes $P = \sum p_i$ and $T = \sum t_i$. Two losses are built of them:
#
# $$\text{Dice} = 1 - \frac{2I}{P + T}, \qquad \text{IoU} = 1 - \frac{I}{P + T - I} .$$
#
# The first divides the overlap by the mean of the two sizes, the second by the area both cover
# together, **i**ntersection **o**ver **u**nion. Neither has heard of the background: the pixels
# that are empty in both appear nowhere.
#
# A disc was found, but some pixels to the right of where it is.

# %% jupyter={"source_hidden": true}
SIDE, FAR = 48, 16
ROWS, COLUMNS = np.mgrid[:SIDE, :SIDE]
TURN = np.linspace(0, 2 * np.pi, 49)


def disc(radius, at):
    """A disc as a mask of zeros and ones."""
    return ((ROWS - 24) ** 2 + (COLUMNS - 16 - at) ** 2 <= radius**2).astype(float)


@lru_cache(maxsize=16)
def misplaced(radius):
    """What every shift costs: by overlap, and by counting pixels."""
    found = np.stack([disc(radius, at) for at in range(FAR + 1)])
    truth = np.broadcast_to(disc(radius, 0), found.shape)
    return {
        "Dice": lm.Dice().value(found, truth),
        "IoU": lm.SoftIoU().value(found, truth),
        "wrong pixels": np.mean(found != truth, axis=(1, 2)),
    }


def shifted_disc(radius, shift):
    radius, shift = round(radius), round(shift)
    costs = misplaced(radius)
    ring = radius * np.cos(TURN), radius * np.sin(TURN)
    away = np.arange(FAR + 1.0)
    return Picture(
        [
            Panel(
                "where it is, where it was found",
                [
                    Curve(16 + ring[0], 24 + ring[1], "truth", "blue"),
                    Curve(16 + shift + ring[0], 24 + ring[1], "found", "orange"),
                ],
                Axis("pixels", 0, SIDE),
                Axis("pixels", 0, SIDE),
                equal=True,
            ),
            Panel(
                "loss",
                [
                    *(Curve(away, cost, name) for name, cost in costs.items()),
                    Rule(shift, stroke="grey"),
                ],
                Axis("shift in pixels", 0, FAR),
                Axis("", 0, 1.05),
            ),
        ],
        readings={name: float(cost[shift]) for name, cost in costs.items()},
    )


by_size = {radius: float(misplaced(radius)["Dice"][3]) for radius in (3, 10)}
missed = 1 - float(np.mean(disc(3, 0)))
Explorer(
    shifted_disc,
    [
        Slider("radius", 2, 12, 6, symbol="r", meaning="radius of the disc", whole=True),
        Slider("shift", 0, FAR, 4, symbol="s", meaning="how far off it was found", whole=True),
    ],
    title="The same mistake, large and small",
    predict=Predict(
        "Radius 3. A program that marks nothing at all: what share of the 48 × 48 pixels does it "
        "get right?",
        answer=round(missed, 4),
        within=0.01,
        because=f"The disc has {disc(3, 0).sum():.0f} pixels of {disc(3, 0).size}. Missing all of "
        "them is hardly noticed.",
    ),
)

# %%
empty, whole = np.zeros((SIDE, SIDE)), disc(3, 0)
nothing = float(lm.Dice()(empty, whole))
dice, iou = misplaced(6)["Dice"], misplaced(6)["IoU"]
assert np.allclose(iou, 2 * dice / (1 + dice), atol=1e-5)
print(f"marking nothing: {missed:.1%} of the pixels right, Dice {nothing:.3f}")
print(f"three pixels off: Dice {by_size[3]:.2f} for radius 3, {by_size[10]:.2f} for radius 10")

# %% [markdown]
# Marking nothing is right for 98.7%<!--= f"{missed:.1%}" --> of the pixels and costs the full Dice
# loss of 1.000<!--= f"{nothing:.3f}" -->. And being three pixels off costs a small disc
# 0.59<!--= f"{by_size[3]:.2f}" --> and a large one 0.19<!--= f"{by_size[10]:.2f}" -->: overlap is
# measured in units of the object.
#
# The two losses are two scales for one thing. Write $d$ for the Dice loss; its definition says
# $I = \tfrac12 (1 - d)(P + T)$, and with that in the other one
#
# $$\text{IoU} = 1 - \frac{I}{P + T - I} = 1 - \frac{1 - d}{1 + d} = \frac{2d}{1 + d} .$$
#
# They agree on what is perfect and on what is hopeless, and IoU is the stricter one in between.
#
# ### Empty masks
#
# Most slices of a scan show no tumour. Then $T = 0$, and a perfect answer has $P = 0$ too, so that
# Dice is $1 - 0/0$. Implementations therefore add a **smoothing** above the fraction's line and
# below it,
#
# $$\text{Dice} = 1 - \frac{2I + s_\text{above}}{P + T + s_\text{below}},$$
#
# and libraries do not agree on the two numbers.
#
# > **Refute this.** *“The Dice loss of a perfect prediction is zero.”* Ask it about two empty
# > masks, smoothed in four ways that you can find in print.

# %%
WAYS = {
    "none": lm.Dice(0.0, 0.0),
    "below only": lm.Dice(0.0, 1e-5),
    "above and below": lm.Dice(1e-5, 1e-5),
    "above and below, a whole pixel": lm.Dice(1.0, 1.0),
}
dot = np.zeros((8, 8))
dot[3, 3] = 1.0
perfect = {}
with np.errstate(invalid="ignore"):
    for name, loss in WAYS.items():
        perfect[name] = float(loss(0 * dot, 0 * dot))
        print(f"smoothing {name:31} empty on empty: {perfect[name]:3.0f}   "
              f"one stray pixel: {float(loss(dot, 0 * dot)):.5f}")  # fmt: skip
unseen = float(lm.Dice(1.0, 1.0)(0 * dot, dot))
assert np.isnan(perfect["none"]) and perfect["below only"] == 1 and perfect["above and below"] == 0

# %% [markdown]
# Refuted: it is nan<!--= perfect["none"] -->, 1<!--= f"{perfect['below only']:.0f}" --> or 0<!--=
# f"{perfect['above and below']:.0f}" -->. With the second way a network is punished for being right
# about every empty slice. Read the source of the one you use, and check this case.
#
# With equal smoothing $s$ above and below, an empty target gives $1 - s / (P + s)$. That is zero
# for $P = 0$ and nearly one as soon as $P$ is larger than $s$. Here $P$ is the total probability
# spilt over the whole picture.

# %% jupyter={"source_hidden": true}
SPILT = np.geomspace(1e-8, 100, 61)
TENS = {1e-6: "10⁻⁶", 1e-3: "10⁻³", 1.0: "1"}


def spill(smooth_nr):
    loss = lm.Dice(smooth_nr, smooth_nr)
    masks = SPILT[:, None, None] / 100 * np.ones((61, 10, 10))
    cost = loss.value(masks, np.zeros_like(masks))
    slope = loss.gradient(masks, np.zeros_like(masks))[:, 0, 0]
    across = Axis("total probability P", 1e-8, 100, scale="log", ticks=TENS)
    return Picture(
        [
            Panel("Dice of an empty target", [Curve(SPILT, cost), Rule(smooth_nr, stroke="grey")],
                  across, Axis("", 0, 1.05)),
            Panel("slope in each pixel", [Curve(SPILT, slope), Rule(smooth_nr, stroke="grey")],
                  across, Axis("", 1e-6, 1e7, scale="log", ticks=TENS | {1e3: "10³", 1e6: "10⁶"})),
        ],
        readings={"largest slope": float(slope.max())},
    )  # fmt: skip


trace = np.full((10, 10), 1e-5)
barely = float(lm.Dice(1e-5, 1e-5)(trace, 0 * trace))
Explorer(
    spill,
    [slider(lm.Dice, "smooth_nr", symbol="s", meaning="smoothing, above and below")],
    title="A trace of probability on an empty slice",
    predict=Predict(
        "s = 0.00001, and a hundred pixels say 0.00001 each. The truth is empty. What is Dice?",
        answer=round(barely, 4),
        within=0.03,
        because="P is 0.001, a hundred times s: the loss is 1 − 1/101.",
    ),
)

# %% [markdown]
# A prediction that a doctor would call blank costs 0.990<!--= f"{barely:.3f}" -->, and the slope is
# as steep as $1/s$. A larger $s$ calms it, and makes light of small objects: with a whole pixel of
# smoothing, missing an object of one pixel costs no more than 0.5<!--= f"{unseen:.1f}" -->. Many
# practitioners leave empty slices out of the Dice term, and let another loss speak for them.
#
# ### Dice and cross-entropy together
#
# Cross-entropy asks each pixel alone; Dice asks for the region. Reduce the picture to a hundred
# pixels and the network to two numbers: the logit of the pixels inside the object, and that of
# those outside. The answer is at the lower right: yes inside, no outside. The arrows point
# downhill, as gradients pull.

# %% jupyter={"source_hidden": true}
REACH = np.linspace(-6, 6, 25)
COARSE = np.linspace(-5.2, 5.2, 8)
LEVELS = (0.1, 0.3, 0.6, 0.9, 1.4, 2.0)


def maps(inside, x, y):
    """Logit maps of a hundred pixels with x inside and y outside the object, and its mask."""
    truth = (np.arange(100) < inside).astype(float)
    logits = x[:, None] * truth + y[:, None] * (1 - truth)
    return logits[:, None, :], np.broadcast_to(truth, logits.shape)[:, None, :]


def pulls(loss, inside, x, y):
    """How hard the loss pulls up the logit x inside and the logit y outside."""
    logits, truth = maps(inside, x, y)
    pull = -loss.gradient(logits, truth)
    return (pull * truth).sum((1, 2)), (pull * (1 - truth)).sum((1, 2))


PAIR = {
    "cross-entropy": (lm.DiceBCE(dice=0.0), "blue"),
    "Dice": (lm.DiceBCE(cross_entropy=0.0), "orange"),
    "both": (lm.DiceBCE(), "green"),
}
FIELD_X, FIELD_Y = (part.ravel() for part in np.meshgrid(REACH, REACH))
ARROW_X, ARROW_Y = (part.ravel() for part in np.meshgrid(COARSE, COARSE))


def landscapes(inside):
    panels, readings = [], {}
    for name, (loss, stroke) in PAIR.items():
        field = loss.value(*maps(inside, FIELD_X, FIELD_Y))
        right, up = pulls(loss, inside, ARROW_X, ARROW_Y)
        panels.append(
            Panel(
                name,
                [
                    Level(REACH, REACH, field.reshape(25, 25), LEVELS, stroke=stroke),
                    Arrows(ARROW_X, ARROW_Y, 3 * right, 3 * up, stroke="ink"),
                    Points([0], [0], stroke="purple", size=5),
                ],
                Axis("logit inside", -6, 6),
                Axis("logit outside", -6, 6),
                equal=True,
            )
        )
        readings[f"no to yes, {name}"] = no_to_yes(loss, inside)
    return Picture(panels, readings=readings)


def no_to_yes(loss, inside, at=0.0):
    """How much harder the outside is pulled down than the inside up, both logits being `at`."""
    yes, no = pulls(loss, inside, np.array([at]), np.array([at]))
    return float(-no[0] / yes[0])


Explorer(
    landscapes,
    [Slider("inside", 1, 50, 10, symbol="n", meaning="pixels of the object", whole=True)],
    title="Two numbers instead of a network",
    predict=Predict(
        "The object has 2 pixels of 100. Training begins at the dot, where every pixel says "
        "one half. How many times harder does cross-entropy pull towards “no” than towards “yes”?",
        answer=round(no_to_yes(lm.DiceBCE(dice=0.0), 2), 3),
        within=3,
        because="98 pixels outside against 2 inside, each with the same pull.",
    ),
)

# %%
begin = {name: no_to_yes(loss, 2) for name, (loss, _) in PAIR.items()}
lost_object = {
    name: float(pulls(loss, 2, np.array([-8.0]), np.array([-8.0]))[0][0])
    for name, (loss, _) in PAIR.items()
}
for name in PAIR:
    print(f"{name:14} at 0, no to yes {begin[name]:5.1f}   at −8, pull towards yes "
          f"{lost_object[name]:.4f}")  # fmt: skip

# %% [markdown]
# With an object of two pixels cross-entropy pulls, at the start,
# 49<!--= f"{begin['cross-entropy']:.0f}" --> times harder towards "no" than towards "yes"; where
# both share weights, as in a network, the first thing learned is to say no. Dice is balanced,
# 1.0<!--= f"{begin['Dice']:.1f}" --> to one, and for larger objects it
# leans towards yes. Its slope tells why,
#
# $$\frac{\partial\,\text{Dice}}{\partial p_i} = -\frac{2 t_i}{P + T} + \frac{2I}{(P + T)^2} :$$
#
# every pixel is pushed down by the same second term, and it is small, since it holds the share
# $I / (P + T)$ that the object has of the picture. Summed over a large background that is about
# what the few pixels of the object pull up by the first term.
#
# But look at the lower left of the landscape: once everything says no, there is no overlap left to
# improve, and the plain is flat. At logits of $-8$ Dice pulls the object up with
# 0.0007<!--= f"{lost_object['Dice']:.4f}" -->, cross-entropy with
# 0.0200<!--= f"{lost_object['cross-entropy']:.4f}" -->. Each is strong where the other is weak,
# which is the reason for adding them,
#
# $$\lambda_1\,\text{Dice} + \lambda_2\,\text{cross-entropy}.$$
#
# Adding is not yet balancing: with both weights at one and two pixels again, "no" still pulls
# 18<!--= f"{begin['both']:.0f}" --> times harder. Make $n$ small, turn up $\lambda_1$, the weight
# of Dice, and look for the balance.

# %% jupyter={"source_hidden": true}
ALIKE = np.linspace(-8, 8, 49)


@lru_cache(maxsize=64)
def parts(inside):
    """Pull of Dice and of cross-entropy on the inside and on the outside, logits alike."""
    return [
        pulls(loss, inside, ALIKE, ALIKE) for loss in (PAIR["Dice"][0], PAIR["cross-entropy"][0])
    ]


def mixture(inside, dice, cross_entropy):
    of_dice, of_pixels = parts(round(inside))
    panels = []
    for title, d, c in zip(("pull on the inside", "pull on the outside"), of_dice, of_pixels,
                           strict=True):  # fmt: skip
        panels.append(
            Panel(
                title,
                [
                    Curve(ALIKE, cross_entropy * c, "cross-entropy"),
                    Curve(ALIKE, dice * d, "Dice"),
                    Curve(ALIKE, dice * d + cross_entropy * c, "both"),
                ],
                Axis("logit of all pixels", -8, 8),
                Axis("", -0.05, 0.8) if title.endswith("inside") else Axis("", -2.0, 0.15),
            )
        )
    middle = ALIKE.size // 2
    yes, no = (dice * d[middle] + cross_entropy * c[middle]
               for d, c in zip(of_dice, of_pixels, strict=True))  # fmt: skip
    return Picture(panels, readings={"no to yes at logit 0": -no / yes})


Explorer(
    mixture,
    [
        Slider("inside", 1, 50, 25, scale="log", symbol="n", meaning="pixels of the object",
               whole=True),
        slider(lm.DiceBCE, "dice", high=4, symbol="λ₁"),
        slider(lm.DiceBCE, "cross_entropy", high=2, symbol="λ₂"),
    ],
    title="Who pulls?",
)  # fmt: skip

# %%
ratios = {weight: no_to_yes(lm.DiceBCE(dice=weight), 2) for weight in (1.0, 10.0, 100.0)}
for weight, ratio in ratios.items():
    print(f"2 pixels of 100, λ₁ = {weight:3.0f}, λ₂ = 1: no to yes {ratio:4.1f}")
log_odds = np.log(2 / 98)
primed = no_to_yes(lm.DiceBCE(dice=0.0), 2, at=log_odds)
print(f"cross-entropy from a logit of {log_odds:.1f}: no to yes {primed:.1f}")

# %% [markdown]
# The ratio of the sum lies between the ratios of its parts. For the two pixels and with ten times
# the weight on Dice it is still 3.4<!--= f"{ratios[10.0]:.1f}" -->, and where it is nearly even,
# cross-entropy hardly counts, and the plateau of Dice is back. The cheaper cure for the first steps
# is a better start.
# Let the last layer begin at the logit of the object's own share, here $\log\frac{2}{98}$, and
# cross-entropy pulls equally hard both ways, in the ratio 1.0<!--= f"{primed:.1f}" -->: $98$ pixels
# times $0.02$ against $2$ times $0.98$.
#
# ### When the outline is uncertain
#
# Two doctors draw the same tumour. One draws a radius of five, the other of nine, and each is right
# half of the time (the two dotted lines below). Which radius should the program draw? The
# **Tversky** loss puts a price $\alpha$ on every false alarm and a price $\beta$ on every miss,
#
# $$1 - \frac{I}{I + \alpha\,(P - I) + \beta\,(T - I)} ,$$
#
# which is IoU when both are one, and Dice when both are one half.

# %% jupyter={"source_hidden": true}
RADII = np.arange(2, 13)
DRAWN = np.stack([disc(radius, 8) for radius in RADII])
OUTLINES = [np.broadcast_to(disc(radius, 8), DRAWN.shape) for radius in (5, 9)]


def hedge(alpha, beta):
    mean = sum(lm.Tversky(alpha=alpha, beta=beta).value(DRAWN, truth) for truth in OUTLINES) / 2
    best = int(np.argmin(mean))
    return Picture(
        [
            Panel(
                "expected loss of the radius you draw",
                [
                    Curve(RADII, mean, "Tversky", stroke="blue"),
                    Points([RADII[best]], [mean[best]], stroke="blue", size=5),
                    Rule(5, stroke="grey"),
                    Rule(9, stroke="grey"),
                ],
                Axis("radius", 2, 12),
                Axis("", 0, 1),
            )
        ],
        readings={"best radius": float(RADII[best])},
    )


chosen = {
    prices: hedge(*prices).readings["best radius"]
    for prices in ((0.5, 0.5), (0.1, 0.9), (0.9, 0.1))
}
Explorer(
    hedge,
    [slider(lm.Tversky, "alpha", low=0.02), slider(lm.Tversky, "beta", low=0.02)],
    title="The price of a miss, the price of a false alarm",
)

# %%
for (alpha, beta), radius in chosen.items():
    print(f"α = {alpha}, β = {beta}: draw {radius:.0f}")

# %% [markdown]
# Where misses are dear, draw large: 9<!--= f"{chosen[0.1, 0.9]:.0f}" -->. Where false alarms are
# dear, draw small: 5<!--= f"{chosen[0.9, 0.1]:.0f}" -->. A loss of regions is a decision about
# doubtful pixels, and $\alpha$ and $\beta$ are where you state it.
#
# ## Boxes: which way is home?
#
# A **detector** marks objects by boxes $(x_1, y_1, x_2, y_2)$. The obvious loss is again one minus
# intersection over union, now of two areas. Drag the orange box and watch its pull; then press
# Reset, and try another width, another height. The arrows, drawn eight times as long as they are,
# show which way two of its successors would move the box as a whole.

# %% jupyter={"source_hidden": true}
TARGET_BOX = np.array([-1.0, -0.75, 1.0, 0.75])
BOX_LOSSES = {"IoU": lm.IoU(), "GIoU": lm.GIoU(), "DIoU": lm.DIoU(), "CIoU": lm.CIoU()}
BOX_STROKES = dict(zip(BOX_LOSSES, ("orange", "green", "purple", "brown"), strict=True))


def box_at(x, y, width=1.6, height=1.2):
    return np.array([x - width / 2, y - height / 2, x + width / 2, y + height / 2])


def move(loss, box):
    """How the loss would move the box as a whole: right and up."""
    pull = -loss.gradient(box, TARGET_BOX)
    return pull[0] + pull[2], pull[1] + pull[3]


def drawn(box, name, stroke):
    return Boxes(*([corner] for corner in box), name, stroke)


def arrow(x, y, way, name):
    right, up = 8 * np.array(way)
    return Arrows([x], [y], [right], [up], name, BOX_STROKES[name])


def two_boxes(x, y, width, height):
    box = box_at(x, y, width, height)
    hull = np.concatenate([np.minimum(box, TARGET_BOX)[:2], np.maximum(box, TARGET_BOX)[2:]])
    moves = {name: move(loss, box) for name, loss in BOX_LOSSES.items()}
    return Picture(
        [
            Panel(
                "target, prediction, hull",
                [
                    drawn(TARGET_BOX, "target", "blue"),
                    drawn(hull, "hull", "grey"),
                    drawn(box, "prediction", "orange"),
                    *(arrow(x, y, moves[name], name) for name in ("GIoU", "DIoU")),
                    Points([x], [y], stroke="ink", size=6, handle=("x", "y")),
                ],
                Axis("", -4.8, 4.8),
                Axis("", -4, 4),
                equal=True,
            ),
            Panel(
                "loss",
                [
                    Bars(
                        [float(loss.value(box, TARGET_BOX)) for loss in BOX_LOSSES.values()],
                        names=tuple(BOX_LOSSES),
                        stroke="blue",
                    )
                ],
                Axis("", -0.6, 3.6),
                Axis("", 0, 2),
            ),
        ],
        readings={f"pull of {name}": float(np.hypot(*moved)) for name, moved in moves.items()},
    )


apart = two_boxes(2.6, 1.8, 1.6, 1.2).readings
Explorer(
    two_boxes,
    [
        Slider("x", -3, 3, 2.6, meaning="centre, sideways"),
        Slider("y", -2.5, 2.5, 1.8, meaning="centre, up and down"),
        Slider("width", 0.3, 3.5, 1.6, symbol="w", meaning="width"),
        Slider("height", 0.3, 3.0, 1.2, symbol="h", meaning="height"),
    ],
    title="Drag the box home",
    live=True,
    predict=Predict(
        "The boxes do not overlap. Which losses pull the orange box towards the blue one?",
        choices=("all four", "all but IoU", "only GIoU", "none"),
        answer={0: "none", 1: "only GIoU", 3: "all but IoU", 4: "all four"}[
            sum(pull > 0 for pull in apart.values())
        ],
        because="Without overlap IoU is one wherever the box is. The others see the distance.",
    ),
)

# %% [markdown]
# The IoU loss is one for boxes that do not overlap, a hair's breadth apart or a mile. A loss that
# does not change has no gradient, so the box stays where it is, for ever. The cures add a term:
#
# * **GIoU** adds the empty share of the **hull** $C$, the smallest box around the two boxes $A$ and
#   $B$ (dotted): $\big(|C| - |A \cup B|\big) / |C|$.
# * **DIoU** adds the squared distance of the centres, divided by the squared diagonal of the hull.
# * **CIoU** adds to that a term for the shape, the difference of the angles
#   $\arctan(\text{width} / \text{height})$, so that it goes on pulling when the centres agree.
#
# Now slide a box past the target along a line, and look at the value, at the slope and at the
# curvature of the loss along it. (CIoU is published with a weight that is treated as a constant
# when it is differentiated, so its slope is not that of its value and it has no curvature to show.)

# %% jupyter={"source_hidden": true}
WAY = np.linspace(-3, 3, 61) + 1e-6  # a hair beside the places where edges line up
ALONG_X = np.array([1.0, 0.0, 1.0, 0.0])


def passing(y, width, height):
    boxes = np.stack([box_at(x, y, width, height) for x in WAY])
    truth = np.broadcast_to(TARGET_BOX, boxes.shape)
    seen = {name: loss for name, loss in BOX_LOSSES.items() if name != "CIoU"}
    across = Axis("centre of the box", -3, 3)
    rows = {
        "value": (lambda loss: loss.value(boxes, truth), Axis("", 0, 2)),
        "slope": (lambda loss: loss.gradient(boxes, truth) @ ALONG_X, Axis("", -1, 1)),
        "curvature": (
            lambda loss: ALONG_X @ loss.hessian(boxes, truth) @ ALONG_X,
            Axis("", -0.8, 0.8),
        ),
    }
    return Picture(
        [
            Panel(
                title,
                [Curve(WAY, how(loss), name, stroke=BOX_STROKES[name])
                 for name, loss in seen.items()],
                across,
                axis,
            )
            for title, (how, axis) in rows.items()
        ]
    )  # fmt: skip


Explorer(
    passing,
    [
        Slider("y", 0, 2.5, 0.3, meaning="how far above the target it passes"),
        Slider("width", 0.5, 3.5, 1.6, symbol="w", meaning="width of the box"),
        Slider("height", 0.3, 3.0, 1.2, symbol="h", meaning="height of the box"),
    ],
    title="A box slides past",
)

# %% [markdown]
# Three things to find. Raise $y$ until the boxes never meet: IoU is a flat line. Put $y$ to zero
# and make the box narrow, so that it lies *inside* the target for a while: IoU and GIoU are flat
# there too, since neither overlap, union nor hull changes; only DIoU still knows where the middle
# is, and curves upwards there. Third, the slopes jump wherever two edges line up, and between the
# jumps the curvature is mostly negative: these losses are not bowls, and a step size that suits one
# place is wrong in the next.
#
# Does it matter? Let four boxes walk down their gradients from the same place, with steps that grow
# shorter as they go.

# %% jupyter={"source_hidden": true}
PACES, STRIDE = 80, 0.7
DISTANCES = np.linspace(0.5, 2.5, 201)


def walk(loss):
    """Where a loss takes boxes that start at all the distances: (steps + 1, distances, 4)."""
    path = [box_at(DISTANCES, 0.5 * DISTANCES, 1.0, 2.0).T]
    truth = np.broadcast_to(TARGET_BOX, path[0].shape)
    for pace in range(PACES):
        stride = STRIDE * (1 - pace / PACES)
        path.append(path[-1] - stride * loss.gradient(path[-1], truth))
    return np.array(path)


WALKS = np.array([walk(loss) for loss in BOX_LOSSES.values()])


def walking(pace, distance):
    paths = WALKS[:, :, np.abs(DISTANCES - distance).argmin()]
    truth = np.broadcast_to(TARGET_BOX, paths.shape)
    overlap = 1 - lm.IoU().value(paths, truth)
    return Picture(
        [
            Panel(
                "where the boxes are",
                [
                    drawn(TARGET_BOX, "target", "blue"),
                    *(
                        drawn(path[round(pace)], name, BOX_STROKES[name])
                        for name, path in zip(BOX_LOSSES, paths, strict=True)
                    ),
                ],
                Axis("", -2, 4.5),
                Axis("", -2, 3.5),
                equal=True,
            ),
            Panel(
                "overlap reached",
                [
                    *(
                        Curve(np.arange(PACES + 1), one, name, stroke=BOX_STROKES[name])
                        for name, one in zip(BOX_LOSSES, overlap, strict=True)
                    ),
                    Rule(round(pace), stroke="grey"),
                ],
                Axis("steps", 0, PACES),
                Axis("intersection over union", -0.03, 1.03),
            ),
        ],
        readings={f"overlap by {name}": float(one[round(pace)])
                  for name, one in zip(BOX_LOSSES, overlap, strict=True)},
    )  # fmt: skip


Explorer(
    walking,
    [
        Slider("pace", 0, PACES, 20, symbol="t", meaning="steps taken", whole=True),
        Slider("distance", 0.5, 2.5, 2.2, symbol="d", meaning="how far away the boxes start"),
    ],
    title="Four boxes walk home",
)

# %%
arrived = walking(PACES, 2.2).readings
early = walking(20, 2.2).readings
for name, overlap in arrived.items():
    print(f"{name:12} {early[name]:.3f} after 20 steps, {overlap:.3f} after {PACES}")
assert arrived["overlap by IoU"] == 0

# %% [markdown]
# The IoU box has not moved: its overlap is still 0.00<!--= f"{arrived['overlap by IoU']:.2f}" -->.
# The others arrive, at 0.99<!--= f"{min(arrived[f'overlap by {name}'] for name in ('GIoU', 'DIoU',
# 'CIoU')):.2f}" --> and more. Watch the boxes on the way: they first *grow*, since moving an edge
# towards the target is the quickest way to lower the added term, and shrink to fit once they
# overlap. The jitter is the price of slopes that jump: where edges line up, a step of fixed length
# hops across, which [chapter seven](07_geometry_and_optimisation.ipynb) showed for the absolute
# error.
#
# > **Refute this.** *“If the GIoU loss is zero, the boxes coincide.”* Type the formula as it is
# > printed, and hand it a box whose corners have been swapped.


# %%
def printed_giou(a, b):
    """The formula as it stands in papers, with no look at what it is given."""

    def area(box):
        return (box[2] - box[0]) * (box[3] - box[1])

    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])
    shared = np.prod(np.maximum(high - low, 0))
    union = area(a) + area(b) - shared
    hull = np.prod(np.maximum(a[2:], b[2:]) - np.minimum(a[:2], b[:2]))
    return 1 - shared / union + (hull - union) / hull


proper, swapped = np.array([1.0, 1.0, 3.0, 3.0]), np.array([3.0, 3.0, 1.0, 1.0])
print("as printed, far apart:", round(printed_giou(proper + 9, proper), 3))
print("as printed, swapped corners:", printed_giou(swapped, proper))
try:
    lm.GIoU()(swapped, proper)
except ValueError as error:
    print("lossmath:", error)
assert printed_giou(swapped, proper) == 0

# %% [markdown]
# Refuted: 0.0<!--= printed_giou(swapped, proper) -->, a perfect score for a box turned inside out.
# Its area is still positive, two negative sides multiplied. A network that predicts four free
# numbers will produce such boxes. Predict a centre and two *logarithms* of sides instead, and check
# what you are given.
#
# ## Detection: the whole loss of a detector
#
# A detector looks at a hundred thousand fixed places, **anchors**, and asks of each: is there an
# object, and if so, by how much must the anchor be moved and stretched to fit it? RetinaNet (Lin
# and others, 2017) answers with a pair of losses you have met,
#
# $$\frac{1}{\max(1, n_+)} \Big( \sum_{\text{all anchors}} \text{focal}_{\gamma, \alpha} \;+\;
# \lambda \sum_{\text{anchors with an object}} \text{smooth L1}_\beta \Big),$$
#
# where $n_+$ counts the anchors with an object. The [focal loss](03_classification.ipynb) is a
# cross-entropy times $(1 - p_t)^\gamma$, which fades as $p_t$, the probability of the right answer,
# comes near one; it counts objects with the weight $\alpha$ and background with $1 - \alpha$.
# [Smooth L1](02_regression.ipynb) is taken of the four offsets. Below, two anchors hold an object
# (found with doubt), four thousand are plain background, and forty are background that looks like
# an object.

# %%
KINDS = {"object": (2, -0.5, 1.0), "background": (4000, -4.0, 0.0), "lookalike": (40, 1.0, 0.0)}
LOGITS = np.concatenate([np.full(n, z) for n, z, _ in KINDS.values()])[:, None]
HOLDS = np.concatenate([np.full(n, t) for n, _, t in KINDS.values()])[:, None]
OFFSETS = np.tile([0.3, -0.2, 0.05, 0.6], (len(HOLDS), 1))
NO_OFFSET = np.zeros_like(OFFSETS)


def shares(gamma, alpha, beta, box_weight):
    """What each kind of anchor, and the boxes, add to the loss of the image."""
    classes = lm.BinaryFocal(gamma, alpha).value(LOGITS, HOLDS)[:, 0]
    ends = np.cumsum([n for n, _, _ in KINDS.values()])[:-1]
    count = HOLDS.sum()
    found = {name: part.sum() / count
             for name, part in zip(KINDS, np.split(classes, ends), strict=True)}  # fmt: skip
    boxes = lm.SmoothL1(beta).value(OFFSETS, NO_OFFSET)[HOLDS[:, 0] == 1]
    return {**found, "boxes": box_weight * boxes.sum() / count}


detector = lm.RetinaNet()
together = float(detector.value(LOGITS, OFFSETS, HOLDS, NO_OFFSET))
assert np.isclose(sum(shares(2.0, 0.25, 1 / 9, 1.0).values()), together)


# %% jupyter={"source_hidden": true}
def anchors(gamma, alpha, beta, box_weight):
    found = shares(gamma, alpha, beta, box_weight)
    total = sum(found.values())
    return Picture(
        [
            Panel(
                "share of the loss",
                [Bars([part / total for part in found.values()], names=tuple(found))],
                Axis("", -0.6, 3.6),
                Axis("", 0, 1),
            )
        ],
        readings={"loss": total, "of it, plain background": found["background"] / total},
    )


crowd = {g: anchors(g, 0.25, 1 / 9, 1.0).readings["of it, plain background"] for g in (0.0, 2.0)}
Explorer(
    anchors,
    [
        slider(lm.RetinaNet, "gamma"),
        slider(lm.RetinaNet, "alpha", low=0.02, high=0.98),
        slider(lm.RetinaNet, "beta"),
        slider(lm.RetinaNet, "box_weight"),
    ],
    title="Who makes up the loss of a detector?",
    predict=Predict(
        "With γ = 0, plain weighted cross-entropy: what share of the loss comes from background "
        "that every anchor already gets right? (0 to 1)",
        answer=round(crowd[0.0], 3),
        within=0.1,
        because="Each of them costs next to nothing, and there are four thousand.",
    ),
)

# %% [markdown]
# With $\gamma = 0$ anchors that have nothing left to learn make up
# 57%<!--= f"{crowd[0.0]:.0%}" --> of the loss; with $\gamma = 2$ it is
# 0.1%<!--= f"{crowd[2.0]:.1%}" -->. Now look what the *lookalikes* do: they take most of what is
# left. Focusing on the hard is focusing on whatever is hard, mislabelled anchors included.
#
# > **Refute this.** *“With $\gamma = 0$ the focal loss is the cross-entropy.”*

# %%
z, t = np.array([-2.0, 0.5, 3.0]), np.array([1.0, 0.0, 1.0])
plain = lm.BinaryCrossEntropyFromLogits().value(z, t)
weighted = lm.BinaryFocal(gamma=0.0).value(z, t)
unweighted = lm.BinaryFocal(gamma=0.0, balanced=False).value(z, t)
print("cross-entropy          ", plain.round(4))
print("focal, γ = 0, α = 0.25 ", weighted.round(4), "  ratio", (weighted / plain).round(2))
print("focal, γ = 0, without α", unweighted.round(4))
assert np.allclose(unweighted, plain) and not np.allclose(weighted, plain)

# %% [markdown]
# Refuted as long as there is an $\alpha$: objects count
# 0.25<!--= f"{weighted[0] / plain[0]:.2f}" -->, background
# 0.75<!--= f"{weighted[1] / plain[1]:.2f}" -->. It surprises people that the *rare* class gets the
# small weight. Since $\gamma$ has silenced the background already, a little is given back.
#
# The divisor is the last trap. Divide by the number of **all** anchors, as a mean does, and the
# same image looks different to a detector with more anchors; if a batch has no object, dividing by
# their number is a division by zero:

# %%
CLEAR = (-8.0, 0.0, 0.0, 0.0)  # logits, offsets, targets and their offsets of clear background
IMAGE = (LOGITS, OFFSETS, HOLDS, NO_OFFSET)
more = [np.concatenate([part, np.full((40_000, part.shape[1]), fill)])
        for part, fill in zip(IMAGE, CLEAR, strict=True)]  # fmt: skip
as_mean = float(lm.BinaryFocal()(LOGITS, HOLDS)), float(lm.BinaryFocal()(more[0], more[2]))
by_objects = together, float(detector.value(*more))
no_objects = float(detector.value(LOGITS, OFFSETS, 0 * HOLDS, NO_OFFSET))
print("with 40 000 more anchors of clear background …")
print(f"the mean over anchors goes from {as_mean[0]:.5f} to {as_mean[1]:.5f}")
print(f"the sum divided by objects goes from {by_objects[0]:.5f} to {by_objects[1]:.5f}")
print(f"an image without objects: {no_objects:.3f}")

# %% [markdown]
# Clear background that teaches nothing divides the mean by 11<!--= f"{as_mean[0] / as_mean[1]:.0f}"
# -->, and with it the gradient of the two objects. Divided by the number of objects, or by one if
# there is none, the loss does not notice.
#
# ## Looks: SSIM
#
# Four distortions of one picture, every one with exactly the same squared error. Which would you
# call the worst?
#
# **SSIM**, the structural similarity of Wang and others (2004), looks through a small window with
# soft edges, a Gaussian of width $\sigma$. In each position it compares the two means $m$, and the
# two patterns around the means by their variances $v_x$, $v_y$ and their covariance $v_{xy}$:
#
# $$\text{SSIM} = \frac{2 m_x m_y + C_1}{m_x^2 + m_y^2 + C_1} \cdot
# \frac{2 v_{xy} + C_2}{v_x + v_y + C_2}, \qquad \text{loss} = 1 - \overline{\text{SSIM}} .$$
#
# The small constants, $C_1 = (K_1 L)^2$ and $C_2 = (K_2 L)^2$, say below which brightness and which
# contrast nothing is to be seen. $L$ is the range of the data: one if pixels lie between zero and
# one, `255` if they are bytes.

# %% jupyter={"source_hidden": true}
SMALL = 24
UP, RIGHT = np.mgrid[:SMALL, :SMALL] - (SMALL - 1) / 2
HOUSE = np.full((SMALL, SMALL), 0.62) + 0.006 * UP
HOUSE[(np.abs(RIGHT) < 7.6) & (UP > -1)] = 0.36
HOUSE[(np.abs(RIGHT) < 8.6 - 1.3 * (-1 - UP)) & (UP <= -1)] = 0.2
HOUSE[(np.abs(np.abs(RIGHT) - 4) < 1.6) & (UP > 2) & (UP < 6)] = 0.75
HOUSE[(np.abs(RIGHT) < 1.6) & (UP > 5)] = 0.15
HISS = np.random.default_rng(6).standard_normal(HOUSE.shape)
THREE = np.array([1, 2, 1]) / 4


def blurred(image):
    """Each pixel averaged with its neighbours, twelve times."""
    for _ in range(12):
        for axis in (0, 1):
            wide = np.pad(image, [(1, 1) if a == axis else (0, 0) for a in (0, 1)], mode="edge")
            image = np.apply_along_axis(np.convolve, axis, wide, THREE, mode="valid")
    return image


def of_length(change):
    """The same change with a root mean square of one."""
    return change / np.sqrt(np.mean(change**2))


CHANGES = {
    "bright": np.ones_like(HOUSE),
    "pale": of_length(HOUSE.mean() - HOUSE),
    "blurred": of_length(blurred(HOUSE) - HOUSE),
    "noisy": of_length(HISS),
}
SIZES = np.linspace(0.01, 0.11, 11)
WORSE = np.stack([[HOUSE + size * change for size in SIZES] for change in CHANGES.values()])


@lru_cache(maxsize=256)
def dissimilar(sigma, data_range):
    """One minus SSIM of every distortion in every size."""
    loss = lm.SSIM(sigma=sigma, data_range=data_range)
    return loss.value(WORSE, np.broadcast_to(HOUSE, WORSE.shape))


def shades(image):
    """How dark to draw each pixel, in so few steps that a still has colours left for curves."""
    return np.round(32 * (1 - image)) / 32


def four_ways(error, sigma, data_range):
    losses = dissimilar(sigma, data_range)
    now = [float(np.interp(error, SIZES, one)) for one in losses]
    cells = Axis("", 0, SMALL)
    shown = {"the picture": HOUSE} | {
        name: HOUSE + error * change for name, change in CHANGES.items()
    }
    return Picture(
        [
            *(
                Panel(
                    name, [Matrix(shades(image), stroke="ink")], cells, cells, equal=True, bare=True
                )
                for name, image in shown.items()
            ),
            Panel(
                "1 − SSIM",
                [Bars(now, names=tuple(CHANGES), stroke="blue")],
                Axis("", -0.6, 3.6),
                Axis("", 0, 0.7),
            ),
        ],
        readings={"squared error": error**2, **dict(zip(CHANGES, now, strict=True))},
    )


verdicts = four_ways(0.1, 1.5, 1.0).readings
ranked = sorted(CHANGES, key=verdicts.get)
Explorer(
    four_ways,
    [
        Slider("error", 0.01, 0.11, 0.1, symbol="e", meaning="root mean square error of all four"),
        slider(lm.SSIM, "sigma"),
        Slider("data_range", 0.5, 255, 1.0, scale="log", symbol="L", meaning="data range"),
    ],
    title="Four pictures, one squared error",
    predict=Predict(
        "All four have the same squared error. Which one does SSIM mind least?",
        choices=tuple(CHANGES),
        answer=ranked[0],
        because="A constant shift leaves every pattern as it was.",
    ),
)

# %%
for name in CHANGES:
    print(f"{name:14} squared error {0.1**2:.4f}   1 − SSIM {verdicts[name]:.3f}")
as_bytes = float(lm.SSIM(data_range=255.0)(HOUSE, 1 - HOUSE))
as_floats = float(lm.SSIM()(HOUSE, 1 - HOUSE))
print(f"the picture against its negative: {as_floats:.3f}; with L = 255: {as_bytes:.5f}")

# %% [markdown]
# SSIM minds the brighter picture least, 0.03<!--= f"{verdicts['bright']:.2f}" -->, and
# the blurred one most, 0.50<!--= f"{verdicts['blurred']:.2f}" -->. A squared error cannot
# tell them apart. The order is a property of the window too: turn $\sigma$.
#
# **Watch it fail.** Turn $L$ up. Pixels between zero and one with $L = 255$ is the usual mistake
# with SSIM, and it raises no error: the constants drown everything, all pictures look alike, and
# the loss of this picture against its own *negative* is 0.013<!--= f"{as_bytes:.3f}" --> instead
# of 1.83<!--= f"{as_floats:.2f}" -->. A training curve near zero then looks like success.
#
# Nor is SSIM an eye. It compares windows place by place, so that a lawn moved by one pixel is all
# wrong, although nobody could see it. That is the question of the last section.
#
# ## Looks: through filters
#
# You must predict a texture: water, grass, gravel. From what you know, any of several shifted
# versions could be the true one. What should you draw?
#
# Under squared error the best answer is the **average** of the candidates: grey mush. If $X$ and
# $X'$ are two candidates picked at random and $M$ is their mean, then in each pixel
#
# $$\mathbb E (X - X')^2 = 2\operatorname{Var} X, \qquad
# \mathbb E (X - M)^2 = \operatorname{Var} X :$$
#
# a sharp picture, true or not, costs twice as much as mush. This is why networks trained on pixels
# draw blurred hair. A **perceptual loss** (Johnson, Alahi and Fei-Fei,
# 2016) compares what a bank of filters sees instead. In practice these are the layers of a trained
# network; here they are three layers of small random filters that never change, which is enough to
# see the principle. With $F_l$ the responses of layer $l$ and $N_l$ their number,
#
# $$\sum_l \lambda_l \Big( \underbrace{\tfrac{1}{N_l}\lVert F_l - F'_l \rVert^2}_{\text{content}} +
# \eta\, \underbrace{\lVert G_l - G'_l \rVert^2}_{\text{style}} \Big), \qquad
# G_l = \tfrac{1}{N_l} F_l F_l^\top .$$
#
# The **Gram matrix** $G$ (Gatys, Ecker and Bethge, 2016) records which filters respond *together*,
# summed over all places: what is there, no longer where.
#
# Slide from one sharp candidate, $b = 0$, to the average of all of them, $b = 1$. The truth is any
# of them with equal probability, and the curves are expected losses.


# %%
def texture(size=24):
    """Random waves of one typical length, brightness about one half."""
    waves = np.fft.fft2(np.random.default_rng(3).standard_normal((size, size)))
    across = np.fft.fftfreq(size)
    length = np.hypot(across[:, None], across)
    grain = np.fft.ifft2(waves * np.exp(-(((length - 0.2) / 0.05) ** 2))).real
    return 0.5 + 0.2 * grain / grain.std()


SHARP = texture()
CANDIDATES = np.stack([np.roll(SHARP, (y, x), (0, 1)) for y in (0, 6, 12, 18) for x in (0, 8, 16)])
MUSH = CANDIDATES.mean(0)
BLENDS = np.linspace(0, 1, 9)


def expected_loss(loss):
    """The mean over all candidates of what each blend costs."""
    drawn_images = [np.broadcast_to((1 - b) * SHARP + b * MUSH, CANDIDATES.shape) for b in BLENDS]
    return np.array([np.mean(loss.value(image, CANDIDATES)) for image in drawn_images])


def one_layer(layer, style):
    return lm.Perceptual(fine=layer == 0, middle=layer == 1, coarse=layer == 2, style=style)


PIXELS, WINDOWS = expected_loss(lm.SquaredError()), expected_loss(lm.SSIM())
CONTENT = np.array([expected_loss(one_layer(layer, 0.0)) for layer in range(3)])
STYLE = np.array([expected_loss(one_layer(layer, 1.0)) for layer in range(3)]) - CONTENT
mixed = expected_loss(lm.Perceptual(fine=0.5, middle=0.2, coarse=1.0, style=3.0))
assert np.allclose(mixed, [0.5, 0.2, 1.0] @ (CONTENT + 3 * STYLE))  # linear in all four weights


# %% jupyter={"source_hidden": true}
def hedging(blend, fine, middle, coarse, style):
    weights = np.array([fine, middle, coarse])
    seen = {
        "pixels": PIXELS,
        "SSIM": WINDOWS,
        "filters": weights @ (CONTENT + style * STYLE) + 1e-12,
    }
    image = (1 - blend) * SHARP + blend * MUSH
    cells = Axis("", 0, SHARP.shape[1])
    return Picture(
        [
            Panel("what you draw", [Matrix(shades(image), stroke="ink")], cells, cells, equal=True,
                  bare=True),
            Panel(
                "expected loss, as a share of its largest",
                [
                    *(Curve(BLENDS, cost / cost.max(), name) for name, cost in seen.items()),
                    Rule(blend, stroke="grey"),
                ],
                Axis("blend b", 0, 1),
                Axis("", 0, 1.08),
            ),
        ],
        readings={f"best b for {name}": float(BLENDS[np.argmin(cost)])
                  for name, cost in seen.items()},
    )  # fmt: skip


best = {
    eta: hedging(0.0, 1.0, 1.0, 1.0, eta).readings["best b for filters"] for eta in (0.0, 300.0)
}
Explorer(
    hedging,
    [
        Slider("blend", 0, 1, 0.0, symbol="b", meaning="from one candidate to their average"),
        slider(lm.Perceptual, "style", high=300),
        slider(lm.Perceptual, "fine", symbol="λ₁"),
        slider(lm.Perceptual, "middle", symbol="λ₂"),
        slider(lm.Perceptual, "coarse", symbol="λ₃"),
    ],
    title="Sharp and probably wrong, or blurred and never right?",
    predict=Predict(
        "Turn η up to 300, so that style decides. Which picture is the best answer now?",
        choices=("the average of all candidates", "one sharp candidate"),
        answer="one sharp candidate" if best[300.0] == 0 else "the average of all candidates",
        because="All candidates have the same style. The average has none of it.",
    ),
)

# %%
halved = PIXELS[-1] / PIXELS[0]
style_cost = STYLE.sum(0)[-1] / STYLE.sum(0)[0]
content_cost = CONTENT.sum(0)[-1] / CONTENT.sum(0)[0]
print(f"averaging changes the squared error by a factor of {halved:.2f}, "
      f"content {content_cost:.2f}, style {style_cost:.0f}")  # fmt: skip

# %% [markdown]
# Averaging *halves* the squared error (a factor of 0.50<!--= f"{halved:.2f}" -->), and makes the
# style 16<!--= f"{style_cost:.0f}" --> times worse. Note the content term, whose factor is
# 0.53<!--= f"{content_cost:.2f}" -->: comparing responses place by place asks for mush as well. It
# is giving up the *where* that makes a picture sharp, not the filters as such. Trained filters do
# better than random ones, since they respond to larger things, and to things people care about.
# What you lose is the guarantee: a perceptual loss sees what its filters see, and nothing else.
#
# ## The losses on one screen

# %%
table(
    *lm.catalogue("segmentation"),
    *lm.catalogue("boxes"),
    *lm.catalogue("image"),
)

# %% [markdown]
# **How to choose.** Regions, and some are small: Dice with cross-entropy; look at empty masks
# first. A miss is worse than a false alarm: Tversky, with prices you can defend. Boxes: GIoU or one
# of its successors, never IoU alone. A detector with few objects in many places: focal loss and
# smooth L1, divided by the number of objects. Restored photographs: squared error or SSIM when
# every pixel is known; a perceptual loss when many answers would do.
#
# ## Practise
#
# * [Imbalanced detection](../exercises/09_imbalanced_detection.ipynb): one window in fifty holds an
#   object. Design the loss; it is judged by what it does on data nobody has seen.
# * [Does one term dominate?](../exercises/10_dominating_term.ipynb): Dice and cross-entropy, class
#   and box: find out which one trains your model.
# * [MSE, MAE and Huber](../exercises/05_mse_mae_huber.ipynb): the loss of a box's offsets.
#
# ## Further reading
#
# * Milletari, Navab and Ahmadi, *V-Net* (2016), and Salehi, Erdogmus and Gholipour, *Tversky loss
#   function for image segmentation* (2017).
# * Rahman and Wang, *Optimizing intersection-over-union in deep neural networks* (2016).
# * Isensee and others, *nnU-Net* (2018): Dice with cross-entropy as a default that is hard to beat.
# * Rezatofighi and others, *Generalized intersection over union* (2019); Zheng and others,
#   *Distance-IoU loss* (2020).
# * Lin and others, *Focal loss for dense object detection* (2017).
# * Wang, Bovik, Sheikh and Simoncelli, *Image quality assessment: from error visibility to
#   structural similarity* (2004).
# * Johnson, Alahi and Fei-Fei, *Perceptual losses for real-time style transfer and
#   super-resolution* (2016); Gatys, Ecker and Bethge, *Image style transfer using convolutional
#   neural networks* (2016).
# * Blau and Michaeli, *The perception-distortion tradeoff* (2018): why low error and natural looks
#   cannot both be had.
