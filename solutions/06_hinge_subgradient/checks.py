"""What 06 is graded on."""

import numpy as np

from autograder.checks import (
    Failure,
    check,
    expect,
    expect_dtype,
    expect_refusal,
    expect_unchanged,
    numbers,
    sizes,
    value_like,
)


def sides(rng, shape):
    return rng.choice([-1.0, 1.0], shape)


def margins(rng, shape):
    """Scores and labels with margins in all three regions, some of them exactly 1."""
    label = sides(rng, shape)
    margin = 1 + numbers(rng, shape, 1.5)
    return label * np.where(rng.random(shape) < 0.3, 1.0, margin), label


def classes(rng, examples, count, scale=1.0):
    """Scores in which some examples violate the margin and some do not, with their labels."""
    label = rng.integers(0, count, examples)
    scores = numbers(rng, (examples, count), scale)
    scores[np.arange(examples), label] += rng.choice([0.0, 1.0, 3.0], examples)
    return scores, label


def separable(rng, examples, d):
    """Features and labels that the returned weights separate with a margin of 1 or more."""
    best = numbers(rng, d) + 1
    features = numbers(rng, (examples, d))
    label = np.where(features @ best >= 0, 1.0, -1.0)
    # Examples on the border are moved away from it, so that the best weights stay short.
    features += 0.3 * label[:, None] * best / (best @ best)
    return features, label, best / np.min(label * (features @ best))


def expect_subgradient(rng, reply, loss, scores):
    """The answer's plane touches the loss at the scores and is nowhere above it."""
    slopes = value_like(reply, scores)
    start = loss(scores)
    for scale in np.repeat((0.05, 0.5, 3.0), 12):
        move = numbers(rng, scores.shape, scale)
        if not loss(scores + move) >= start + np.sum(slopes * move) - 1e-9:
            raise Failure(
                f"{reply.inputs}, the answer of {reply.function} is no subgradient: "
                "its plane cuts above the loss."
            )


@check("regions", points=0.75, says="The hinge loss is right on both sides.")
def ordinary_values(ask, reference, rng):
    for shape in (*sizes(rng, 7), (3, 4), (2, 3, 5)):
        score, label = margins(rng, shape)
        expect(ask("hinge", score, label), reference.hinge(score, label))


@check("regions", points=1, says="The interval is right in each of the three regions.")
def three_regions(ask, reference, rng):
    for label in (-1.0, 1.0):
        for margin in (0.0, 1.0, -1.0, 2.5, 1 - 1e-12, 1 + 1e-12):
            point = np.array([label * margin]), np.array([label])
            expect(ask("hinge_interval", *point), reference.hinge_interval(*point))
    for shape in (*sizes(rng, 12), (3, 4), (2, 3, 5)):
        score, label = margins(rng, shape)
        reply = ask("hinge_interval", score, label)
        expect(reply, reference.hinge_interval(score, label))


@check("regions", points=0.5, says="Law: a slope of the interval never leads above your own hinge.")
def lines_below(ask, reference, rng):
    for size in (4, 15):
        score, label = margins(rng, size)
        reply = ask("hinge_interval", score, label)
        start = value_like(ask("hinge", score, label), score)
        for slope in value_like(reply, (score, score)):
            for scale in (0.2, 2.0):
                move = numbers(rng, size, scale)
                there = value_like(ask("hinge", score + move, label), score)
                if not np.all(there >= start + slope * move - 1e-9):
                    raise Failure(f"{reply.inputs}, a line of your interval cuts above your hinge.")
        expect(reply, reference.hinge_interval(score, label))


