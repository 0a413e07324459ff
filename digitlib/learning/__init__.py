"""Makes models: the only package that imports Keras."""

import logging
import os

from digitlib.extras import need
from digitlib.quiet import quiet

need("train", "keras", "scipy", "sklearn", "yaml")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# On by default only where a processor has AVX512; a fit is a third faster with it on AVX2, too.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
with quiet():
    import keras

    keras.ops.zeros(1)  # looks for a GPU, which is where the rest of the notices comes from
# It reports each file that an export writes, and warns when several networks are fitted in turn.
logging.getLogger("tensorflow").setLevel(logging.ERROR)
