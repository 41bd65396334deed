"""Benchmarks: how long a lesson takes, how much faster a recipe is on the same data, how long a prediction takes."""

import os

# Read when TensorFlow is imported, which most modules of this package do.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
