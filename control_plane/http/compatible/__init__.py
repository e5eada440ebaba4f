"""The API that Skyvern's published clients speak, as routes over our own services; docs/http.md has it for callers.

`*_routes` say which paths there are and what each calls, `*_json` map between our protos and that API's JSON and know
nothing of HTTP, `body` and `queries` read what was sent, `operations` is what all routes share.
"""
