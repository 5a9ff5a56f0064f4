"""The losses of representations as a textbook writes them, and where to evaluate them."""

from make_vectors import rows, slope
from mpmath import acos, cos, exp, fsum, log, mpf, pi, sin, sqrt

UNSTATED = {"hessian": [[]]}  # where the package gives no closed form

PAIRS = [
    ([0.5, -1.0], [0.25, 0.75], 1),
    ([3.0, 0.0, 4.0], [0.0, 0.0, 0.0], 1),
    ([0.25, 0.5], [0.5, 0.125], 0),
    ([0.25, -0.25, 0.5], [0.5, 0.25, -0.25], 0),
    ([3.0, 4.0], [1.0, -2.0], 0),
    ([1e200, 3.0], [-1e200, 4.0], 0),
]
TRIPLETS = [
    ([0.5, -1.0], [0.25, 0.75], [0.5, 0.125]),
    ([0.0, 0.0, 0.0], [3.0, 0.0, 4.0], [0.0, 1.0, 0.0]),
    ([0.5, 0.25], [0.5, 0.125], [8.0, -4.0]),
    ([1e6, 0.25], [1e6, 0.75], [1e6, -0.125]),
]
DIRECTIONS = [
    ([0.5, -1.0], [0.25, 0.75]),
    ([3.0, 4.0], [1.0, -2.0]),
    ([1e-9, 2e-9], [2e-9, 5e-9]),
    ([1e200, 3e200, 0.0], [2e200, 1e200, -1e200]),
]
SIMILARITIES = [
    ([0.5, -0.25, 0.125], 0),
    ([0.5, -0.25, 0.125], 1),
    ([1.0, -1.0], 0),
    ([-1.0, 0.75, 0.5, 0.25], 2),
    ([0.25], 0),
]
VIEWS = [
    ([[1.0, 0.0], [0.5, -2.0]], [[3.0, 1.0], [0.25, -0.5]]),
    ([[0.5, 0.25, -1.0]], [[2.0, -3.0, 0.125]]),
    ([[1.0, 2.0], [-1.0, 0.5], [0.25, 0.0]], [[0.5, 0.75], [-2.0, 1.5], [1.0, -0.125]]),
]
ANGLES = [
    ([0.5, -0.25, 0.125], 0),
    ([0.5, 0.75], 0),
    ([0.25, -0.5], 1),
    ([-0.75, -1.0, 0.5], 0),
    ([-0.9375, 0.5], 0),
    ([0.0, 1.0], 0),
]
ANCHORS = [
    ([0.5, -0.25, 0.75, 0.125], [1, 0, 0, 1]),
    ([0.875, 0.5], [1, 0]),
    ([-0.5, 0.25, 0.0], [1, 1, 0]),
    ([0.25, 0.0, -0.75], [1, 0, 0]),
    ([1.0, -1.0], [1, 0]),
]


def dot(u, v):
    return fsum(a * b for a, b in zip(u, v, strict=True))


def minus(u, v):
    return [a - b for a, b in zip(u, v, strict=True)]


def length(u):
    return sqrt(dot(u, u))


def angle_cosine(u, v):
    return dot(u, v) / (length(u) * length(v)) if any(u) and any(v) else mpf(0)


def contrastive(u, v, similar, margin):
    d = length(minus(u, v))
    return similar * d**2 + (1 - similar) * max(mpf(0), margin - d) ** 2


def triplet(a, p, n, margin, squared):
    power = 2 if squared else 1
    return max(mpf(0), length(minus(a, p)) ** power - length(minus(a, n)) ** power + margin)


def info_nce(s, positive, temperature):
    weights = [exp(x / temperature) for x in s]
    return -log(weights[int(positive)] / fsum(weights))


def nt_xent(first, second, temperature):
    z, n = first + second, len(first)
    terms = []
    for i in range(2 * n):
        weight = [exp(angle_cosine(z[i], other) / temperature) for other in z]
        terms.append(-log(weight[(i + n) % (2 * n)] / (fsum(weight) - weight[i])))
    return fsum(terms) / (2 * n)


def clip(images, texts, log_scale):
    scale = min(exp(log_scale), mpf(100))
    matrix = [[exp(scale * angle_cosine(x, t)) for t in texts] for x in images]
    columns = list(zip(*matrix, strict=True))
    lines = [(line, i) for side in (matrix, columns) for i, line in enumerate(side)]
    return -fsum(log(line[i] / fsum(line)) for line, i in lines) / len(lines)


def cosine_embedding(u, v, label, margin):
    c = angle_cosine(u, v)
    return 1 - c if label == 1 else max(mpf(0), c - margin)


def arc_face(cosines, label, margin, scale):
    own = int(label)
    angle = acos(cosines[own])
    turned = cos(angle + margin) if angle + margin <= pi else cos(angle) - margin * sin(margin)
    return info_nce([*cosines[:own], turned, *cosines[own + 1 :]], label, 1 / scale)


