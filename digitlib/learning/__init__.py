"""Makes models: the only package that imports Keras."""

import os

from digitlib.quiet import quiet

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
with quiet():
    import keras  # noqa: F401
