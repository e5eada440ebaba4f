"""The pages of the shop up to the cart: front, search, product and cart.

The forms of "Add to cart" work without scripts: they lead to the cart. The site's script posts them in the background
instead, and then the answer is JSON.
"""

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from demo.site import catalogue
from demo.site.catalogue import Product, SortOrder
from demo.site.pages import asset_response, go, page, read_form
from demo.site.visits import Caller, caller_of

ADDED = "Added to cart"


async def front(request: Request) -> Response:
    """Show the shop window."""
    favourites = [catalogue.BY_SLUG[slug] for slug in catalogue.FAVOURITES]
    return page(request, "front.html", products=favourites)


async def advertisement(request: Request) -> Response:
    """Serve the banner of the shop window, from an address as advertisements have them; each time anew."""
    caller_of(request).record("advertisement_shown")
    return asset_response("banner.svg", cached=False)


async def search(request: Request) -> Response:
    """Show the products that match, or all of them when nothing is asked for."""
    query = request.query_params.get("q", "").strip()
    sort = request.query_params.get("sort")
    order = next((order for order in SortOrder if order == sort), SortOrder.RELEVANCE)
    products = catalogue.search(query, order)
    if query:
        caller_of(request).record("product_search", query=query, sort=str(order), results=len(products))
    return page(request, "search.html", products=products, query=query, order=order)


async def product(request: Request) -> Response:
    """Show one product."""
    return page(request, "product.html", product=_product(request.path_params["slug"]))


async def cart(request: Request) -> Response:
    """Show what is in the cart."""
    return page(request, "cart.html")


async def add(request: Request) -> Response:
    """Put a product in the cart and answer the way the browser asked for it."""
    form = await read_form(request)
    caller = caller_of(request)
    wanted = _product(form.get("product", ""))
    problem = _change(caller, wanted, caller.visit.cart.quantity(wanted), form.get("quantity", "1"))
    if request.headers.get("accept") == "application/json":
        status = HTTPStatus.CONFLICT if problem else HTTPStatus.OK
        return JSONResponse({"message": problem or ADDED, "cart_count": caller.visit.cart.count}, status)
    caller.visit.notice = problem or ADDED
    return go("/cart")


async def update(request: Request) -> Response:
    """Set how many of a product are in the cart."""
    form = await read_form(request)
    caller = caller_of(request)
    caller.visit.notice = _change(caller, _product(form.get("product", "")), 0, form.get("quantity", ""))
    return go("/cart")


async def remove(request: Request) -> Response:
    """Take a product out of the cart."""
    form = await read_form(request)
    _record_change(caller_of(request), _product(form.get("product", "")), 0)
    return go("/cart")


def _product(slug: str) -> Product:
    """Find a product.

    Raises:
        HTTPException: 404, there is none.
    """
    if slug not in catalogue.BY_SLUG:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    return catalogue.BY_SLUG[slug]


def _change(caller: Caller, product: Product, already: int, quantity: str) -> str:
    """Make the cart hold `quantity` more than `already` and return what is wrong with that, if anything is."""
    if not product.in_stock:
        return f"{product.name} is out of stock"
    wanted = int(quantity) if quantity.isdecimal() and len(quantity) <= 3 else 0
    if not 1 <= wanted <= catalogue.MOST_PER_LINE:
        return f"Choose a quantity between 1 and {catalogue.MOST_PER_LINE}"
    if already + wanted > product.most:
        return f"You can buy at most {product.most} of {product.name}"
    _record_change(caller, product, already + wanted)
    return ""


def _record_change(caller: Caller, product: Product, quantity: int) -> None:
    """Set the quantity of a product and log the difference."""
    cart = caller.visit.cart
    difference = cart.change(product, quantity)
    details = {"product": product.slug, "name": product.name, "price_cents": product.price_cents}
    if difference > 0:
        caller.record("added_to_cart", **details, quantity=difference, in_cart=cart.quantity(product))
    elif difference < 0:
        caller.record("removed_from_cart", **details, quantity=-difference, in_cart=cart.quantity(product))


ROUTES = [
    Route("/", front),
    Route("/ad_banner/mugs.svg", advertisement),
    Route("/search", search),
    Route("/products/{slug}", product),
    Route("/cart", cart),
    Route("/cart/add", add, methods=["POST"]),
    Route("/cart/update", update, methods=["POST"]),
    Route("/cart/remove", remove, methods=["POST"]),
]
