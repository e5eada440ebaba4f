"""Pages as applications make them, for what is observed of a page: generated here, so that nobody's site is needed."""

from __future__ import annotations

_STYLE = "<style>body { font: 15px sans-serif } td, th { padding: 2px 8px } .card { padding: 6px }</style>"


def _page(title: str, body: str) -> str:
    return f"<!doctype html><html lang=en><head><title>{title}</title>{_STYLE}</head><body>{body}</body></html>"


def back_office() -> str:
    """A table with buttons in each row: about 2,000 elements, 752 of which can be acted on."""
    rows = "".join(
        f"<tr><td><input type=checkbox aria-label='Select order {n}'></td><td><a href='/orders/{n}'>A-{n:05d}</a></td>"
        f"<td>Customer {n}</td><td>${n}.99</td><td><button>Edit</button></td></tr>"
        for n in range(1, 251)
    )
    head = "<tr><th></th><th>Order</th><th>Customer</th><th>Total</th><th></th></tr>"
    body = f"<h1>Orders</h1><input type=search aria-label=Search><button>Find</button><table>{head}{rows}</table>"
    return _page("Orders", body)


def shop() -> str:
    """Sixty cards with a picture, a name, a price, words and a button."""
    cards = "".join(
        f"<li class=card><article><img alt='Product {n}' src='data:,'><h3><a href='/p/{n}'>Product number {n}</a></h3>"
        f"<p>Made of good things by people who know how, in the colour of your choice.</p><p class=price>£{n}.50</p>"
        f"<p class=stock><i></i> In stock</p><form><button>Add to basket</button></form></article></li>"
        for n in range(1, 61)
    )
    nav = "".join(f"<li><a href='/c/{n}'>Category {n}</a></li>" for n in range(1, 31))
    return _page(
        "Shop",
        f"<header><form role=search><input aria-label=Search><button>Go</button></form></header>"
        f"<nav><ul>{nav}</ul></nav><main><h1>All products</h1><ol>{cards}</ol><a href='?p=2'>next</a></main>",
    )


def article() -> str:
    """Much text and few things to act on."""
    words = "The quick brown fox jumps over the lazy dog, and a few more words follow so that a line is full. "
    text = words * 6
    parts = "".join(f"<section><h2>Part {n}</h2><p>{text}<a href='#p{n}'>note {n}</a></p></section>" for n in range(30))
    return _page("Article", f"<main><h1>A long read</h1>{parts}</main>")


def form() -> str:
    """A form with sixty fields of several kinds in fieldsets."""
    kinds = ("text", "email", "date", "number", "checkbox")
    parts = "".join(
        f"<fieldset><legend>Section {s}</legend>"
        + "".join(f"<p><label>Field {s}.{n} <input type={kinds[n % 5]}></label></p>" for n in range(8))
        + "<p><label>Country <select><option>Austria<option>Norway<option>Spain</select></label></p></fieldset>"
        for s in range(1, 8)
    )
    return _page("Application", f"<form><h1>Application</h1>{parts}<button>Send</button></form>")


PAGES = {"back office, 2,000 elements": back_office, "shop": shop, "article": article, "form": form}
