"""A real Chromium for the tests, and what a page in it tried."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from playwright.async_api import Browser, Page, Request, async_playwright

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@asynccontextmanager
async def launched(chromium: str) -> AsyncIterator[Browser]:
    """The browser at this path; each of its contexts is a profile of its own."""
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        try:
            yield running
        finally:
            await running.close()


class Watch:
    """What a page tried: its requests, and its complaints (breaches of its policy are some)."""

    def __init__(self, page: Page) -> None:
        self.requests: list[Request] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.requests.append(request))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on(
            "console",
            lambda said: self.complaints.append(said.text) if said.type == "error" else None,
        )

    def outside(self) -> list[str]:
        """Addresses that are not this machine's."""
        urls = [request.url for request in self.requests]
        return [
            url
            for url in urls
            if urlsplit(url).scheme != "data" and urlsplit(url).hostname != "127.0.0.1"
        ]
