"""The budget of a forward kernel: the lab's own keeps within it, and usual kernels do not."""

import re
import sys
from pathlib import Path

import nbformat
import pytest

import lossmath.course
from lossmath.fused import budget, sass

ROOT = Path(__file__).parents[3]
RIGHT = ROOT / "solutions" / "11_gpu_lab" / "forward.py"
LAB = ROOT / "exercises" / "11_gpu_lab.ipynb"
UPDATE = """        larger = tl.maximum(m, tl.max(x, axis=0))
        d = d * tl.exp2((m - larger) * LOG2E) + tl.sum(tl.exp2((x - larger) * LOG2E), axis=0)
        m = larger
"""
# Right losses, at too high a price: edits of the lab's kernel and a part of the sentence.
COSTLY = {
    "exp for exp2": (
        [
            ("tl.exp2((m - larger) * LOG2E)", "tl.exp(m - larger)"),
            ("tl.exp2((x - larger) * LOG2E)", "tl.exp(x - larger)"),
        ],
        r"12\.\d instructions per logit, and 11 are allowed",
    ),
    "two exponentials per logit": (
        [
            ("m = LOWEST", "m = tl.full((BLOCK,), LOWEST, tl.float32)"),
            ("d = 0.0", "d = tl.zeros((BLOCK,), tl.float32)"),
            ("tl.max(x, axis=0)", "x"),
            ("tl.sum(tl.exp2((x - larger) * LOG2E), axis=0)", "tl.exp2((x - larger) * LOG2E)"),
            (
                "    x_target =",
                "    top = tl.max(m, axis=0)\n"
                "    d = tl.sum(d * tl.exp2((m - top) * LOG2E), axis=0)\n"
                "    m = top\n    x_target =",
            ),
        ],
        r"11\.\d instructions per logit, and 11 are allowed",
    ),
    "from the end of the row": (
        [("row + start + column", "row + (V - 1 - start - column)")],
        "loads are 2 bytes wide, not 16",
    ),
    "the target left out of the load": (
        [
            ("    m = LOWEST", "    y = tl.load(target + n)\n    m = LOWEST"),
            ("start + column < V", "(start + column < V) & (start + column != y)"),
        ],
        "loads are 2 bytes wide, not 16",
    ),
    "the whole row at once": (
        [("tl.arange(0, BLOCK)", "tl.arange(0, 131072)"), ("0, V, BLOCK", "0, V, 131072")],
        r"\d+ instructions carry registers to memory and back",
    ),
    "the maximum first": (
        [
            (
                UPDATE,
                "        m = tl.maximum(m, tl.max(x, axis=0))\n"
                "    for start in range(0, V, BLOCK):\n"
                "        inside = start + column < V\n"
                "        x = tl.load(row + start + column, mask=inside, other=float('-inf'))\n"
                "        d += tl.sum(tl.exp2((x.to(tl.float32) - m) * LOG2E), axis=0)\n",
            )
        ],
        "the row is read 2 times",
    ),
    "small blocks": (
        [("tl.arange(0, BLOCK)", "tl.arange(0, 1024)"), ("0, V, BLOCK", "0, V, 1024")],
        "no stretch of the code loads 16 bytes",
    ),
}
# Wrong, and what Triton's interpreter finds.
WRONG = {
    "no maximum": (
        [(UPDATE, "        d += tl.sum(tl.exp2(x * LOG2E), axis=0)\n        m = 0.0\n")],
        "Logits near ten thousand: the loss of row 0 is",
    ),
    "from minus infinity": (
        [("-3.4028234663852886e38", 'float("-inf")')],
        "Blocks of minus infinity first: the loss of row 0 is .*, not nan",
    ),
    "the end of the row as zeros": ([('float("-inf")', "0.0")], "A row shorter than a block"),
    "beyond the end of the row": (
        [(', mask=inside, other=float("-inf")', "")],
        "A row shorter than a block: the loss of row 0 is .*, not nan",
    ),
    "rows one after the other": ([("n * stride", "n * V")], "A row .*: the loss of row 1 is"),
    "row offsets in int32": ([(".to(tl.int64)", "")], "Make n an int64"),
    "nothing stored": ([("tl.store(loss + n, ", "tl.static_assert(True or ")], "not nan"),
    "an unknown name": ([("tl.exp2", "tl.exp_2")], "cannot be run: .*exp_2"),
}


