from digitlib.extras import need

need("train", "yaml")
