"""What others have published: shown as it stands in the file, and within what their devices do."""

import pytest

from lossmath.fused import published, report

RESULTS = [(source, result) for source in published.SOURCES for result in source["results"]]
WITHDRAWN = "A table that was withdrawn"


def named(title: str, program: str, classes: int) -> tuple[dict, dict]:
    wanted = title, program, classes
    return next((s, r) for s, r in RESULTS if (s["title"], r["program"], r["V"]) == wanted)


def beyond(source: dict, result: dict) -> bool:
    """Whether a result would need more than its device has, by the data sheet."""
    if source["op"] == "cross_entropy":
        return published.carried(source, result) < {"fwd": 1, "fwd+bwd": 2}[source["pass"]]
    sheet = published.DEVICES.get(source["device"])
    return sheet is not None and published.teraflops(source, result) > sheet["TFLOPs"]


def test_only_the_withdrawn_table_is_faster_than_its_device():
    assert {source["title"] for source, result in RESULTS if beyond(source, result)} == {WITHDRAWN}


def test_a_rate_is_read_as_tables_carried():
    source, result = named("QuACK's plot of cross-entropy", "torch.compile 2.7.1", 65536)
    seconds = 32768 * 65536 * 2 / 1479e9
    assert published.carried(source, result) == pytest.approx(seconds * 3350e9 / (2**31 * 2))


def test_a_time_is_read_as_tables_carried_and_a_peak_in_tables():
    source, result = named("Liger's table of cross-entropy", "Liger 0.2.1", 131072)
    logits = 16384 * 131072 * 4
    assert published.carried(source, result) == pytest.approx(25.2e-3 * 2039e9 / logits)
    assert published.peak(source, result) == pytest.approx(1, abs=1e-3)


def test_a_time_of_a_linear_layer_is_read_as_its_products():
    source, result = named(WITHDRAWN, "Liger, CuTe DSL", 128256)
    products = 6 * 8192 * 4096 * 128256
    assert published.teraflops(source, result) == pytest.approx(products / 13.59e-3 / 1e12)


@pytest.mark.parametrize("source", published.SOURCES, ids=lambda source: source["title"])
def test_a_source_is_shown_whole_and_labelled(source):
    shown = published.table(source)
    assert "| published | computed |" in shown
    for said in ("where", "counts", "unfair", "dtype"):
        assert source[said] in shown
    rows = [row.strip("| ").split(" | ") for row in shown.splitlines() if row.startswith("| ")][1:]
    for row, result in zip(rows, source["results"], strict=True):
        figure = f"{result['GBps']} GB/s" if "GBps" in result else f"{result['ms']} ms"
        assert row[:3] == [result["program"], str(result["N"]), str(result["V"])]
        assert row[4] == figure
        assert ("peak" in result) == any(str(result.get("peak")) in cell for cell in row[6:])


def test_the_page_shows_every_source_after_what_was_measured():
    page = report.PAGE.read_text(encoding="utf-8")
    _, _, others = page.partition("## Published by others, not measured here\n")
    assert all(published.table(source) in others for source in published.SOURCES)
    assert "## Recorded results" not in others
