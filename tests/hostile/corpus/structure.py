"""Notebooks whose cells and metadata are not those that were released."""

import copy
import json

import nbformat

from autograder import sample
from tests.hostile.attack import (
    FULL,
    NO_GRADIENT,
    Attack,
    cells,
    everywhere,
    find,
    grade_id,
    right,
    untouched,
)

GRADED = ("value", "gradient", "share")


def without(*names):
    def notebook(problem, notebook):
        right(problem, notebook)
        notebook.cells = [cell for cell in notebook.cells if grade_id(cell) not in names]
        return notebook

    return notebook


def saved_scores(problem, notebook):
    """Outputs in the file, as if the graded cells had been run."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [nbformat.v4.new_output("execute_result", data={"text/plain": "10"})]
            cell.execution_count = 1
    return notebook


def own_graded_cell(problem, notebook):
    (extra,) = cells("100")
    extra.metadata["nbgrader"] = {
        "grade": True,
        "solution": False,
        "locked": True,
        "schema_version": 3,
        "grade_id": "extra",
        "points": 100,
    }
    notebook.cells.append(extra)
    return notebook


def graded_answers(problem, notebook):
    """No answer, and every answer cell declared to be graded by its output."""
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("solution"):
            cell.metadata["nbgrader"] |= {"grade": True, "points": 10}
            cell.source = "10"
    return notebook


def swapped_ids(problem, notebook):
    right(problem, notebook)
    one, other = find(notebook, "mse_gradient"), find(notebook, "top_share")
    for key in ("grade_id",):
        one.metadata["nbgrader"][key], other.metadata["nbgrader"][key] = (
            other.metadata["nbgrader"][key],
            one.metadata["nbgrader"][key],
        )
    return notebook


def swapped_grades(problem, notebook):
    """Right but for the gradient, whose cell goes by the name of the one that is right."""
    sample.cell("mse_gradient", "pass")(problem, notebook)
    one, other = find(notebook, "gradient"), find(notebook, "value")
    one.metadata["nbgrader"]["grade_id"] = "value"
    other.metadata["nbgrader"]["grade_id"] = "gradient"
    return notebook


def own_tests(problem, notebook):
    """No answer, and other text in the locked cells."""
    for name in GRADED:
        find(notebook, name).source = "10"
    return notebook


def doubled(problem, notebook):
    right(problem, notebook)
    notebook.cells += [copy.deepcopy(cell) for cell in notebook.cells]
    return notebook


def five_hundredfold(problem, notebook):
    right(problem, notebook)
    notebook.cells += [copy.deepcopy(find(notebook, "mse")) for _ in range(500)]
    return notebook


def second_answer(problem, notebook):
    """A cell with the gradient's name comes first and is wrong."""
    right(problem, notebook)
    first = copy.deepcopy(find(notebook, "mse_gradient"))
    first.source = "def mse_gradient(prediction, target):\n    return 0.0"
    notebook.cells.insert(0, first)
    return notebook


def retyped(problem, notebook):
    right(problem, notebook)
    find(notebook, "mse_gradient").cell_type = "markdown"
    find(notebook, "written").cell_type = "code"
    return notebook


def reversed_order(problem, notebook):
    right(problem, notebook).cells.reverse()
    return notebook


def other_kernel(problem, notebook):
    right(problem, notebook).metadata = {
        "kernelspec": {"name": "../../bash", "display_name": "Bash", "language": "bash"},
        "language_info": {"name": "bash", "pygments_lexer": "../../x"},
        "celltoolbar": "Create Assignment",
    }
    return notebook


def wrong_types(path):
    """Right, with metadata and outputs of every wrong type."""
    data = json.loads(path.read_text())
    wrong = [None, 7, "text", [], {"nbgrader": []}, {"nbgrader": {"grade_id": {"a": 1}}}]
    own = [cell for cell in data["cells"] if not cell["metadata"].get("nbgrader")]
    for cell, metadata in zip(own, wrong * len(own), strict=False):
        cell["metadata"] = metadata
        cell["outputs"] = metadata
    data["cells"] += [7, None, {"cell_type": "video"}, {"cell_type": "code", "source": 7}]
    data["nbformat_minor"] = 10**9
    path.write_text(json.dumps(data))


