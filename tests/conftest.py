"""What several test modules use."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tools import browser as driver


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The installed Chromium. Without one the tests are skipped and say why; where CI=true they fail."""
    try:
        return driver.find_chromium()
    except FileNotFoundError as error:
        if os.environ.get("CI") == "true" or os.environ.get("BROWSER_LESSONS"):
            pytest.fail(str(error))
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def chromium(chromium_path: str) -> Iterator[Browser]:
    """One browser for a module, closed at its end: its event loop must not meet another test's."""
    with sync_playwright() as playwright:
        browser = driver.launch(playwright)
        yield browser
        browser.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if {"chromium", "chromium_path"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.browser)
