"""Chromium through Playwright and the DevTools protocol: the only package that knows either."""
