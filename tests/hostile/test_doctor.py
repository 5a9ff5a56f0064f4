"""The doctor finds a healthy machine healthy, and sees each thing that is broken."""

import contextlib
import json

import pytest

from autograder import doctor, sandbox
from autograder.cli import DONE, FAILED, main
from autograder.kernel import Zygote
from autograder.sandbox import Limits


def says(findings):
    return {finding.says: finding.ok for finding in findings}


def test_a_healthy_machine_is_found_healthy(capsys):
    assert main(["doctor"]) == DONE
    lines = capsys.readouterr().out.splitlines()
    assert all(line.startswith("✓ ") for line in lines)
    assert {line.split()[1] for line in lines} == {"versions:", "sandbox:", "traps:"}


def test_an_older_nbgrader_is_named_with_what_to_do(monkeypatch, capsys):
    original = doctor._version
    monkeypatch.setattr(doctor, "_version", lambda n: "0.9.5" if n == "nbgrader" else original(n))
    monkeypatch.setattr(doctor.sandbox, "probe", lambda: sandbox.Availability("none", "no reason"))
    assert main(["doctor"]) == FAILED
    said = capsys.readouterr().out
    assert "✗ versions: nbgrader is 0.9.5 (==0.9.6 is asked for)" in said
    assert "what to do: run `make -B setup`" in said
    assert "found: no reason\n  what to do: docs/trust.md" in said


def test_a_package_that_is_missing_is_named(monkeypatch):
    monkeypatch.setattr(doctor, "_version", lambda name: None)
    findings = list(doctor.versions())
    assert findings and not any(finding.ok for finding in findings)


def test_without_bubblewrap_nothing_is_run(monkeypatch, capsys):
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr(doctor, "escapes", lambda zygote: pytest.fail("something was run"))
    assert main(["doctor", "--json"]) == FAILED
    findings = json.loads(capsys.readouterr().out)
    (failed,) = (finding for finding in findings if not finding["ok"])
    assert "apt-get install bubblewrap" in failed["found"]
    assert "docs/trust.md" in failed["advice"]


def test_escapes_are_seen_where_nothing_holds_them():
    """The attempts that harm nothing, in a process without a sandbox."""
    harmless = [e for e in doctor.ESCAPES if "your" in e.says or "network" in e.says]
    assert len(harmless) == 3
    with Zygote("none") as zygote:
        findings = says(list(doctor.escapes(zygote, harmless))[:3])
    assert list(findings.values()) == [False, False, False]


def test_an_attempt_that_did_not_run_to_its_end_proves_nothing():
    broken = doctor.Escape("anything", "raise SystemExit")
    with Zygote() as zygote:
        assert not next(doctor.escapes(zygote, [broken])).ok


@pytest.mark.parametrize("spoiled", ["bytearray(", "1 / 0\nbytearray("])
def test_a_cell_that_fails_for_another_reason_says_nothing_about_memory(monkeypatch, spoiled):
    class Kernel:
        def execute(self, source, timeout):
            return original(kernel, source.replace("bytearray(", spoiled), timeout)

    with Zygote() as zygote, zygote.kernel() as kernel:
        original = type(kernel).execute
        monkeypatch.setattr(zygote, "kernel", lambda: contextlib.nullcontext(Kernel()))
        assert doctor._memory_is_limited(zygote) is (spoiled == "bytearray(")


def test_limits_that_do_not_hold_are_seen():
    wide = Limits(memory_mb=4096, processes=600, disk_mb=600)
    with Zygote(limits=wide) as zygote:
        findings = says(doctor.escapes(zygote))
    assert [name for name, ok in findings.items() if not ok] == [
        "a notebook cannot start processes without end",
        "a notebook cannot fill the disk",
        "the watchdog counts the memory of all processes",
    ]


def test_points_that_nobody_earned_are_seen(monkeypatch):
    monkeypatch.setattr("autograder.execute.scaled", lambda earned, out_of, most: most)
    findings = {finding.says: finding for finding in doctor.traps()}
    unearned = findings["a student who hands in the notebooks as they were released gets no points"]
    assert not unearned.ok
    assert "0 was expected" in unearned.found and "make -B setup" in unearned.advice


def test_script_on_a_page_is_seen(monkeypatch):
    monkeypatch.setattr("autograder.page.safe_markdown2html", lambda source, renderer: source)
    assert says(doctor.traps())["a feedback page holds no script of a student"] is False


def test_a_page_without_the_answer_proves_nothing_about_script(monkeypatch):
    monkeypatch.setattr("autograder.page.safe_markdown2html", lambda source, renderer: "")
    assert says(doctor.traps())["a feedback page holds no script of a student"] is False
