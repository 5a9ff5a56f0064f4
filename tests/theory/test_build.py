"""The builder of the chapters: deterministic, and hard on what the prose claims."""

import copy
import importlib.util
import sys
from pathlib import Path

import nbformat
import pytest

THEORY = Path(__file__).parents[2] / "theory"
_SPEC = importlib.util.spec_from_file_location("theory_build", THEORY / "build.py")
build = importlib.util.module_from_spec(_SPEC)
sys.modules["theory_build"] = build
_SPEC.loader.exec_module(build)

HEAD = "# %%\nx = 0.36745\nx\n\n# %% [markdown]\n"


def built(folder: Path, text: str, name: str = "99_trial.py"):
    source = folder / name
    source.write_text(text)
    return build.Chapter(source).build()


@pytest.mark.parametrize(
    "prose",
    [
        'It costs 0.367<!--= f"{x:.3f}" -->.',
        "In `x[3]`, $x^2 = 4$ and [problem](../exercises/01_mse.ipynb), after Huber (1964) (1978).",
        "## 3.1 A heading\n#\n# and L1, and ten words.",
        'Minus −0.37<!--= f"{-x:.2f}".replace("-", "−") --> is fine.',
        'One is 0.4<!--= f"{x:.1f}" --> and one\n# 0.37<!--= f"{x:.2f}" -->.',
    ],
)
def test_prose_that_the_run_supports(tmp_path, prose):
    notebook = built(tmp_path, HEAD + "# " + prose + "\n")
    assert notebook.cells[1].cell_type == "markdown"


@pytest.mark.parametrize(
    ("prose", "complaint"),
    [
        (
            'It costs 0.368<!--= f"{x:.3f}" -->.',
            r"py:6: the prose says '0.368' but .* gives '0.367'",
        ),
        ('It costs 10.367<!--= f"{x:.3f}" -->.', "'10.367'"),
        ('It costs −0.367<!--= f"{x:.3f}" -->.', "'−0.367'"),
        ("It costs 0.367.", "py:6: '0.367.' is neither computed nor quoted"),
        ("First line.\n# It costs 12%.", "py:7: '12' is neither computed nor quoted"),
        ("It costs 3<!--= y -->.", "NameError"),
    ],
)
def test_prose_that_it_does_not(tmp_path, prose, complaint):
    with pytest.raises(build.Wrong, match=complaint):
        built(tmp_path, HEAD + "# " + prose + "\n")


def test_a_claim_is_judged_by_the_cells_above_it(tmp_path):
    late = HEAD + '# It is 0.37<!--= f"{x:.2f}" -->.\n\n# %%\nx = 5\n'
    assert len(built(tmp_path, late).cells) == 3


def test_a_failing_cell_fails_the_chapter(tmp_path):
    with pytest.raises(build.Wrong, match="ZeroDivisionError"):
        built(tmp_path, "# %%\n1 / 0\n")


def test_printed_text_stays_in_one_piece_however_slowly_it_comes(tmp_path):
    slow = "# %%\nimport time\nfor i in range(3):\n    print(i)\n    time.sleep(0.5)\n"
    (output,) = built(tmp_path, slow).cells[0].outputs
    assert output.text == "0\n1\n2\n"


def test_building_twice_gives_the_same_bytes_and_no_widget_state(tmp_path):
    text = (
        "# %%\nimport lossmath as lm\n"
        "from lossmath.explore import Explorer, anatomy, slider\n"
        'Explorer(lambda delta: anatomy({"H": lm.Huber(delta)}), [slider(lm.Huber, "delta")])\n'
    )
    first, second = (nbformat.writes(built(tmp_path, text)) for _ in range(2))
    assert first == second
    alive = build.Chapter(tmp_path / "99_trial.py").build(alive=True)
    assert "data-lm-explorer" in alive.cells[0].outputs[0].data["text/html"]
    assert "data-lm-explorer" not in first
    assert "widget" not in first and "image/png" in first and "saturates" in first
    assert '"execution_count": null' in first


def test_check_sees_changed_text_and_changed_pictures(tmp_path):
    notebook = nbformat.read(THEORY / "02_regression.ipynb", as_version=4)
    assert build.differences(notebook, copy.deepcopy(notebook)) == []
    worded = copy.deepcopy(notebook)
    worded.cells[0].source += " Another word."
    assert "text differs" in build.differences(notebook, worded)[0]
    pictured = copy.deepcopy(notebook)
    pictures = [
        output
        for cell in pictured.cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    pictures[0].data["image/png"], pictures[1].data["image/png"] = (
        pictures[1].data["image/png"],
        pictures[0].data["image/png"],
    )
    assert "picture 1 differs" in build.differences(notebook, pictured)


@pytest.mark.parametrize(
    "source", sorted(THEORY.glob("[0-9][0-9]_*.py")), ids=lambda path: path.stem
)
def test_the_committed_chapter_is_what_its_source_builds(source):
    chapter = build.Chapter(source)
    committed = nbformat.read(chapter.notebook, as_version=4)
    assert build.differences(committed, chapter.build()) == []
    assert chapter.notebook.stat().st_size < 4_000_000
