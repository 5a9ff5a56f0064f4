"""The page docs/losses.md is what the records say."""

import lossmath
from lossmath import reference


def test_the_page_is_current():
    assert reference.main(["--check"]) == 0, "run python -m lossmath.reference"


def test_every_loss_and_every_parameter_is_on_the_page():
    page = reference.page()
    for loss in lossmath.catalogue():
        entry = page.split(f"### {loss.name}\n")[1].split("\n### ")[0]
        assert loss.formula in entry and loss.reference in entry
        assert all(f"`{name}`" in entry for name in loss.parameters)
        assert all(f"`{argument.name}`" in entry for argument in loss.arguments)


def test_a_stale_page_is_noticed(tmp_path, monkeypatch):
    stale = tmp_path / "losses.md"
    stale.write_text(reference.page() + "one line too many\n")
    monkeypatch.setattr(reference, "PAGE", stale)
    assert reference.main(["--check"]) == 1
