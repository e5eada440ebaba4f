"""Signing in and out, for the shop and the desk alike.

The session cookie lives as long as the browser, unless "Remember me" is ticked. A failed attempt is logged with its
username only if that names an account: what else was typed may be a password in the wrong field.
"""

import re
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from demo.site.accounts import User, authenticate, user_named
from demo.site.pages import go, page, read_form
from demo.site.visits import SESSION_COOKIE, Caller, caller_of

WRONG = "Wrong username or password."
REMEMBERED_SECONDS = 30 * 24 * 3600


async def show_form(request: Request) -> Response:
    """Show the form, whoever is signed in."""
    return _form_page(request, request.query_params.get("next", ""), "", "")


async def sign_in(request: Request) -> Response:
    """Sign the user in and go on to where they wanted to be, or show the form again."""
    form = await read_form(request)
    caller = caller_of(request)
    name = form.get("username", "")
    user = authenticate(name, form.get("password", ""))
    if user is None:
        caller.record("login_failed", username=name if user_named(name) else "(unknown)")
        return _form_page(request, form.get("next", ""), name, WRONG)
    response = go(_landing(request, user, form.get("next", "")))
    _begin(request, caller, user, response, remember="remember" in form)
    return response


async def sign_out(request: Request) -> Response:
    """Sign the user out; the cart stays, the checkout does not."""
    caller = caller_of(request)
    if caller.user is not None:
        caller.record("logout")
    caller.site.sign_ins.end(request.cookies.get(SESSION_COOKIE, ""))
    caller.visit.checkout = None
    response = go("/")
    response.delete_cookie(SESSION_COOKIE, httponly=True, samesite="lax")
    return response


def _begin(request: Request, caller: Caller, user: User, response: RedirectResponse, *, remember: bool) -> None:
    """Replace whoever was signed in by the user, who starts without a checkout."""
    sign_ins = caller.site.sign_ins
    sign_ins.end(request.cookies.get(SESSION_COOKIE, ""))
    caller.visit.checkout = None
    replace(caller, user=user).record("login", remember=remember)
    max_age = REMEMBERED_SECONDS if remember else None
    response.set_cookie(SESSION_COOKIE, sign_ins.begin(user), max_age=max_age, httponly=True, samesite="lax")


def _landing(request: Request, user: User, wanted: str) -> str:
    """Choose the page after signing in; only paths of this site are followed."""
    if re.fullmatch(r"/(?![/\\])[!-~]*", wanted):
        return wanted
    return "/desk" if user.is_staff or request.scope["path"] == "/desk/login" else "/"


def _form_page(request: Request, wanted: str, username: str, problem: str) -> Response:
    """Render the form."""
    return page(request, "login.html", next=wanted, username=username, problem=problem)


ROUTES = [
    Route("/login", show_form),
    Route("/login", sign_in, methods=["POST"]),
    Route("/desk/login", show_form),
    Route("/desk/login", sign_in, methods=["POST"]),
    Route("/logout", sign_out, methods=["GET", "POST"]),
]
