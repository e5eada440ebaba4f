"""A small site that keeps what a login keeps, on two origins of this machine, and says what it was asked."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LOGIN = """<title>Login</title><script>
async function store() {
    localStorage.setItem('token', 'kept-in-local-storage');
    await new Promise(done => {
        const opening = indexedDB.open('app', 3);
        opening.onupgradeneeded = () => opening.result.createObjectStore('logins', { keyPath: 'user' });
        opening.onsuccess = () => {
            const writing = opening.result.transaction('logins', 'readwrite');
            writing.objectStore('logins').put({ user: 'casey', since: new Date(86400000) });
            writing.oncomplete = () => { opening.result.close(); done(); };
        };
    });
    await navigator.serviceWorker.register('/worker.js');
    await navigator.serviceWorker.ready;
    document.title = 'Logged in';
}
store();
</script>"""
WORKER = """
self.addEventListener('install', event => event.waitUntil(self.skipWaiting()));
self.addEventListener('activate', event => event.waitUntil(self.clients.claim()));
self.addEventListener('fetch', event => {
    if (event.request.url.endsWith('/only-the-worker-has-it')) event.respondWith(new Response('from the worker'));
});
"""
READ = """async () => JSON.stringify({
    cookie: document.cookie.split('; ').sort(),
    token: localStorage.getItem('token'),
    since: await new Promise(done => {
        const opening = indexedDB.open('app');
        opening.onsuccess = () => {
            const store = [...opening.result.objectStoreNames].includes('logins');
            if (!store) { opening.result.close(); indexedDB.deleteDatabase('app'); return done(null); }
            const asking = opening.result.transaction('logins').objectStore('logins').get('casey');
            asking.onsuccess = () => { opening.result.close(); done(asking.result && asking.result.since.getTime()); };
        };
    }),
    worker: await (await fetch('/only-the-worker-has-it')).text(),
})"""
"""What a page of the site finds in its browser."""
KEPT = {
    "cookie": ["day=1", "session=1"],
    "token": "kept-in-local-storage",
    "since": 86400000,
    "worker": "from the worker",
}
COUNTING = """<title>Counting</title><script>
let number = 0;
const opening = indexedDB.open('pairs', 1);
opening.onupgradeneeded = () => { opening.result.createObjectStore('a'); opening.result.createObjectStore('b'); };
opening.onsuccess = function count() {
    number += 1;
    localStorage.setItem('a', number);
    localStorage.setItem('b', number);
    const writing = opening.result.transaction(['a', 'b'], 'readwrite');
    writing.objectStore('a').put(number, 'n');
    writing.objectStore('b').put(number, 'n');
    writing.oncomplete = () => { document.title = 'Counting on'; setTimeout(count, 0); };
};
</script>"""


@dataclass
class ProfileSite:
    """Where it is, and what it was asked: path and Cookie header of each request."""

    url: str = ""
    other_url: str = ""
    """The same site under another name, which is another origin."""
    requests: list[tuple[str, str]] = field(default_factory=list)
    worker_is_gone: bool = False

    def cookies_of(self, path: str) -> list[str]:
        """The cookies that came with the last request of a path."""
        found = [cookie for asked, cookie in self.requests if asked == path]
        return sorted(found[-1].split("; ")) if found and found[-1] else []


@contextmanager
def profile_site() -> Iterator[ProfileSite]:
    """The site, while the context is entered."""
    site = ProfileSite()

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.requests.append((self.path, self.headers.get("Cookie", "")))
            gone = self.path == "/worker.js" and site.worker_is_gone
            body, kind = b"<title>Home</title>", "text/html"
            if self.path == "/login":
                body = LOGIN.encode()
            elif self.path == "/counting":
                body = COUNTING.encode()
            elif self.path == "/worker.js":
                body, kind = WORKER.encode(), "text/javascript"
            elif self.path == "/loop":
                body = b"<title>Loop</title><script>setTimeout(() => { while (true) {} }, 50)</script>"
            elif self.path == "/only-the-worker-has-it":
                body = b"from the site"
            self.send_response(404 if gone else 200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            if self.path == "/login":
                self.send_header("Set-Cookie", "session=1; Path=/")
                self.send_header("Set-Cookie", "day=1; Path=/; Max-Age=86400")
                self.send_header("Set-Cookie", "hidden=1; Path=/; HttpOnly")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    site.url, site.other_url = f"http://127.0.0.1:{server.server_port}", f"http://localhost:{server.server_port}"
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
