"""Submissions as hostile files: read without following anything, one sentence per difficulty."""

import json
import os

import nbformat
import pytest

from autograder.preflight import Cell, Layout, Unreadable, find_students, parse_notebook, stage

NAMES = ("01_first", "02_second")


def cell(source, grade_id="", kind="code", **metadata):
    if grade_id:
        metadata["nbgrader"] = {"grade_id": grade_id, "points": 99, "grade": True}
    return {"cell_type": kind, "source": source, "metadata": metadata, "outputs": []}


def notebook_bytes(*cells, **metadata):
    return json.dumps(
        {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": list(cells)}
    ).encode()


@pytest.fixture
def layout(tmp_path):
    """A course folder with two released notebooks."""
    layout = Layout(tmp_path, "losses")
    layout.folder("release").mkdir(parents=True)
    for name in NAMES:
        released = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell("stub", metadata={"nbgrader": {"grade_id": "f"}})]
        )
        nbformat.write(released, layout.folder("release") / f"{name}.ipynb")
    return layout


@pytest.fixture
def submitted(layout):
    """The folder of a student who handed in two good notebooks."""
    folder = layout.folder("submitted", "ada")
    folder.mkdir(parents=True)
    for name in NAMES:
        (folder / f"{name}.ipynb").write_bytes(notebook_bytes(cell("answer", "f")))
    return folder


def staged_source(layout, name=NAMES[0], student="ada"):
    copy = nbformat.read(layout.folder("staged", student) / f"{name}.ipynb", as_version=4)
    nbformat.validate(copy)
    return copy.cells[0].source


def test_only_kind_text_and_claims_to_be_compared_survive(layout, submitted):
    (submitted / "01_first.ipynb").write_bytes(
        notebook_bytes(
            cell("answer", "f", tags=["skip-execution"]) | {"attachments": {"a": {}}},
            cell("# text", kind="markdown", jupyter={"source_hidden": True}),
            kernelspec={"name": "python3", "language": "python"},
            widgets={"state": {}},
        )
    )
    assert stage(layout, "ada") == []
    copy = nbformat.read(layout.folder("staged", "ada") / "01_first.ipynb", as_version=4)
    assert [dict(c.metadata) for c in copy.cells] == [
        {"nbgrader": {"grade_id": "f", "points": 99.0}},
        {},
    ]
    assert set(copy.metadata) == {"autograder"}
    assert "attachments" not in copy.cells[0]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'{"cells": [', "its text is not JSON"),
        (b"", "its text is not JSON"),
        (b"[" * 100_000, "its text is not JSON"),
        (b"[]", "is not a notebook file"),
        (b'{"cells": 3}', "it has no cells"),
        (b'{"nbformat": 4}', "it has no cells"),
        (notebook_bytes(*[cell("")] * 1001), "more than 1000 cells"),
    ],
)
def test_unreadable_content_is_named(content, says):
    with pytest.raises(Unreadable, match=says):
        parse_notebook(content)


@pytest.mark.parametrize(
    ("content", "source", "remark"),
    [
        (b"\xef\xbb\xbf" + notebook_bytes(cell("x = 1")), "x = 1", "not plain UTF-8"),
        (notebook_bytes(cell("x = 1")).decode().encode("utf-16"), "x = 1", "not plain UTF-8"),
        (notebook_bytes(cell("# caf?")).replace(b"caf?", b"caf\xe9"), "# caf\ufffd", "not plain"),
        (notebook_bytes(cell(["a\n", "b"])), "a\nb", None),
        (notebook_bytes(cell("a"), "no cell", cell(7)), "a", "2 damaged cells"),
        (notebook_bytes(cell("a"), kernelspec={"language": "R"}), "a", "kernel for R"),
        (
            json.dumps(
                {
                    "nbformat": 3,
                    "worksheets": [{"cells": [{"cell_type": "code", "input": ["x", "=1"]}]}],
                }
            ).encode(),
            "x=1",
            "old notebook format",
        ),
    ],
    ids=["bom", "utf-16", "latin-1", "lines", "damaged", "kernel", "format-3"],
)
def test_faulty_but_readable_content_is_mended(content, source, remark):
    cells, remarks = parse_notebook(content)
    assert cells == [Cell("code", source)]
    assert [remark in said for said in remarks] == ([True] if remark else [])


@pytest.mark.parametrize("hostile", [7, "x", [], {"nbgrader": 7}, {"nbgrader": {"grade_id": [1]}}])
def test_metadata_of_any_shape_is_survived(hostile):
    cells, _ = parse_notebook(notebook_bytes(cell("a") | {"metadata": hostile}))
    assert cells == [Cell("code", "a")]


def plant_symlink(path, layout):
    secret = layout.course / "source.ipynb"
    secret.write_bytes(notebook_bytes(cell("the solution", "f")))
    path.symlink_to(secret)


def plant_hard_link(path, layout):
    secret = layout.course / "source.ipynb"
    secret.write_bytes(notebook_bytes(cell("the solution", "f")))
    os.link(secret, path)


def plant_large_file(path, layout):
    with path.open("wb") as file:
        file.truncate(200_000_000)


PLANTS = {
    "symlink": (plant_symlink, "is a link"),
    "hard link": (plant_hard_link, "is a link to another file"),
    "pipe": (lambda path, layout: os.mkfifo(path), "is not an ordinary file"),
    "folder": (lambda path, layout: path.mkdir(), "is a folder"),
    "200 MB": (plant_large_file, "is larger than 20 MB"),
    "nothing": (lambda path, layout: None, "was not handed in"),
}


