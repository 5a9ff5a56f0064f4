"""`check`, `hint` and `progress` as a student meets them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell

import lossmath.course
from lossmath.course import CheckFailed, check, hint, notebook, progress


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(notebook, "_hints_given", {})


def mse(prediction, target):
    if prediction.shape != target.shape:
        raise ValueError("shapes differ")
    return np.mean((prediction - target) ** 2)


def right_gradient(prediction, target):
    return 2 * (prediction - target) / prediction.size


def wrong_gradient(prediction, target):
    return (prediction - target) / prediction.size


def run(source, **functions):
    """Run a line as in a notebook that defines these functions."""
    exec(source, {"check": check, **functions})


def test_all_checks_of_a_part_are_reported(capsys):
    run("check('01', 'gradient')", mse=mse, mse_gradient=right_gradient)
    printed = capsys.readouterr().out
    assert printed.count("pass") == 6 and "FAIL" not in printed


def test_a_failing_check_shows_the_numbers_and_names_the_mistake(capsys):
    with pytest.raises(CheckFailed, match=r"problem 01, look again at gradient \(3 of 6 checks"):
        run("check('01', 'gradient')", mse=mse, mse_gradient=wrong_gradient)
    printed = capsys.readouterr().out
    assert printed.count("pass") == 3 and printed.count("FAIL") == 3
    assert "prediction = [1.], target = [0.]" in printed
    assert "nudging prediction moves your mse at the rate [2.]" in printed
    assert "it belongs to half the squared error" in printed
    assert "\x1b" not in printed  # nothing depends on colour


def test_a_mistake_nobody_made_before_is_still_shown_by_a_law(capsys):
    with pytest.raises(CheckFailed):
        run("check('01', 'gradient')", mse=mse, mse_gradient=lambda p, t: 0.3 * (p - t))
    assert "No usual mistake is seen." in capsys.readouterr().out


def test_a_print_left_in_a_function_does_not_bury_the_report(capsys):
    def chatty(prediction, target):
        print("here")
        return mse(prediction, target)

    run("check('01', 'value')", mse=chatty)
    printed = capsys.readouterr().out
    assert printed.count("\n") == 9
    assert "What your functions print is left out here." in printed
    run("check('01', 'value')", mse=mse)
    assert "left out" not in capsys.readouterr().out


def test_what_breaks_several_laws_is_told_once(capsys):
    with pytest.raises(CheckFailed, match="5 of 5 checks"):
        run("check('05', 'figure')", draw_gradients=lambda delta: None)
    printed = capsys.readouterr().out
    assert printed.count("return the Figure you draw on") == 1
    assert printed.count("as above") == 3 and printed.count("a `return` is missing") == 1


def test_all_parts_at_once(capsys):
    with pytest.raises(CheckFailed) as error:
        run("check('01')", mse=mse, mse_gradient=wrong_gradient)
    printed = capsys.readouterr().out
    assert printed.count("Problem 01") == 3
    assert "top_share is not defined yet: run its cell, or check its name." in printed
    assert "share (not written yet)" in str(error.value)


def test_unknown_problems_and_parts_are_named():
    with pytest.raises(ValueError, match="there is no problem '77'; problems: '01', "):
        check("77")
    with pytest.raises(ValueError, match="no part 'values'; parts: value, gradient, share"):
        check("01", "values")
    with pytest.raises(ValueError, match="no part 'written'"):
        check("01", "written")


def test_hints_rise_and_then_stay(capsys):
    for _ in range(4):
        hint("04")
    first, second, third, again = capsys.readouterr().out.splitlines()
    assert first.startswith("Hint 1 of 3") and second.startswith("Hint 2 of 3")
    assert third.startswith("Hint 3 of 3") and again == third
    hint("04", 1)
    assert capsys.readouterr().out.strip() == first
    for step in (4, 0, "value"):
        with pytest.raises(ValueError, match=f"step={step!r} must be"):
            hint("04", step)


def test_progress_is_remembered_in_the_folder(capsys):
    run("check('01', 'value')", mse=mse)
    with pytest.raises(CheckFailed):
        run("check('01', 'gradient')", mse=mse, mse_gradient=wrong_gradient)
    capsys.readouterr()
    progress()
    lines = capsys.readouterr().out.splitlines()
    assert any("value" in line and "7 of 7 pass" in line for line in lines)
    assert any("gradient" in line and "3 of 6 pass" in line for line in lines)
    assert any("written" in line and "read by a person" in line for line in lines)
    assert any("not checked yet" in line for line in lines)


def test_progress_survives_a_broken_or_missing_file(tmp_path, capsys):
    Path(".progress.json").write_text("{broken")
    progress()
    assert "not checked yet" in capsys.readouterr().out


def test_it_works_alone_on_numpy(tmp_path):
    """The grading sandbox shows `lossmath.course` only, under an empty `lossmath`."""
    package = tmp_path / "lossmath"
    package.mkdir()
    (package / "__init__.py").write_text("")
    shutil.copytree(Path(lossmath.course.__file__).parent, package / "course")
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from lossmath.course import check, hint, progress\n"
        "import numpy as np\n"
        "def masked_mean(values, mask):\n"
        "    return values[mask].mean(dtype=float) if mask.any() else 0.0\n"
        "check('04', 'mean'); hint('04')\n"
        "heavy = {'matplotlib', 'IPython', 'torch', 'autograder'} & set(sys.modules)\n"
        "ours = [m for m in sys.modules if m.split('.')[0] == 'lossmath' and m != 'lossmath']\n"
        "assert not heavy and all(m.startswith('lossmath.course') for m in ours), (heavy, ours)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert "Hint 1 of 3" in done.stdout


def in_ipython(code, tmp_path):
    environment = os.environ | {"IPYTHONDIR": str(tmp_path / "ipython"), "MPLBACKEND": "agg"}
    command = [sys.executable, "-m", "IPython", "--colors=NoColor", "--no-banner", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment)
    return done.stdout + done.stderr


def test_a_failure_in_ipython_is_one_line_without_our_traceback(tmp_path):
    printed = in_ipython(
        "from lossmath.course import check\ndef mse(p, t): raise NotImplementedError\n"
        "check('01', 'value')",
        tmp_path,
    )
    assert "CheckFailed: problem 01, look again at value (not written yet)" in printed
    assert "mse is not written yet." in printed
    assert "Traceback" not in printed and "notebook.py" not in printed


def test_a_wrong_gradient_is_drawn_where_there_is_a_notebook(tmp_path):
    printed = in_ipython(
        "from lossmath.course import check\nimport numpy as np\n"
        "def mse(p, t): return np.mean((p - t) ** 2)\n"
        "def mse_gradient(p, t): return p - t\n"
        "check('01', 'gradient')",
        tmp_path,
    )
    assert "<Figure size" in printed


def test_what_a_function_draws_or_prints_is_not_shown_at_every_call(tmp_path):
    printed = in_ipython(
        "from lossmath.course import check\nimport numpy as np\n"
        "def mse(p, t): display('drawn'); print('printed'); return np.mean((p - t) ** 2)\n"
        "check('01', 'value')",
        tmp_path,
    )
    assert "printed" not in printed and "drawn" not in printed


@pytest.mark.parametrize(
    "call", ['check("6")', 'check("01", "values")', "hint(6)", 'hint("01", 4)']
)
def test_a_slip_in_a_call_costs_one_line(call, capsys):
    shell = InteractiveShell()
    shell.run_cell(f"from lossmath.course import check, hint\n{call}")
    shown = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in shown] == ["Unknown"]
