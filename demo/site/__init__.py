"""The demo site: a small shop and a customer desk that log what a browser really did in them.

The demo and the end-to-end tests check against this log, never against Tabkeep's own word. The site keeps
everything in memory, needs no network, and runs in the caller's event loop:

    async with DemoSite() as site:
        ...  # drive a browser to site.url
        assert site.log.count("order_placed") == 1

Imports point down: `site` -> page modules (`shop`, `checkout`, `desk`, `sign_in`, `trouble`) -> `pages` -> `visits`
-> `state` -> what is kept (`catalogue`, `cart`, `orders`, `customers`, `accounts`, `reports`, `log`).
The only asyncio task is the server's, started and awaited by `DemoSite`.
"""

from demo.site.log import LogEntry, SiteLog
from demo.site.site import DemoSite

__all__ = ["DemoSite", "LogEntry", "SiteLog"]