def edited(edits, folder):
    source = RIGHT.read_text()
    for right, wrong in edits:
        assert right in source, right
        source = source.replace(right, wrong)
    path = folder / "forward.py"
    path.write_text(source)
    return path


def test_the_kernel_of_the_lab_keeps_within_the_budget(capsys):
    budget.budget(str(RIGHT))
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "forward_kernel gives the right losses in Triton's interpreter."
    assert "V = 128256" in said[1] and "0 spills, loads of 16 bytes" in said[1]
    assert "V =  50257" in said[2] and "0 spills, loads of 2 bytes" in said[2]
    assert said[3].startswith("Within the budget") and len(said) == 4


@pytest.mark.parametrize(("edits", "sentence"), COSTLY.values(), ids=COSTLY)
def test_costly_kernels_exceed_it(edits, sentence, tmp_path):
    said = budget.complaints(budget.read(edited(edits, tmp_path), budget.VOCABULARY))
    (why,) = [line for line in said if re.search(sentence, line)]
    assert why.startswith("Over the budget: ")


@pytest.mark.parametrize(("edits", "sentence"), WRONG.values(), ids=WRONG)
def test_wrong_losses_are_found_first(edits, sentence, tmp_path, capsys):
    budget.budget(str(edited(edits, tmp_path)))
    assert re.search(sentence, (said := capsys.readouterr().out)), said
    assert said.count("\n") == 1


def test_a_kernel_that_only_the_interpreter_accepts(tmp_path, capsys):
    budget.budget(str(edited([("d = 0.0", "d = 0")], tmp_path)))
    assert "forward_kernel does not compile: " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "There is no forward.py here yet"),
        ("def forward_kernel(:\n", "forward.py, line 1: invalid syntax"),
        ("def kernel():\n    return 1\n", "forward.py defines no forward_kernel"),
        ('def forward_kernel():\n    """Loss."""\n    pass\n', "forward_kernel is not written yet"),
    ],
)
def test_without_a_kernel_a_sentence(text, sentence, tmp_path, capsys):
    path = tmp_path / "forward.py"
    if text is not None:
        path.write_text(text)
    budget.budget(str(path))
    assert sentence in capsys.readouterr().out


def test_where_kernels_cannot_be_compiled_a_sentence(monkeypatch, capsys):
    def says(sentence):
        budget.budget(str(RIGHT))
        return capsys.readouterr().out.startswith(sentence)

    monkeypatch.setenv("TRITON_INTERPRET", "1")
    assert says("TRITON_INTERPRET=1 is set here")
    monkeypatch.delenv("TRITON_INTERPRET")
    monkeypatch.setattr(sass, "TOOLS", ("ptxas", "nothing"))
    assert says("Triton's package has no nothing here")
    monkeypatch.setattr(sass, "find_spec", lambda name: None)
    assert says("Triton is not installed here")


def test_arguments_of_other_names_are_refused(tmp_path):
    path = edited([("target", "label")], tmp_path)
    with pytest.raises(ValueError, match=r"argument 'label' must be one of logits, .*BLOCK"):
        budget.read(path, 128256)


def test_the_lab_starts_with_an_unwritten_kernel(tmp_path, monkeypatch, capsys):
    cells = nbformat.read(LAB, as_version=4).cells
    (first,) = [c.source for c in cells if c.source.startswith("%%writefile forward.py\n")]
    (call,) = [c.source for c in cells if c.source.endswith('\n\nbudget("forward.py")')]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "forward.py").write_text(first.partition("\n")[2])
    exec(call, {})
    assert capsys.readouterr().out == "forward_kernel is not written yet.\n"


def test_while_grading_a_sentence(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "lossmath.fused", None)
    lossmath.course.budget(str(RIGHT))
    assert capsys.readouterr().out.startswith("A kernel cannot be weighed here: ")
