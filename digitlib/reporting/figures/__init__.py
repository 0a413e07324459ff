"""Every figure the notebooks show, by subject, in one shared look (``style``)."""
