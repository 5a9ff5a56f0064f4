"""Running code inside a student's process and reading what it printed."""

import textwrap


def printed(kernel, source: str, **options) -> str:
    """What a cell printed; fails the test when the cell did not end well."""
    run = kernel.execute(textwrap.dedent(source), **options)
    assert run.ok, run
    return "".join(item["text"] for item in run.outputs if item["output_type"] == "stream").strip()
