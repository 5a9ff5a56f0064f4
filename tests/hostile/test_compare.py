"""The page about trust shows what was recorded, of every attack there is, and the real limits."""

from autograder.sandbox import Limits
from autograder.session import TimeLimits
from tests.hostile.compare import OTHER_RULES, PAGE, Comparison, deserved, report, with_report
from tests.hostile.corpus import CORPUS

FOUND = Comparison.load()


def test_every_attack_is_in_the_record():
    assert set(FOUND.here) == set(CORPUS)
    assert set(FOUND.stock) == {attack.name for attack in CORPUS.values() if not attack.bomb}


def test_where_rules_differ_plain_nbgrader_is_held_to_its_own():
    assert {*OTHER_RULES} <= {*CORPUS}
    for name in OTHER_RULES:
        assert deserved(CORPUS[name], "stock") > deserved(CORPUS[name], "here")


def test_the_table_is_computed_from_the_record():
    page = PAGE.read_text()
    assert report(FOUND) in page
    assert page == with_report(page, FOUND)


def test_nothing_got_through_here():
    for name, outcome in FOUND.here.items():
        least, most = deserved(CORPUS[name], "here")
        assert outcome.score is not None and least <= outcome.score <= most, name
        assert outcome.harm == (), name


def test_the_limits_on_the_page_are_those_that_hold():
    limits, times = Limits(), TimeLimits()
    said = [
        f"A cell may take {times.cell:g} s",
        f"a question {times.question:g} s",
        f"all cells together {times.notebook:g} s",
        f"One notebook has {limits.memory_mb} MB",
        f"{limits.processes} processes and threads",
        f"{limits.disk_mb} MB in each folder",
        f"{limits.files} open files",
    ]
    assert [phrase for phrase in said if phrase not in PAGE.read_text()] == []