@check("regions", points=0.75, says="Other labels, NaN, float32 and the inputs are treated right.")
def careful_regions(ask, reference, rng):
    score, label = margins(rng, 6)
    for function in ("hinge", "hinge_interval"):
        reply = ask(function, score, label)
        expect_unchanged(reply)
        expect(reply, getattr(reference, function)(score, label))
        for wrong in (0.0, 2.0):
            labels = np.where(np.arange(6) == rng.integers(6), wrong, label)
            why = f"a label is {wrong:g}"
            expect_refusal(ask, function, score, labels, error="ValueError", why=why)
        single = ask(function, score.astype("f4"), label.astype("f4"))
        expect(single, getattr(reference, function)(score.astype("f4"), label.astype("f4")))
        expect_dtype(single, "float32")
    score[rng.integers(6)] = np.nan
    expect(ask("hinge", score, label), reference.hinge(score, label))
    expect(ask("hinge_interval", score, label), reference.hinge_interval(score, label))


@check("classes", points=0.5, says="The violations are right.")
def ordinary_violations(ask, reference, rng):
    for examples, count in ((1, 2), (4, 3), (9, 7)):
        scores, label = classes(rng, examples, count)
        expect(ask("violations", scores, label), reference.violations(scores, label))


@check("classes", points=0.75, says="Both losses are right, and each is what its name says.")
def ordinary_losses(ask, reference, rng):
    for examples, count in ((1, 3), (4, 4), (9, 7), (6, 2)):
        scores, label = classes(rng, examples, count)
        for function in ("weston_watkins", "crammer_singer"):
            expect(ask(function, scores, label), getattr(reference, function)(scores, label))
    for function in ("weston_watkins", "crammer_singer"):  # a clear decision costs nothing
        expect(ask(function, np.array([[0.5, -5.0, -4.0]]), np.array([0])), 0.0)


@check(
    "classes", points=0.25, says="Law: one number added to all scores of an example is no change."
)
def rows_shifted(ask, reference, rng):
    scores, label = classes(rng, 5, 4)
    shift = 10 * numbers(rng, (5, 1))
    for function in ("weston_watkins", "crammer_singer"):
        right = getattr(reference, function)(scores, label)
        expect(ask(function, scores + shift, label), right)


@check("classes", points=0.5, says="Labels that are no class, NaN, float32 and inputs are right.")
def careful_classes(ask, reference, rng):
    scores, label = classes(rng, 5, 3)
    for function in ("violations", "weston_watkins", "crammer_singer"):
        reply = ask(function, scores, label)
        expect(reply, getattr(reference, function)(scores, label))
        expect_unchanged(reply)
        for wrong in (3, -1):
            labels = np.where(np.arange(5) == rng.integers(5), wrong, label)
            why = f"a label is {wrong} and there are 3 classes"
            expect_refusal(ask, function, scores, labels, error="ValueError", why=why)
    single = ask("violations", scores.astype("f4"), label)
    expect(single, reference.violations(scores.astype("f4"), label))
    expect_dtype(single, "float32")
    scores[2, (label[2] + 1) % 3] = np.nan
    expect(ask("weston_watkins", scores, label), np.nan)
    expect(ask("crammer_singer", scores, label), np.nan)


@check("subgradients", points=0.75, says="The subgradient of Weston and Watkins is right.")
def ordinary_weston_watkins(ask, reference, rng):
    for examples, count in ((1, 3), (4, 4), (9, 7)):
        scores, label = classes(rng, examples, count)
        right = reference.weston_watkins_subgradient(scores, label)
        expect(ask("weston_watkins_subgradient", scores, label), right)


@check("subgradients", points=0.75, says="The subgradient of Crammer and Singer is right.")
def ordinary_crammer_singer(ask, reference, rng):
    for examples, count in ((1, 3), (4, 4), (9, 7)):
        scores, label = classes(rng, examples, count)
        right = reference.crammer_singer_subgradient(scores, label)
        expect(ask("crammer_singer_subgradient", scores, label), right)


@check("subgradients", points=0.25, says="At ties and at the margin it is one of the subgradients.")
def at_the_kinks(ask, reference, rng):
    for name in ("weston_watkins", "crammer_singer"):
        for _ in range(3):
            scores = rng.integers(-1, 2, (3, 4)).astype(float)
            scores[0] = 0  # at least here, all wrong classes are equally bad
            label = rng.integers(0, 4, 3)
            reply = ask(f"{name}_subgradient", scores, label)
            expect_subgradient(
                rng, reply, lambda s, f=name, y=label: getattr(reference, f)(s, y), scores
            )


