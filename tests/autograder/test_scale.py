"""The page about large classes says what was measured, and its schedule keeps the laws of one."""

import json
from statistics import fmean

import pytest
import scale
from scale import schedule

WORK, WRITE, SIZE = [2.0, 1.0, 4.0], 0.05, 900


def test_the_page_is_computed_from_the_record():
    page = scale.PAGE.read_text()
    assert page == scale.with_report(page, json.loads(scale.RECORD.read_text()))


def test_one_worker_does_one_submission_after_the_other():
    seconds, _ = schedule(WORK, WRITE, 1, SIZE)
    assert seconds == pytest.approx(SIZE * fmean(WORK) + WRITE)


def test_with_many_workers_the_writer_is_the_limit():
    seconds, busy = schedule(WORK, WRITE, SIZE, SIZE)
    assert seconds == pytest.approx(min(WORK) + SIZE * WRITE)
    assert busy == pytest.approx(SIZE * WRITE / seconds)


@pytest.mark.parametrize("workers", [2, 7, 30, 200])
def test_no_schedule_beats_what_has_to_be_done(workers):
    seconds, busy = schedule(WORK, WRITE, workers, SIZE)
    assert seconds >= max(SIZE * fmean(WORK) / workers, SIZE * WRITE)
    assert seconds <= SIZE * fmean(WORK) / workers + max(WORK) + SIZE * WRITE
    assert 0 < busy <= 1


def test_lost_workers_cost_the_work_they_lost():
    whole, _ = schedule([2.0], 0.0, 1, SIZE)
    lost, _ = schedule([2.0], 0.0, 1, SIZE, lost_every=10)
    assert lost == pytest.approx(1.1 * whole)
