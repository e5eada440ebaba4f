# mypy: ignore-errors
"""Serves a tracker by WSGI, as Roundup's documentation has it, under /tracker: `serve.py HOME PORT`.

Roundup's own server refuses to run as root, which a bench in a container often is.
"""

import sys
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIServer, make_server
from wsgiref.util import shift_path_info

from roundup.cgi.wsgi_handler import RequestDispatcher

home, port = sys.argv[1:]
tracker = RequestDispatcher(home)


def application(environ, start_response):
    if shift_path_info(environ) != "tracker":
        start_response("302 Found", [("Location", "/tracker/")])
        return [b""]
    return tracker(environ, start_response)


class Threaded(ThreadingMixIn, WSGIServer):
    daemon_threads = True


make_server("127.0.0.1", int(port), application, Threaded).serve_forever()
