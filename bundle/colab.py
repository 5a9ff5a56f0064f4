"""Prepares a notebook in Google Colab: installs the course's package and lets explorers appear."""

import os
import subprocess
import sys
from pathlib import Path

from google.colab import output

HERE = Path(__file__).parent
(WHEEL,) = HERE.glob("*.whl")
subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", WHEEL], check=True)
output.enable_custom_widget_manager()
os.chdir(HERE / "exercises")  # where progress is kept
