"""The monthly reports of the desk: made-up sales, always the same."""

import csv
import io
from dataclasses import dataclass
from datetime import date

from demo.site.catalogue import FAVOURITES, PRODUCTS, Product

_MONTHS = tuple(date(2026, month, 1) for month in range(10, 4, -1))
_SOLD = tuple(product for product in PRODUCTS if product.slug in FAVOURITES)


@dataclass(frozen=True)
class ReportLine:
    """What one product sold in the month."""

    product: Product
    units: int

    @property
    def revenue_cents(self) -> int:
        """What the units brought in."""
        return self.units * self.product.price_cents


@dataclass(frozen=True)
class MonthlyReport:
    """What the shop sold in one month, like 2026-10."""

    month: str
    title: str
    lines: tuple[ReportLine, ...]

    @property
    def units(self) -> int:
        """How much was sold."""
        return sum(line.units for line in self.lines)

    @property
    def revenue_cents(self) -> int:
        """What it brought in."""
        return sum(line.revenue_cents for line in self.lines)

    def as_csv(self) -> str:
        """Write the report as the desk hands it out for download, with plain decimals."""
        file = io.StringIO(newline="")
        rows = csv.writer(file)
        rows.writerow(("Product", "Units", "Revenue"))
        rows.writerows((line.product.name, line.units, f"{line.revenue_cents / 100:.2f}") for line in self.lines)
        rows.writerow(("Total", self.units, f"{self.revenue_cents / 100:.2f}"))
        return file.getvalue()


def _report(first_day: date) -> MonthlyReport:
    """Make up the report of one month."""
    lines = [ReportLine(product, 9 + (first_day.month * 11 + index * 17) % 43) for index, product in enumerate(_SOLD)]
    return MonthlyReport(f"{first_day:%Y-%m}", f"{first_day:%B %Y}", tuple(lines))


REPORTS: dict[str, MonthlyReport] = {report.month: report for report in map(_report, _MONTHS)}