def arc_face_at_no_angle(margin, scale):
    """Where the right cosine is 1, a gradient that takes its sine to be 0 and constant."""
    setting = {"margin": margin, "scale": scale}

    def value(moved):
        return info_nce([moved[0] * cos(mpf(margin)), moved[1]], 0, 1 / mpf(scale))

    gradient = [slope(value, [mpf(1), mpf(0.75)], i) for i in (0, 1)]
    return rows(
        "ArcFace",
        arc_face,
        [([1.0, 0.75], 0)],
        [setting],
        sizes=(1, 16, 0),
        gradient=gradient,
        **UNSTATED,
    )


def circle(s, positive, margin, scale, held=None):
    """With the weights taken from `held`, which stays put while s moves."""
    rows = list(zip(s, positive, held or s, strict=True))
    near = fsum(exp(-scale * max(0, 1 + margin - h) * (x - 1 + margin)) for x, p, h in rows if p)
    far = fsum(exp(scale * max(0, h + margin) * (x - margin)) for x, p, h in rows if not p)
    return log(1 + near * far)


def circle_rows(setting):
    for s, positive in ANCHORS:
        exact = {name: mpf(x) for name, x in setting.items()}

        def value(moved, s=s, positive=positive, exact=exact):
            return circle(moved, positive, **exact, held=[mpf(x) for x in s])

        point = [mpf(x) for x in s]
        gradient = [slope(value, point, i) for i in range(len(s))]
        yield from rows("Circle", circle, [(s, positive)], [setting], gradient=gradient, **UNSTATED)


def table():
    margins = [{"margin": m} for m in (1.0, 0.625, 5.0, 0.0)]
    distances = [{"margin": m, "squared": q} for m in (1.0, 0.25) for q in (True, False)]
    tiny = ([1e-9, 0.0], [0.0, 2e-9], 0)
    alike = ([1.0, 1.0], [1.0, 1.0000001], 1)
    return [
        *rows(
            "ContrastivePair",
            contrastive,
            PAIRS,
            margins,
            differentiable=(0, 1),
            sizes=(0.25, 0.25, 8),
        ),
        *rows(
            "ContrastivePair",
            contrastive,
            [tiny],
            margins,
            differentiable=(0, 1),
            sizes=(0, 0, 5e9),
        ),
        *rows(
            "Triplet",
            triplet,
            TRIPLETS,
            distances,
            differentiable=(0, 1, 2),
            sizes=(0, 0.25, 1),
        ),
        *rows(
            "Triplet",
            triplet,
            [([1000.0, 0.5], [1.0, 0.5], [1.125, 0.25])],
            [{"margin": 0.25, "squared": True}],
            differentiable=(0, 1, 2),
        ),
        *rows("InfoNCE", info_nce, SIMILARITIES, [{"temperature": t} for t in (0.5, 0.0625, 2.0)]),
        *rows(
            "NTXent",
            nt_xent,
            VIEWS,
            [{"temperature": t} for t in (0.5, 2.0, 0.125)],
            differentiable=(0, 1),
            sizes=(0, 0.5, 0),
            **UNSTATED,
        ),
        *rows(
            "CLIP",
            clip,
            [(*views, log_scale) for views in VIEWS for log_scale in (0.0, 1.5)],
            differentiable=(0, 1, 2),
            sizes=(0, 0.5, 0),
            **UNSTATED,
        ),
        *rows(
            "CLIP",
            clip,
            # Captions in the wrong order, so that the loss is large although the scale is.
            [(images, texts[::-1], 5.0) for images, texts in VIEWS],
            differentiable=(0, 1, 2),
            sizes=(0, 50, 0),
            **UNSTATED,
        ),
        *rows(
            "CLIP",
            clip,
            [([[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 1.0]], 5.0)],
            differentiable=(0, 1, 2),
            **UNSTATED,
        ),
        *rows(
            "CosineEmbedding",
            cosine_embedding,
            [(*pair, y) for pair in DIRECTIONS for y in (1, -1)],
            [{"margin": m} for m in (0.0, 0.5, -0.75)],
            differentiable=(0, 1),
            sizes=(0.5, 0, 0),
            **UNSTATED,
        ),
        *rows(
            "CosineEmbedding",
            cosine_embedding,
            [alike],
            [{"margin": 0.0}],
            differentiable=(0, 1),
            sizes=(1e-8, 1, 0),
            **UNSTATED,
        ),
        *rows(
            "CosineEmbedding",
            cosine_embedding,
            [([0.0, 0.0], [0.5, -1.0], 1), ([0.5, -1.0], [0.0, 0.0], -1)],
            [{"margin": -0.5}],
            differentiable=(0, 1),
            gradient=[0, 0, 0, 0],
            **UNSTATED,
        ),
        *rows(
            "ArcFace",
            arc_face,
            ANGLES,
            [{"margin": m, "scale": s} for m, s in ((0.5, 64.0), (1.0, 4.0), (0.0, 16.0))],
            **UNSTATED,
        ),
        *arc_face_at_no_angle(0.5, 16.0),
        *circle_rows({"margin": 0.25, "scale": 256.0}),
        *circle_rows({"margin": 0.5, "scale": 4.0}),
        *circle_rows({"margin": 0.0, "scale": 16.0}),
    ]