def odd_ids(problem, notebook):
    """Right, with ids that cannot be ids."""
    odd = ["", "x" * 100_000, "../../x", "a\nb", "\ud800", "a", "a", 7, None, ["a"], "notes"]
    for cell, name in zip(right(problem, notebook).cells, odd, strict=False):
        cell.id = name
    return notebook


def twofold_keys(path):
    """Right, with other cells, other metadata and other scores under the same keys before."""
    text = path.read_text().replace('"source":', '"source": "10", "source":')
    path.write_text(text.replace("{", '{"cells": [{}], "nbformat": 1, ', 1))


def decorated(cell):
    """Whatever tools keep beside a cell."""
    cell.metadata |= {
        "tags": ["raises-exception", "remove-cell", "hide-input", "parameters"],
        "collapsed": True,
        "editable": False,
        "deletable": False,
        "jupyter": {"source_hidden": True, "outputs_hidden": True},
        "slideshow": {"slide_type": "skip"},
        "execution": {"shell.execute_reply": "2020-01-01T00:00:00Z"},
        "trusted": True,
    }


def more(**grading):
    return lambda cell: cell.metadata.get("nbgrader", {}).update(grading)


def no_gradient(problem, notebook):
    return sample.cell("mse_gradient", "pass")(problem, notebook)


ATTACKS = (
    Attack("tagged", "marks every cell as not to be run", sample.tagged, 0, "Nothing was written."),
    Attack("saved-scores", "hands in scores as outputs", saved_scores, 0, "Nothing was written."),
    Attack(
        "more-points",
        "raises its points",
        everywhere(more(points=100), no_gradient),
        NO_GRADIENT,
        "The points of the cell gradient were changed",
    ),
    Attack(
        "other-flags",
        "unlocks cells and grades answers",
        everywhere(more(grade=True, locked=False, solution=True), no_gradient),
        NO_GRADIENT,
    ),
    Attack("other-schema", "claims another schema", everywhere(more(schema_version=99)), FULL),
    Attack("own-graded-cell", "adds a graded cell", own_graded_cell, 0, "Nothing was written."),
    Attack("graded-answers", "grades its own answers", graded_answers, 0, "mse is not defined"),
    Attack("own-tests", "rewrites the graded cells", own_tests, 0, "Nothing was written."),
    Attack("swapped-ids", "swaps the names of two answers", swapped_ids, FULL),
    Attack("swapped-grades", "swaps the names of two graded cells", swapped_grades, NO_GRADIENT),
    Attack("no-graded-cells", "deletes the graded cells", without(*GRADED), FULL, "was missing"),
    Attack(
        "no-gradient-cell",
        "deletes an answer",
        without("mse_gradient"),
        NO_GRADIENT,
        "mse_gradient was missing",
    ),
    Attack("doubled", "has every cell twice", doubled, FULL, "appears twice"),
    Attack("five-hundredfold", "has a cell 500 times", five_hundredfold, FULL, "appears twice"),
    Attack("second-answer", "answers twice", second_answer, NO_GRADIENT, "appears twice"),
    Attack("retyped", "turns code into text", retyped, NO_GRADIENT, "turned into a markdown cell"),
    Attack("reversed", "has its cells in reverse order", reversed_order, FULL),
    Attack("other-kernel", "asks for another kernel", other_kernel, FULL, "run as Python"),
    Attack("odd-ids", "has ids that cannot be ids", odd_ids, FULL),
    Attack("twofold-keys", "has keys twice", right, FULL, file=twofold_keys),
    Attack(
        "decorated", "hides and excuses its cells", everywhere(decorated, no_gradient), NO_GRADIENT
    ),
    Attack("wrong-types", "has values of wrong types", right, FULL, "damaged", file=wrong_types),
    Attack("untouched", "hands in what was released", untouched, 0, "Nothing was written."),
)
