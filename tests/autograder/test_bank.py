"""Reading problem folders, and what is wrong with a bad one."""

import shutil

import pytest

from autograder import bank

GOOD = bank.SOLUTIONS / "01_mse_gradient"


@pytest.fixture
def folder(tmp_path):
    """A copy of a problem to spoil."""
    return shutil.copytree(GOOD, tmp_path / GOOD.name)


def spoil(folder, file, old, new):
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")


def test_problems_come_in_order_and_can_be_listed():
    numbers = [problem.number for problem in bank.problems()]
    assert numbers == sorted(numbers)
    assert {"01", "04", "05"} <= set(numbers)


def test_a_good_folder():
    problem = bank.load(GOOD)
    assert problem.title == "MSE gradient ★"
    assert [(part.name, part.points, part.written) for part in problem.parts] == [
        ("value", 2, False),
        ("gradient", 3, False),
        ("share", 3, False),
        ("written", 2, True),
    ]
    assert problem.reference.mse.__name__ == "mse"


SPOILED = [
    ("problem.py", '"value", "points": 2', '"value", "points": 3', "the parts make 11 points"),
    ("problem.py", '"written", "points": 2', '"written", "points": 4', "at most 2"),
    ("problem.py", 'tags=["public"]', 'tags=["private"]', "no cell tagged"),
    ("checks.py", "points=0.75", "points=1", "checks of 'value' make 2.25 of 2"),
    (
        "checks.py",
        '@check("value", points=0.75',
        '@check("vale", points=0.75',
        "unknown parts: vale",
    ),
]


@pytest.mark.parametrize(("file", "old", "new", "complaint"), SPOILED)
def test_a_bad_folder_is_refused_with_the_reason(folder, file, old, new, complaint):
    spoil(folder, file, old, new)
    with pytest.raises(ValueError, match=complaint):
        bank.load(folder)


@pytest.mark.parametrize(
    ("file", "complaint"), [("mutants.py", "0 mutants"), ("accepted.py", "0 accepted")]
)
def test_too_few_variants_are_refused(folder, file, complaint):
    (folder / file).write_text("")
    with pytest.raises(ValueError, match=complaint):
        bank.load(folder)


def test_a_solution_that_breaks_its_own_law_is_not_published(folder):
    spoil(folder, "problem.py", "return 2 * (prediction", "return 3 * (prediction")
    problem = bank.load(folder)
    with pytest.raises(ValueError, match="the solution breaks the law"):
        _ = problem.published


def test_a_mutant_replaces_functions_and_keeps_the_rest():
    problem = bank.load(GOOD)
    mutant = next(m for m in problem.mutants if m.name == "half squared error")
    wrong, right = problem.namespace(mutant), problem.namespace()
    assert wrong["mse"].__code__ != right["mse"].__code__
    assert wrong["mse_gradient"].__code__ == right["mse_gradient"].__code__
    assert "Mutant" not in mutant.source and "self" not in mutant.source
    compile(mutant.source, "cell", "exec")


def test_graded_and_free_cells_are_not_run(folder):
    spoil(
        folder,
        "problem.py",
        "# %% [markdown]\n# ## The value",
        "# %%\n1 / 0\n\n# %% [markdown]\n# ## The value",
    )
    assert "mse" in bank.load(folder).namespace()
