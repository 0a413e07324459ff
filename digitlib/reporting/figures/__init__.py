"""Every figure the notebooks show, by subject, in one shared look (``style``)."""

from digitlib.extras import need

need("notebooks", "matplotlib", "pandas", "seaborn")
