"""The page that says where everything is taught."""

import runpy
from pathlib import Path

import pytest

coverage = runpy.run_path(str(Path(__file__).parents[2] / "theory" / "coverage.py"))


def test_the_committed_page_is_what_the_chapters_say():
    assert coverage["PAGE"].read_text(encoding="utf-8") == coverage["page"]()


def test_a_heading_that_is_gone_is_noticed():
    with pytest.raises(ValueError, match="chapter 02 has no heading that begins with 'Nowhere'"):
        coverage["_section"]("02 Nowhere")


def test_a_loss_without_a_chapter_is_noticed():
    with pytest.raises(ValueError, match="no chapter uses Unheard"):
        coverage["_users"]("Unheard")
