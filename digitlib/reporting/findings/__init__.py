"""What the notebooks found, in sentences made from the numbers, so that none can be untrue.

A module holds the sentences of one notebook, and ``ladders`` one that two notebooks share. Every
function gives Markdown. ``words`` are what the sentences are made of.
"""
