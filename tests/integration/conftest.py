"""Fixtures of the integration tests that share a real browser."""

from tests.integration.task_fixtures import chromium, desk, page_server, shared_browser, shop, site

__all__ = ["chromium", "desk", "page_server", "shared_browser", "shop", "site"]
