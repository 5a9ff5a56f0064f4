"""The losses of boxes as a textbook writes them, and where to evaluate them."""

from make_vectors import rows, slope
from mpmath import atan, exp, fsum, log, mpf, pi

UNSTATED = {"hessian": [[]]}  # where the package gives no closed form

SHIFTED = ([0.0, 0.0, 2.0, 3.0], [1.0, -1.0, 4.0, 2.0])
PAIRS = [
    SHIFTED,
    ([1.0, -1.0, 4.0, 2.0], [0.0, 0.0, 2.0, 3.0]),
    ([0.25, 0.5, 1.0, 1.5], [0.0, 0.0, 4.0, 2.0]),  # inside
    ([-1.0, -2.0, 3.0, 5.0], [0.0, 0.5, 1.0, 1.5]),  # around
    ([-1.0, 0.5, 3.0, 1.0], [0.0, 0.0, 1.0, 2.0]),  # a cross
    ([0.0, 0.0, 1.0, 1.0], [3.0, 2.0, 5.0, 2.5]),  # apart
    ([0.0, 0.0, 1.0, 1.0], [2.0, 0.25, 3.0, 0.5]),  # apart, side by side
    ([0.0, 0.0, 1.0, 1e-9], [0.5, -1.0, 2.0, 1.0]),  # hardly any area
    ([0.0, 0.0, 1.0, 2.0], [0.0009765625, -0.001953125, 1.0009765625, 2.001953125]),
]
UNLIKE = [  # a large box and a small one: beside it, inside it
    ([0.25, 0.5, 1.25, 1.125], [1.5, 0.75, 1.5 + 2**-14, 0.75 + 2**-15]),
    ([0.25, 0.5, 1.25, 1.125], [0.25 + 2**-15, 0.5 + 2**-15, 0.25 + 2**-13, 0.5 + 2**-14]),
]
ANCHORS = [
    (
        [[0.5, -2.0], [3.0, 0.25], [-1.0, -1.5]],
        [[0.5, -0.25, 0.0, 1.0], [0.25, 0.03125, -0.5, 2.0], [1.0, 2.0, 3.0, 4.0]],
        [[0, 1], [1, 0], [0, 0]],
        [[0.0, 0.25, 0.03125, -1.0], [0.25, 0.0, 0.125, -2.0], [0.0, 0.0, 0.0, 0.0]],
    ),
    ([[0.5], [-3.0]], [[1.0, 2.0, 3.0, 4.0]] * 2, [[0], [0]], [[0.0] * 4] * 2),
]


def area(box):
    return max(mpf(0), box[2] - box[0]) * max(mpf(0), box[3] - box[1])


def overlap(a, b):
    return [max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])]


def hull(a, b):
    return [min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])]


def union_area(a, b):
    return area(a) + area(b) - area(overlap(a, b))


def iou(a, b):
    return 1 - area(overlap(a, b)) / union_area(a, b)


def giou(a, b):
    return iou(a, b) + (area(hull(a, b)) - union_area(a, b)) / area(hull(a, b))


def diou(a, b):
    around = hull(a, b)
    distance = sum(((a[i] + a[i + 2]) / 2 - (b[i] + b[i + 2]) / 2) ** 2 for i in (0, 1))
    return iou(a, b) + distance / sum((around[i + 2] - around[i]) ** 2 for i in (0, 1))


def shape(a, b):
    first, second = ((x[2] - x[0]) / (x[3] - x[1]) for x in (a, b))
    return 4 / pi**2 * (atan(first) - atan(second)) ** 2


def ciou(a, b, held=None):
    """With the weight taken from `held`, which stays put while a moves."""
    v = shape(held or a, b)
    weight = v / (iou(held or a, b) + v) if v else 0
    return diou(a, b) + weight * shape(a, b)


def ciou_rows():
    for a, b in PAIRS:
        point, exact = [mpf(x) for x in a], [mpf(x) for x in b]

        def value(moved, point=point, exact=exact):
            return ciou(moved, exact, held=point)

        gradient = [slope(value, point, i) for i in range(4)]
        yield from rows("CIoU", ciou, [(a, b)], gradient=gradient, sizes=(1, 4, 0), **UNSTATED)


def focal(z, t, gamma, alpha):
    p = 1 / (1 + exp(-z))
    p_t, alpha_t = (p, alpha) if t == 1 else (1 - p, 1 - alpha)
    return -alpha_t * (1 - p_t) ** gamma * log(p_t)


def smooth_l1(r, beta):
    return r**2 / (2 * beta) if abs(r) < beta else abs(r) - beta / 2


def retina(logits, boxes, target, target_boxes, gamma, alpha, beta, box_weight):
    classes = [
        focal(z, t, gamma, alpha)
        for line in zip(logits, target, strict=True)
        for z, t in zip(*line, strict=True)
    ]
    offsets = [
        smooth_l1(a - b, beta)
        for box, other, labels in zip(boxes, target_boxes, target, strict=True)
        for a, b in zip(box, other, strict=True)
        if any(labels)
    ]
    count = sum(1 for labels in target if any(labels))
    return (fsum(classes) + box_weight * fsum(offsets)) / max(1, count)


def table():
    same = [0.5, -1.0, 2.0, 3.0]
    settings = [
        {"gamma": 2.0, "alpha": 0.25, "beta": 0.125, "box_weight": 1.0},
        {"gamma": 0.5, "alpha": 0.75, "beta": 1.5, "box_weight": 3.0},
    ]
    return [
        *rows("IoU", iou, PAIRS, sizes=(1, 1, 4)),
        *rows("GIoU", giou, PAIRS, sizes=(1, 1, 4)),
        *rows("GIoU", giou, UNLIKE, sizes=(1, 0, 4)),
        *rows("DIoU", diou, PAIRS, sizes=(1, 1, 4)),
        *ciou_rows(),
        *rows("CIoU", ciou, [(same, same)], gradient=[0, 0, 0, 0], **UNSTATED),
        *rows(
            "RetinaNet",
            retina,
            ANCHORS,
            settings,
            differentiable=(0, 1),
            sizes=(0, 0.1, 0),
            **UNSTATED,
        ),
    ]
