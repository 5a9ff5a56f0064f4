"""A new problem works from its first minute, and measuring one finds what it does not keep."""

import json
import re

import pytest

from autograder import author, bank, cli
from autograder.cli import DONE, FAILED, USAGE, main

NAME = "12_quantiles_of_a_fit"


@pytest.fixture
def folder(tmp_path):
    return author.new_problem(NAME, tmp_path)


@pytest.fixture
def root(folder, monkeypatch):
    """The new problem as the only one there is."""
    chosen = bank.chosen
    monkeypatch.setattr(bank, "chosen", lambda numbers: chosen(numbers, folder.parent))
    return folder.parent


def spoil(folder, file, old, new):
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")


def complaints(folder):
    return author.measure(bank.load(folder)).complaints


def test_a_new_problem_has_its_own_number_and_title_and_keeps_every_promise(folder):
    problem = bank.load(folder)
    assert (problem.number, problem.title) == ("12", "Quantiles of a fit ★")
    assert not any(re.search(r"\b00\b", file.read_text()) for file in folder.glob("*.py"))
    measured = author.measure(problem)
    assert measured.complaints == []
    assert len(measured.mutants) >= bank.FEWEST_MUTANTS >= 15
    assert len(measured.accepted) >= bank.FEWEST_ACCEPTED >= 5
    assert [part.points for part in measured.parts] == [4, 4, 2]
    assert all(part.mutants and part.checks for part in measured.parts if not part.written)


@pytest.mark.parametrize("name", ["quantiles", "1_quantiles", "12_Quantiles", "12_", "../12_up"])
def test_a_name_that_is_none_is_refused(name, tmp_path):
    with pytest.raises(ValueError, match="is no name for a problem"):
        author.new_problem(name, tmp_path)


def test_a_number_is_given_once(folder):
    with pytest.raises(ValueError, match=f"the number 12 is taken by {NAME}"):
        author.new_problem("12_expectiles", folder.parent)


def test_a_mutant_that_is_right_is_found(folder):
    spoil(folder, "mutants.py", "return np.tanh(target - pred", "return -np.tanh(target - pred")
    assert complaints(folder) == [
        "sign turned loses 0 points",
        "sign turned is not named by the judge",
        "sign turned is not named in the notebook: add a probe that tells",
    ]


def test_a_mutant_that_no_public_input_tells_is_found(folder):
    spoil(
        folder, "problem.py", 'probes = {"log_cosh": [*edges, mismatch]', 'probes = {"log_cosh": []'
    )
    spoil(folder, "problem.py", "        Refuses(", "        # Refuses(")
    assert complaints(folder) == [
        f"{name} is not named in the notebook: add a probe that tells"
        for name in ("textbook form", "silent broadcasting", "hidden nan")
    ]


def test_a_right_solution_that_loses_points_is_found_with_the_reason(folder):
    spoil(folder, "accepted.py", "- math.log(2)\n", "- 0.7\n")
    (first, *_) = complaints(folder)
    assert first.startswith("loops loses points: ") and "is wrong" in first


def test_measuring_on_the_command_line(root, capsys):
    assert main(["problem", "measure"]) == DONE
    said = capsys.readouterr().out
    assert "sign turned" in said and "torch autograd" in said and "✗" not in said
    assert main(["problem", "measure", "12", "--json"]) == DONE
    (measured,) = json.loads(capsys.readouterr().out)
    assert measured["problem"] == NAME and measured["complaints"] == []
    assert measured["mutants"][0]["lost"] >= author.LEAST_LOSS
    assert measured["parts"][0] == {
        **{"name": "value", "points": 4, "written": False},
        **{"checks": 3, "mutants": 9},
    }


def test_a_broken_promise_makes_the_command_fail(root, capsys):
    spoil(
        root / NAME, "mutants.py", "return np.tanh(target - pred", "return -np.tanh(target - pred"
    )
    assert main(["problem", "measure", "12"]) == FAILED
    assert f"{NAME}: sign turned loses 0 points" in capsys.readouterr().err


def test_an_unknown_number_is_named(root, capsys):
    assert main(["problem", "measure", "31"]) == USAGE
    assert "there is no problem '31'; problems: 12" in capsys.readouterr().err


def test_a_new_problem_on_the_command_line(tmp_path, monkeypatch, capsys):
    made = author.new_problem
    monkeypatch.setattr(cli.author, "new_problem", lambda name: made(name, tmp_path))
    assert main(["problem", "new", NAME]) == DONE
    assert str(tmp_path / NAME) in capsys.readouterr().out
    assert main(["problem", "new", "quantiles"]) == USAGE
