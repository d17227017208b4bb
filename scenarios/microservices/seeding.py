"""Makes and fills the tables of the domains, in whichever databases a design keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from . import catalogue, orders, payment, pricing, stock

if TYPE_CHECKING:
    from archlab.lab import Lab

MODULES = {"catalogue": catalogue, "pricing": pricing, "stock": stock, "payment": payment, "orders": orders}


def seed(lab: Lab, stores: Mapping[str, str]) -> None:
    """``stores``: domain → the database that holds its tables."""
    for domain, store in stores.items():
        database = lab.database(store)
        database.executescript(MODULES[domain].TABLES)
        database.execute("BEGIN")
        MODULES[domain].fill(database)
        database.execute("COMMIT")


def nothing(lab: Lab) -> None:
    """There is no data that all designs have in one place: each prepares its own, with the same rows."""
