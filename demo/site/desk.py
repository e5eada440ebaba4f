"""The customer desk: customers, their orders and the monthly reports, for staff only."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from demo.site import customers
from demo.site.customers import Customer, PastOrder
from demo.site.orders import Order, OrderBook
from demo.site.pages import go, page, read_form
from demo.site.reports import REPORTS, MonthlyReport
from demo.site.visits import caller_of

FIRST_CUSTOMERS = 10
EXPORTED = "Report exported"

Handler = Callable[[Request], Awaitable[Response]]


def for_staff(handler: Handler) -> Handler:
    """Send everyone but staff to the sign-in page, and back here afterwards."""

    async def guarded(request: Request) -> Response:
        user = caller_of(request).user
        if user is None or not user.is_staff:
            wanted = _address(request) if request.method == "GET" else "/desk"
            return go(f"/login?next={quote(wanted, safe='/')}")
        return await handler(request)

    return guarded


@for_staff
async def front(request: Request) -> Response:
    """Show the first customers."""
    return _customers_page(request, list(customers.CUSTOMERS[:FIRST_CUSTOMERS]), "")


@for_staff
async def find_customers(request: Request) -> Response:
    """Show the customers that match."""
    query = request.query_params.get("q", "").strip()
    found = customers.search(query)
    caller_of(request).record("customer_search", query=query, results=len(found))
    return _customers_page(request, found, query)


@for_staff
async def customer(request: Request) -> Response:
    """Show one customer."""
    found = customers.BY_ID.get(request.path_params["customer_id"])
    if found is None:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    caller = caller_of(request)
    caller.record("customer_viewed", customer_id=found.customer_id, email=found.email)
    return page(request, "customer.html", customer=found, orders=_orders_of(found, caller.site.orders))


@for_staff
async def report_list(request: Request) -> Response:
    """Show the months that have a report."""
    return page(request, "reports.html", reports=list(REPORTS.values()))


@for_staff
async def report(request: Request) -> Response:
    """Show the report of one month."""
    shown = _report(request)
    caller_of(request).record("report_viewed", month=shown.month)
    return page(request, "report.html", report=shown)


@for_staff
async def download_report(request: Request) -> Response:
    """Hand out the report of one month as a file."""
    handed_out = _report(request)
    caller_of(request).record("report_downloaded", month=handed_out.month)
    name = f"attachment; filename=report-{handed_out.month}.csv"
    return Response(handed_out.as_csv(), media_type="text/csv", headers={"content-disposition": name})


@for_staff
async def export_report(request: Request) -> Response:
    """Export the report of one month, which here means to say so."""
    await read_form(request)
    caller = caller_of(request)
    exported = _report(request)
    caller.record("report_exported", month=exported.month)
    caller.visit.notice = EXPORTED
    return go(f"/desk/reports/{exported.month}")


def _address(request: Request) -> str:
    """Return the path and query that were asked for; the host, which the caller may make up, is left alone."""
    query = request.scope["query_string"].decode("latin-1")
    path = quote(request.scope["path"])
    return f"{path}?{query}" if query else path


def _customers_page(request: Request, found: list[Customer], query: str) -> Response:
    """Render a table of customers."""
    orders = caller_of(request).site.orders
    rows = [(customer, len(_orders_of(customer, orders))) for customer in found]
    return page(request, "customers.html", rows=rows, query=query, total=len(customers.CUSTOMERS))


def _orders_of(customer: Customer, orders: OrderBook) -> list[PastOrder]:
    """Return the customer's orders, those placed on the site first."""
    placed = [_as_past(order) for order in orders.of_email(customer.email)]
    return [*reversed(placed), *customer.past_orders]


def _as_past(order: Order) -> PastOrder:
    """Show an order of the site the way the desk shows all orders."""
    items = ", ".join(f"{line.quantity} x {line.product.name}" for line in order.lines)
    return PastOrder(order.number, order.time.date(), items, "Processing", order.total_cents)


def _report(request: Request) -> MonthlyReport:
    """Find the report of the month in the path.

    Raises:
        HTTPException: 404, there is none.
    """
    found = REPORTS.get(request.path_params["month"])
    if found is None:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    return found


ROUTES = [
    Route("/desk", front),
    Route("/desk/customers", find_customers),
    Route("/desk/customers/{customer_id}", customer),
    Route("/desk/reports", report_list),
    Route("/desk/reports/{month}", report),
    Route("/desk/reports/{month}/csv", download_report),
    Route("/desk/reports/{month}/export", export_report, methods=["POST"]),
]