@check("subgradients", points=0.25, says="float32 stays float32, and inputs are left unchanged.")
def careful_subgradients(ask, reference, rng):
    scores, label = classes(rng, 5, 3)
    scores = scores.astype("f4")
    for function in ("weston_watkins_subgradient", "crammer_singer_subgradient"):
        reply = ask(function, scores, label)
        expect(reply, getattr(reference, function)(scores, label))
        expect_dtype(reply, "float32")
        expect_unchanged(reply)


@check("step", points=0.75, says="The subgradient of the linear model is right, also in float32.")
def linear_model(ask, reference, rng):
    for examples, d in ((1, 1), (6, 2), (20, 5)):
        features, label = numbers(rng, (examples, d)), sides(rng, examples)
        weights = numbers(rng, d)
        reply = ask("linear_subgradient", weights, features, label)
        expect(reply, reference.linear_subgradient(weights, features, label))
        expect_unchanged(reply)
    single = ask("linear_subgradient", *(a.astype("f4") for a in (weights, features, label)))
    expect_dtype(single, "float32")
    features, label = np.array([[1.0, 2.0], [3.0, -1.0]]), np.array([1.0, 1.0])
    reply = ask("linear_subgradient", np.array([1.0, 0.0]), features, label)
    expect(reply, np.zeros(2))


@check("step", points=0.75, says="The bound on the change of the squared distance is right.")
def bounds(ask, reference, rng):
    for d in sizes(rng, 5):
        step, loss = rng.uniform(0.1, 2, 2).tolist()
        g = numbers(rng, d)
        reply = ask("distance_change", step, loss, g)
        expect(reply, reference.distance_change(step, loss, g))
        expect_unchanged(reply)


@check("step", points=0.5, says="The step with the best promise is right, also in float32.")
def ordinary_steps(ask, reference, rng):
    for examples, d in ((1, 1), (6, 2), (20, 5)):
        features, label, _ = separable(rng, examples, d)
        weights = -label @ features / examples  # on the wrong side, so that there is a loss
        reply = ask("polyak_step", weights, features, label)
        expect(reply, reference.polyak_step(weights, features, label))
        expect_unchanged(reply)
    single = ask("polyak_step", *(a.astype("f4") for a in (weights, features, label)))
    expect_dtype(single, "float32")


@check(
    "step", points=0.75, says="Law: every step leads nearer to all separating weights, as promised."
)
def nearer(ask, reference, rng):
    features, label, best = separable(rng, 8, 3)
    others = [best, 2 * best, best + 0.2 * best * rng.uniform(0, 1)]
    weights = -label @ features / 8
    for _ in range(6):
        loss = reference.mean_hinge(weights, features, label)
        g = reference.linear_subgradient(weights, features, label)
        if loss < 1e-6:  # arrived, up to rounding
            break
        reply = ask("polyak_step", weights, features, label)
        after = value_like(reply, weights)
        for target in others:
            before = np.sum((weights - target) ** 2)
            promised = before - loss**2 / (g @ g)
            if not np.sum((after - target) ** 2) <= promised + 1e-9 * before:
                raise Failure(
                    f"{reply.inputs}, your step does not lead as much nearer to the separating "
                    "weights as the best step is certain to."
                )
        # A step often ends exactly on a bend, where there are many best steps: move off it.
        weights = after + numbers(rng, 3, 0.05)


@check("step", points=0.25, says="Without a loss, or without a slope, the weights stay.")
def nowhere_to_go(ask, reference, rng):
    features, label, best = separable(rng, 6, 3)
    expect(ask("polyak_step", 2 * best, features, label), 2 * best)
    twice = np.repeat(numbers(rng, (1, 2)), 2, axis=0)  # one point with both labels
    expect(ask("polyak_step", np.zeros(2), twice, np.array([1.0, -1.0])), np.zeros(2))
