from digitlib.extras import need

need("train", "pandas", "scipy", "sklearn")
