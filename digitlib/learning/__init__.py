"""Makes models: the only package that imports Keras."""

import os

from digitlib.quiet import quiet

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
with quiet():
    import keras

    keras.ops.zeros(1)  # looks for a GPU, which is where the rest of the notices comes from
