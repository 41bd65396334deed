"""Trainings whose results the lessons quote: each writes into a scratch folder, and `publish` moves a result."""

import os

# Read when TensorFlow is imported, which every module of this package does.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
