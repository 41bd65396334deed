"""What several test modules use."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Error, sync_playwright

from tools import browser as driver

# Modules whose tests train, start kernels or servers, build all pages, or install: half a minute and more each.
SLOW = {
    "test_alone",
    "test_benchmarks",
    "test_clone",
    "test_deploy",
    "test_download_faults",
    "test_front_ends",
    "test_full_mode",
    "test_fused",
    "test_grade",
    "test_install",
    "test_live",
    "test_pages",
    "test_places",
    "test_planted_changes",
    "test_pretrained_models",
    "test_rerun",
    "test_score",
    "test_slides",
    "test_train",
    "test_train_networks",
}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for a module, closed at its end: its event loop must not meet another test's.

    Without a browser the tests are skipped and say why; where CI=true, and in `make browser`, they fail.
    """
    with sync_playwright() as playwright:
        try:
            browser = driver.launch(playwright)
        except (FileNotFoundError, Error) as error:
            reason = str(error).strip().splitlines()[0]
            if os.environ.get("CI") == "true" or os.environ.get("BROWSER_LESSONS"):
                pytest.fail(reason)
            pytest.skip(reason)
        yield browser
        browser.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "chromium" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)
        if item.path.stem in SLOW:
            item.add_marker(pytest.mark.slow)
        if item.get_closest_marker("weekly") and not os.environ.get("COURSE_WEEKLY"):
            item.add_marker(pytest.mark.skip(reason="takes minutes; COURSE_WEEKLY=1 asks for it"))
