"""`budget`: what a student calls about a Triton kernel of their own."""


def budget(path: str = "forward.py") -> None:
    """Print whether the kernel in a file is right, and lean enough: see `lossmath.fused.budget`.

    Only the course's tools are there while grading, and no points depend on kernels: then, and
    where PyTorch is missing, a sentence takes the answer's place.
    """
    try:
        from lossmath.fused import budget as module
    except ModuleNotFoundError as error:
        print(f"A kernel cannot be weighed here: {error}.")
        print("On Linux, `%pip install torch triton` in a cell brings what it needs.")
        return
    module.budget(path)