@pytest.mark.parametrize("plant", PLANTS)
def test_anything_but_a_plain_file_is_refused_and_costs_only_itself(layout, submitted, plant):
    put, says = PLANTS[plant]
    path = submitted / "01_first.ipynb"
    path.unlink()
    put(path, layout)
    (note,) = stage(layout, "ada")
    assert note.startswith("01_first.ipynb ") and says in note
    assert staged_source(layout) == "stub"
    assert staged_source(layout, "02_second") == "answer"


def test_a_linked_folder_is_not_entered(layout, submitted):
    (layout.course / "submitted" / "eve").symlink_to(layout.course / "submitted" / "ada")
    (layout.course / "submitted" / "mal").mkdir()
    (layout.course / "submitted" / "mal" / "losses").symlink_to(submitted)
    assert find_students(layout)[0] == ["ada", "eve", "mal"]
    for student in ("eve", "mal"):
        (note,) = stage(layout, student)
        assert "is not a folder of files" in note
        assert staged_source(layout, student=student) == "stub"


def test_a_misnamed_notebook_and_extra_files_are_named_and_not_copied(layout, submitted):
    (submitted / "01_first.ipynb").rename(submitted / "01_first (1).ipynb")
    (submitted / "numpy.py").write_text("boom")
    (submitted / "folder").mkdir()
    misnamed, extra, missing = stage(layout, "ada")
    assert "01_first (1).ipynb is not a notebook of this assignment" in misnamed
    assert "folder, numpy.py" in extra
    assert missing == "01_first.ipynb was not handed in."
    staged = layout.folder("staged", "ada")
    assert sorted(path.name for path in staged.iterdir()) == [f"{name}.ipynb" for name in NAMES]


def test_a_resubmission_leaves_nothing_of_the_first(layout, submitted):
    stage(layout, "ada")
    (submitted / "01_first.ipynb").write_bytes(notebook_bytes(cell("second try", "f")))
    stage(layout, "ada")
    assert staged_source(layout) == "second try"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("2026-03-01 10:00:00.123456 UTC", True),
        ("2026-03-01 10:00:00 UTC", True),
        ("tomorrow", False),
        ("2026-99-01 10:00:00 UTC", False),
        ("1" * 5000, False),
    ],
)
def test_a_time_stamp_is_taken_over_only_in_nbgraders_form(layout, submitted, text, kept):
    (submitted / "timestamp.txt").write_text(text)
    os.utime(submitted / "01_first.ipynb", (1.7e9, 1.7e9))
    os.utime(submitted / "02_second.ipynb", (1.6e9, 1.6e9))
    notes = stage(layout, "ada")
    stamp = (layout.folder("staged", "ada") / "timestamp.txt").read_text()
    assert stamp == (text if kept else "2023-11-14 22:13:20 UTC")
    assert len(notes) == (0 if kept else 1)
    assert stage(layout, "ada") == notes
    assert (submitted / "timestamp.txt").read_text() == stamp


def plant_pipe(path):
    os.mkfifo(path)


def plant_link(path):
    path.symlink_to("/etc/hostname")


@pytest.mark.parametrize("plant", [os.mkdir, plant_pipe, plant_link])
def test_nothing_but_a_plain_file_stays_where_nbgrader_reads_the_time(layout, submitted, plant):
    stamp = submitted / "timestamp.txt"
    plant(stamp)
    os.utime(submitted / "01_first.ipynb", (1.7e9, 1.7e9))
    os.utime(submitted / "02_second.ipynb", (1.6e9, 1.6e9))
    (note,) = stage(layout, "ada")
    assert "is not a time" in note
    assert not stamp.is_symlink()
    assert stamp.read_text() == "2023-11-14 22:13:20 UTC"


def test_a_time_stamp_that_cannot_be_set_aside_is_said_all_the_same(layout, submitted):
    (submitted / "timestamp.txt").write_text("tomorrow")
    (submitted / "timestamp.txt.unusable" / "full").mkdir(parents=True)
    assert any("is not a time" in note for note in stage(layout, "ada"))
    assert (submitted / "timestamp.txt").read_text() == "tomorrow"


def test_what_is_no_student_is_named(layout, submitted):
    folder = layout.course / "submitted"
    (folder / "bob.zip").write_text("")
    (folder / "<img src=x>").mkdir()
    (folder / "lost").symlink_to("nowhere")
    (folder / "idle").mkdir()
    (folder / "loose").mkdir()
    (submitted / "01_first.ipynb").rename(folder / "loose" / "01_first.ipynb")
    (folder / "other" / "Losses").mkdir(parents=True)
    (folder / ".DS_Store").write_text("")
    students, notes = find_students(layout)
    assert students == ["ada"]
    assert notes == [
        "submitted/'<img src=x>' is not a usable student name; rename it",
        "submitted/bob.zip is a file, not a student's folder; not graded",
        "submitted/idle holds no folder losses: not graded",
        "submitted/loose holds no folder losses: not graded",
        "submitted/lost is a link that leads nowhere; not graded",
        "submitted/other holds no folder losses: not graded",
    ]


def test_a_course_without_a_release_says_what_to_run(tmp_path):
    with pytest.raises(FileNotFoundError, match="autograder release"):
        stage(Layout(tmp_path, "losses"), "ada")
