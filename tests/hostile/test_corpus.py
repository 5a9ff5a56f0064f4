"""Nobody gets points by an attack, loses points by another's, drops out, or reaches outside."""

import pytest

from tests.hostile.attack import FIRST, FULL
from tests.hostile.corpus import CORPUS
from tests.hostile.field import HONEST, secrets_seen

NAMES = sorted(CORPUS)


@pytest.mark.parametrize("name", NAMES)
def test_an_attack_scores_what_its_answers_deserve(graded, name):
    attack = CORPUS[name]
    score = graded.scores[name]
    deserved = score <= attack.earns if attack.up_to else score == attack.earns
    assert deserved, f"{score} instead of {attack.earns}: {graded.reasons[name]}"


@pytest.mark.parametrize("name", NAMES)
def test_the_instructor_reads_what_happened(graded, name):
    assert CORPUS[name].says in graded.reasons[name]


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_learns_and_reaches_nothing(graded, name):
    assert secrets_seen(graded.course.folder, name) == []


def test_nobody_drops_out_and_no_check_is_blamed(graded):
    assert graded.outcome.failed == []
    assert set(graded.scores) == {*CORPUS, *HONEST}
    for student in graded.scores:
        assert (graded.course.layout.folder("feedback", student) / f"{FIRST}.html").is_file()


@pytest.mark.parametrize("name", HONEST)
def test_honest_students_lose_nothing(graded, name):
    assert graded.scores[name] == FULL


def test_no_file_outside_is_touched(graded):
    changed = graded.before.items() ^ graded.after.items()
    assert changed == set()


def test_nobody_was_called_and_nothing_is_left_running(graded):
    assert graded.visitors == []
    assert graded.left_behind == []


def test_sentences_can_be_shown_in_a_terminal(graded):
    for name, text in graded.reasons.items():
        assert text.isprintable(), name
