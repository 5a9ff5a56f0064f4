"""Each law accepts what obeys it and shows the smallest case that does not."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from lossmath.course import laws
from lossmath.course.student import Student

ONE, TWO = np.array([2.0]), np.array([1.0, -3.0])
MASK = np.array([[True, False]])
VALUES = np.array([[4.0, 9.0]])


def square(x):
    return np.mean(x**2)


def masked(values, mask):
    return values[mask].mean() if mask.any() else 0.0


def drawn(label="squared", xlabel="Residual r", ylabel="gradient", end=1, points=2, legend=True):
    def draw(delta):
        import matplotlib.pyplot as plt

        figure, axes = plt.subplots()
        x = np.linspace(0, end, points)
        axes.plot(x, delta * x, label=label)
        axes.set(xlabel=xlabel, ylabel=ylabel)
        if legend:
            axes.legend()
        return figure

    return draw


def drawn_twice(delta):
    figure = drawn()(delta)
    figure.axes[0].plot([0, 1], [0, 1], label="squared again")
    return figure


def overwrite(x):
    x[0] = 0
    return 1.0


class Counter:
    """Answers differently every time."""

    def __init__(self):
        self.calls = 0

    def __call__(self, x):
        self.calls += 1
        return self.calls


def refuse(x):
    raise ValueError("no")


BATCHES = [(np.array([1.0, 2.0]), np.array([True, True])), (np.array([6.0]), np.array([True]))]

FIGURE = laws.Figure(
    "f", ("squared",), xlabel="residual", ylabel="gradient", across=(0, 1), points=2
)

CASES = {
    "example": (
        laws.Example("f", (ONE,), 4.0),
        [],
        {"f": lambda x: x[0] ** 2},
        {"f": lambda x: x[0]},
    ),
    "example of two numbers": (
        laws.Example("f", (ONE,), (1.0, 2.0)),
        [],
        {"f": lambda x: (1, np.float64(2))},
        {"f": lambda x: (2, 1)},
    ),
    "example of two numbers, not an array": (
        laws.Example("f", (ONE,), (1.0, 2.0)),
        [],
        {"f": lambda x: [1, 2]},
        {"f": lambda x: np.array([1.0, 2.0])},
    ),
    "refuses": (
        laws.Refuses("f", (ONE,), "ValueError", "for a 2"),
        [],
        {"f": refuse},
        {"f": lambda x: 1.0},
    ),
    "finite": (
        laws.Finite("f", ((np.array([1000.0]),),), "far out"),
        [],
        {"f": lambda x: np.logaddexp(0, x)},
        {"f": lambda x: np.log(1 + np.exp(x))},
    ),
    "supports": (
        laws.Supports("g", of="f"),
        [(np.array([[3.0], [0.0]]),)],
        {"f": np.abs, "g": lambda x: (np.where(x > 0, 1, -1), np.where(x < 0, -1, 1))},
        {"f": np.abs, "g": lambda x: (np.where(x > 0, 1, -2), np.where(x < 0, -1, 1))},
    ),
    "pure": (laws.Pure("f"), [(TWO,)], {"f": np.sum}, {"f": overwrite}),
    "the same twice": (laws.Pure("f"), [(TWO,)], {"f": np.sum}, {"f": Counter()}),
    "single number": (laws.Shape("f"), [(TWO,)], {"f": np.sum}, {"f": np.abs}),
    "shape": (laws.Shape("f", like="x"), [(TWO,)], {"f": np.abs}, {"f": np.sum}),
    "precision": (
        laws.Precision("f"),
        [(TWO,)],
        {"f": lambda x: 2 * x},
        {"f": lambda x: x * np.float64(2)},
    ),
    "precision of each piece": (
        laws.Precision("f"),
        [([(TWO, TWO > 0)],)],
        {"f": lambda batches: [values * 2 for values, _ in batches]},
        {"f": lambda batches: [mask / 2 for _, mask in batches]},
    ),
    "gradient of a mean": (
        laws.Gradient("g", of="f", wrt="x"),
        [(TWO,)],
        {"f": square, "g": lambda x: 2 * x / x.size},
        {"f": square, "g": lambda x: 2 * x},
    ),
    "gradient entry by entry": (
        laws.Gradient("g", of="f", wrt="x"),
        [(TWO,)],
        {"f": lambda x: x**3, "g": lambda x: 3 * x**2},
        {"f": lambda x: x**3, "g": lambda x: x**2},
    ),
    "scaling": (
        laws.Invariant("f", "scaling"),
        [(TWO,)],
        {"f": lambda x: x[0] / x[1]},
        {"f": lambda x: x[0]},
    ),
    "size": (
        laws.Invariant("f", "size"),
        [(TWO,)],
        {"f": lambda x: x[0] / x[1]},
        {"f": lambda x: x[0] ** 2 / x[1] ** 2},
    ),
    "shift": (
        laws.Invariant("f", "shift"),
        [(TWO,)],
        {"f": lambda x: x[0] - x[1]},
        {"f": lambda x: x[0]},
    ),
    "masked values": (
        laws.Invariant("f", "masked values"),
        [(VALUES, MASK)],
        {"f": masked},
        {"f": lambda values, mask: (values * mask).sum()},
    ),
    "padding": (
        laws.Invariant("f", "padding"),
        [(VALUES, MASK)],
        {"f": masked},
        {"f": lambda values, mask: (values * mask).mean()},
    ),
    "order": (
        laws.Invariant("f", "order"),
        [(TWO,)],
        {"f": np.max},
        {"f": lambda x: x[0]},
    ),
    "one row": (
        laws.Invariant("f", "one row"),
        [(VALUES.T, ONE)],
        {"f": lambda x, y: x.sum() / x.size},
        {"f": lambda x, y: x.sum(axis=0) / len(x) + x.shape[-1]},
    ),
    "classes swapped": (
        laws.Invariant("f", "classes swapped"),
        [(TWO, np.array([0.25, 1.0]))],
        {"f": lambda z, y: np.logaddexp(0, z) - y * z},
        {"f": lambda z, y: np.logaddexp(0, z) + y * z},
    ),
    "ladder": (
        laws.Ladder("f", (TWO,), (("g", (TWO, ONE)), ("h", (TWO,)))),
        [],
        {"f": lambda x: 2 * x, "g": lambda x, y: y * x, "h": lambda x: x + x},
        {"f": lambda x: 2 * x, "g": lambda x, y: x + y, "h": lambda x: x},
    ),
    "answers alike": (
        laws.Invariant("f", "answers alike"),
        [(VALUES, 2.0)],
        {"f": lambda pairs, beta: beta * (pairs[:, 0] - pairs[:, 1])},
        {"f": lambda pairs, beta: beta * pairs[:, 0]},
    ),
    "sides swapped": (
        laws.Invariant("f", "sides swapped"),
        [(ONE, 2.0, TWO, 3.0)],
        {"f": lambda m1, d1, m2, d2: d1 * m1 + d2 * m2},
        {"f": lambda m1, d1, m2, d2: d1 * m1 - d2 * m2},
    ),
    "blocks": (
        laws.Invariant("f", "blocks"),
        [(VALUES, TWO, 2)],
        {"f": lambda logits, target, block: logits.sum()},
        {"f": lambda logits, target, block: logits[:, :block].sum()},
    ),
    "odd": (laws.Odd("f"), [(TWO,)], {"f": lambda x: x**3}, {"f": np.abs}),
    "limit": (
        laws.Limit("f", dial="d", at=100.0, equals="g", times=0.5),
        [(TWO, 1.0)],
        {"f": lambda x, d: np.clip(x, -d, d), "g": lambda x: 2 * x},
        {"f": lambda x, d: np.clip(x, -1, 1), "g": lambda x: 2 * x},
    ),
    "accumulates": (
        laws.Accumulates("f", whole="masked"),
        [(BATCHES,)],
        {"f": lambda batches: 3.0, "masked": masked},
        {"f": lambda batches: 3.75, "masked": masked},
    ),
    "accumulates arrays": (
        laws.Accumulates("f", whole="g"),
        [(BATCHES,)],
        {"f": lambda batches: [v / 3 for v, _ in batches], "g": lambda v, m: v / 3},
        {"f": lambda batches: np.concatenate([v / 3 for v, _ in batches]), "g": lambda v, m: v / 3},
    ),
    "figure": (FIGURE, [(1.0,)], {"f": drawn()}, {"f": drawn("a")}),
    "figure with label of x": (FIGURE, [(1.0,)], {"f": drawn()}, {"f": drawn(xlabel="x")}),
    "figure with label of y": (FIGURE, [(1.0,)], {"f": drawn()}, {"f": drawn(ylabel="")}),
    "figure with legend": (FIGURE, [(1.0,)], {"f": drawn()}, {"f": drawn(legend=False)}),
    "figure across": (FIGURE, [(1.0,)], {"f": drawn()}, {"f": drawn(end=0.9)}),
    "figure in steps": (FIGURE, [(1.0,)], {"f": drawn(points=3)}, {"f": drawn(points=1)}),
    "figure with one line of a name": (FIGURE, [(1.0,)], {"f": drawn()}, {"f": drawn_twice}),
    "figure returned": (FIGURE, [(1.0,)], {"f": drawn()}, {"f": lambda delta: None}),
    "line": (
        laws.Line("f", "squared", shows="g", dial=True),
        [(3.0,)],
        {"f": drawn(), "g": lambda x, delta: delta * x},
        {"f": drawn(), "g": lambda x, delta: x},
    ),
    "line without a dial": (
        laws.Line("f", "squared", shows="g", dial=False),
        [(1.0,)],
        {"f": drawn("Squared error"), "g": lambda x: x},
        {"f": drawn("absolute"), "g": lambda x: x},
    ),
}


@pytest.mark.parametrize(("law", "inputs", "good", "bad"), CASES.values(), ids=CASES)
def test_a_law_tells_good_from_bad(law, inputs, good, bad):
    assert law.counterexample(Student(good), inputs) is None
    assert law.counterexample(Student(bad), inputs)


@pytest.mark.parametrize(("law", "inputs", "good", "bad"), CASES.values(), ids=CASES)
def test_an_error_breaks_every_law_and_no_answer_all_but_purity(law, inputs, good, bad):
    def fails(*arguments):
        raise TypeError("oops")

    found = law.counterexample(Student(good | {law.function: fails}), inputs)
    assert f"{law.function} raised TypeError: oops" in found.lines
    found = law.counterexample(Student(good | {law.function: lambda *a: None}), inputs)
    assert bool(found) is not isinstance(law, laws.Pure)


def test_every_law_has_a_case_and_a_sentence():
    tried = {type(law) for law, *_ in CASES.values()}
    assert tried == set(laws.Law.kinds.values())
    for law, *_ in CASES.values():
        assert law.says.endswith(".")
        assert law.function in law.says or isinstance(law, laws.Figure)


def test_right_numbers_in_a_wrong_form_are_told_apart():
    student = Student({"f": lambda x: np.array([4.0]), "g": lambda x: [4.0]})
    found = laws.Example("f", (ONE,), 4.0).counterexample(student, [])
    assert "your f gives [4.] (an array of shape (1,), not a single number)" in found.lines[1]
    found = laws.Example("f", (ONE,), (4.0,)).counterexample(student, [])
    assert "(an array of shape (1,), not a tuple or list of 1)" in found.lines[1]
    found = laws.Example("g", (ONE,), ONE * 2).counterexample(student, [])
    assert "your g gives [4] (a list, not an array of shape (1,))" in found.lines[1]
    found = laws.Shape("f").counterexample(student, [(ONE,)])
    wanted = "an array of shape (1,) where a single number is asked for"
    assert found.lines[1] == f"your f gives [4.]: {wanted}"
    found = laws.Shape("g", like="x").counterexample(student, [(ONE,)])
    wanted = "a list where an array of shape (1,) is asked for"
    assert found.lines[1] == f"your g gives [4]: {wanted}"


def test_an_example_missed_by_less_than_is_shown_says_so():
    student = Student({"f": lambda x: 4.0 + 1e-6})
    found = laws.Example("f", (ONE,), 4.0).counterexample(student, [])
    assert found.lines[-1].endswith(
        "gives 4, the statement says 4; they differ in the digits that follow"
    )


def test_the_first_case_that_breaks_is_the_one_shown():
    law = laws.Gradient("g", of="f", wrt="x")
    student = Student({"f": square, "g": lambda x: 2 * x})  # right for one entry
    found = law.counterexample(student, [(ONE,), (TWO,), (np.ones(9),)])
    assert found.lines[0] == "x = [ 1., -3.]"
    assert "your g gives [ 2., -6.]" in found.lines
    assert "nudging x moves your f at the rate [ 1., -3.]" in found.lines


def test_the_curves_of_a_wrong_gradient_differ_as_the_functions_do():
    law = laws.Gradient("g", of="f", wrt="x")
    found = law.counterexample(Student({"f": square, "g": lambda x: 2 * x}), [(TWO,)])
    (x, mine), (_, nudged) = found.curves.values()
    assert found.along == "x[1]"
    np.testing.assert_allclose(mine, 2 * x)
    np.testing.assert_allclose(nudged, x, atol=1e-8)


def test_a_gradient_is_not_asked_for_where_the_value_is_not_finite():
    law = laws.Gradient("g", of="f", wrt="x")
    student = Student({"f": square, "g": lambda x: 2 * x / x.size})
    assert law.counterexample(student, [(np.array([1.0, np.nan]),)]) is None


def test_a_limit_shows_the_argument_far_out():
    law, inputs, _, bad = CASES["limit"]
    found = law.counterexample(Student(bad), inputs)
    assert found.lines[:2] == ("x = [ 1., -3.], d = 100", "your f gives [ 1., -1.]")


def test_the_curves_of_a_missed_limit_differ_as_the_functions_do():
    law, inputs, _, bad = CASES["limit"]
    found = law.counterexample(Student(bad), inputs)
    (x, mine), (_, limit) = found.curves.values()
    np.testing.assert_allclose(x, np.linspace(-6, 0, 61), atol=1e-12)  # the entry that is off most
    np.testing.assert_allclose(mine, np.maximum(x, -1))
    np.testing.assert_allclose(limit, x)


def test_a_line_that_cuts_is_shown_above_the_curve():
    law, inputs, _, bad = CASES["supports"]
    found = law.counterexample(Student(bad), inputs)
    (x, loss), (_, line) = found.curves.values()
    np.testing.assert_allclose(loss, np.abs(x))
    assert np.any(line > loss + 0.1)
    assert line[30] == loss[30]  # they touch where the slope was asked for
    assert "nowhere be above" in found.demand


def test_a_line_may_jump_or_have_a_gap_at_zero_and_nowhere_else():
    x = np.array([-1.0, 0.0, 0.0, 1.0])

    def draw(y):
        def figure():
            figure, axes = plt.subplots()
            axes.plot(x, y, label="absolute")
            return figure

        return figure

    law = laws.Line("f", "absolute", shows="sign", dial=False)
    for y in ([-1, -1, 1, 1], [-1, 0, np.nan, 1]):
        assert law.counterexample(Student({"f": draw(y), "sign": np.sign}), [()]) is None
    found = law.counterexample(Student({"f": draw([-1, 0, 0, 2]), "sign": np.sign}), [()])
    assert found.lines[1:] == ("at 1 the line is at 2, sign at 1",)
    assert set(found.curves) == {"the line absolute", "your sign"}
    gap = law.counterexample(Student({"f": draw([-1, 0, 0, np.nan]), "sign": np.sign}), [()])
    assert gap.lines[1:] == ("at 1 the line is at nan, sign at 1",)


def test_a_value_infinite_on_both_sides_of_a_nudge_has_no_slope():
    student = Student({"f": lambda x: np.full(x.shape, np.inf), "g": np.sign})
    for start in (ONE, TWO):
        assert laws.Gradient("g", "f", "x").broken_by(student, (start,)) is None
