# mypy: ignore-errors
# ruff: noqa: E402, N806
"""Makes the shop's tables, its goods, its people and one order, through django-oscar's own code."""

import os
import shutil
from decimal import Decimal
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")

import django

django.setup()

import oscar
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.sites.models import Site
from django.core.management import call_command
from django.test import RequestFactory
from oscar.core.loading import get_class, get_model

GOODS = [
    ("Aurora wireless headphones", "129.00", 20, "Electronics"),
    ("Pebble wireless headphones", "79.00", 20, "Electronics"),
    ("Nimbus wireless headphones", "59.50", 20, "Electronics"),
    ("Sennheiser wired headphones", "39.00", 20, "Electronics"),
    ("Studio monitor speakers", "249.00", 5, "Electronics"),
    ("USB-C charging cable", "9.99", 200, "Electronics"),
    ("Vintage record player", "189.00", 0, "Electronics"),
    ("The Shellcoder's Handbook", "19.99", 20, "Books"),
    ("Hacking Exposed Wireless", "31.00", 20, "Books"),
    ("A History of Tea", "15.25", 20, "Books"),
    ("Garden hose 20 m", "24.00", 20, "Garden"),
    ("Watering can", "14.50", 20, "Garden"),
    ("Pruning shears", "18.75", 20, "Garden"),
    ("Cast iron teapot", "44.00", 20, "Kitchen"),
    ("Ceramic teapot", "27.00", 20, "Kitchen"),
    ("Glass teapot", "33.00", 20, "Kitchen"),
    ("Merino wool socks", "12.00", 50, "Clothing"),
    ("Waxed rain jacket", "119.00", 10, "Clothing"),
]
PEOPLE = [
    ("Dora", "Jones", "dora.jones@mail.example", "Maple-Tree-88"),
    ("Frank", "Hill", "frank.hill@mail.example", "Stone-Bridge-15"),
    ("Frank", "Miller", "frank.miller@mail.example", "Stone-Bridge-16"),
    ("Wei", "Li", "wei.li@mail.example", "Stone-Bridge-17"),
]
ORDERS = [("100041", 1, ["Watering can"]), ("100042", 0, ["Ceramic teapot", "Sennheiser wired headphones"])]


def seed():
    call_command("migrate", verbosity=0)
    Site.objects.update(domain="shop.example", name="Shop")
    media = Path(settings.MEDIA_ROOT)
    media.mkdir(parents=True, exist_ok=True)
    picture = Path(oscar.__file__).parent / "static" / "oscar" / "img" / "image_not_found.jpg"
    shutil.copy(picture, media / "image_not_found.jpg")
    Country = get_model("address", "Country")
    for code, name in (("GB", "United Kingdom"), ("FR", "France"), ("DE", "Germany")):
        Country.objects.create(iso_3166_1_a2=code, printable_name=name, name=name.upper(), is_shipping_country=True)
    _goods()
    User.objects.create_superuser("keeper", "keeper@shop.example", "Quay-Lantern-3", first_name="Kate")
    for first, last, email, password in PEOPLE:
        User.objects.create_user(email.split("@")[0], email, password, first_name=first, last_name=last)
    for number, person, titles in ORDERS:
        _order(number, User.objects.get(email=PEOPLE[person][2]), titles)
    call_command("rebuild_index", interactive=False, verbosity=0)


def _goods():
    Product, ProductClass = get_model("catalogue", "Product"), get_model("catalogue", "ProductClass")
    Category, StockRecord = get_model("catalogue", "Category"), get_model("partner", "StockRecord")
    partner = get_model("partner", "Partner").objects.create(name="House")
    kind = ProductClass.objects.create(name="Goods", requires_shipping=True, track_stock=True)
    for number, (title, price, stock, category) in enumerate(GOODS):
        product = Product.objects.create(
            product_class=kind, title=title, description=f"{title}, from our {category} range."
        )
        place = Category.objects.filter(name=category).first() or Category.add_root(name=category)
        product.categories.add(place)
        StockRecord.objects.create(
            product=product, partner=partner, partner_sku=f"sku-{number}", price=Decimal(price), num_in_stock=stock
        )


def _order(number, user, titles):
    Basket, Product = get_model("basket", "Basket"), get_model("catalogue", "Product")
    OrderCreator = get_class("order.utils", "OrderCreator")
    OrderTotalCalculator = get_class("checkout.calculators", "OrderTotalCalculator")
    Free, Selector = get_class("shipping.methods", "Free"), get_class("partner.strategy", "Selector")
    request = RequestFactory().get("/")
    request.user = user
    basket = Basket.objects.create(owner=user)
    basket.strategy = Selector().strategy(request=request, user=user)
    for title in titles:
        basket.add_product(Product.objects.get(title=title))
    free = Free()
    charge = free.calculate(basket)
    total = OrderTotalCalculator().calculate(basket, charge)
    OrderCreator().place_order(
        order_number=number, user=user, basket=basket, shipping_method=free, shipping_charge=charge, total=total
    )
    basket.submit()


seed()
