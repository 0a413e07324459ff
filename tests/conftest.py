"""What several test modules share."""

import os
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import expect

PATIENCE = 20_000  # milliseconds that a page may take to answer, on a busy machine too
CHECKOUT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser; a machine without one skips, a test service may not."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if not found and os.environ.get("CI"):
        pytest.fail("CI must test pages in a browser, and chromium is not installed")
    if not found:
        pytest.skip("chromium is not installed, so pages cannot be opened")
    expect.set_options(timeout=PATIENCE)
    return found
