"""What the designs are put to: the data they start from, the requests they serve, and the truth about both."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from archlab.scenario import Answered, Request, Sample

from .world import (
    SCHEMA,
    VIEWS,
    CancelOrder,
    CustomerId,
    OrderId,
    PlaceOrder,
    ProductId,
    Refused,
    SellerId,
    transaction,
)

if TYPE_CHECKING:
    from archlab.lab import Lab

PRODUCTS = 8
"""Products of one seller; of the last one there are only a few."""
FEW, MANY = 3, 10**9
CUSTOMERS = 40
"""The last one has next to no credit left."""
DAYS = 7
CHANNELS, PAYMENTS = ("web", "app", "phone"), ("card", "invoice", "wallet")
DELIVERIES, COUNTRIES = ("parcel", "pick-up", "courier"), ("DE", "FR", "IT", "ES")
SEGMENTS, CATEGORIES = ("new", "regular", "gold"), ("kitchen", "office", "home")
STATUSES = ("placed",) * 7 + ("shipped",) * 2 + ("cancelled",)
TITLES = ("Kettle", "Lamp", "Mug", "Chair", "Desk", "Clock", "Vase", "Globe")
NEW_ORDERS = 1_000_000_000
"""Orders placed by the load are numbered from here on, those of experiments from twice this."""


def sellers(lab: Lab) -> range:
    """At most 40, fewer where much is kept for each; every seller starts with ``page_rows`` orders."""
    return range(1, 1 + max(1, min(40, 20_000 // (lab.knobs.page_rows * lab.knobs.views))))


def checked(lab: Lab) -> range:
    """The sellers whose every total is checked: no more than can be read in a moment from the slowest design."""
    return sellers(lab)[: max(3, 1000 // lab.knobs.page_rows)]


def price(product: int) -> int:
    return 995 + 100 * (product % PRODUCTS)


def seed(lab: Lab) -> None:
    """The shop's database with ``page_rows`` orders for every seller."""
    shop, draw, rows = lab.database(), lab.random.randrange, lab.knobs.page_rows
    shop.executescript(SCHEMA)
    products = [
        (s * PRODUCTS + k, s, TITLES[k], f"Brand {k // 3}", CATEGORIES[k % 3], price(k), 5 * k, FEW if k == 7 else MANY)
        for s in sellers(lab)
        for k in range(PRODUCTS)
    ]
    orders, owed = [], [0] * (CUSTOMERS + 1)
    for seller in sellers(lab):
        for i in range(rows):
            product, quantity, customer = seller * PRODUCTS + draw(7), 1 + draw(3), 1 + draw(CUSTOMERS)
            off, status = 5 * (product % PRODUCTS) * quantity, STATUSES[i % 10]
            how = draw(DAYS), CHANNELS[draw(3)], PAYMENTS[draw(3)], DELIVERIES[draw(3)], status
            orders.append((seller * rows + i, seller, product, customer, quantity, price(product), off, *how))
            if status == "placed":
                owed[customer] += quantity * price(product) - off
    customers = [
        (c, COUNTRIES[c % 4], SEGMENTS[c % 3], owed[c] + (5_000 if c == CUSTOMERS else MANY), owed[c])
        for c in range(1, CUSTOMERS + 1)
    ]
    with transaction(shop):
        shop.executemany("INSERT INTO products VALUES (?, ?, ?, ?, ?, ?, ?, ?)", products)
        shop.executemany("INSERT INTO customers VALUES (?, ?, ?, ?, ?)", customers)
        shop.executemany("INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", orders)


def kept(lab: Lab) -> tuple[str, ...]:
    """The shapes that a page shows at this workload."""
    return tuple(VIEWS)[: lab.knobs.views]


def an_order(lab: Lab, number: int) -> PlaceOrder:
    """An order that every rule allows, of a random seller."""
    choose = lab.random.choice
    product = ProductId(choose(sellers(lab)) * PRODUCTS + lab.random.randrange(PRODUCTS - 1))
    customer = CustomerId(lab.random.randrange(1, CUSTOMERS))
    what = OrderId(number), customer, product, 1 + lab.random.randrange(3), price(product)
    return PlaceOrder(*what, lab.random.randrange(DAYS), choose(CHANNELS), choose(PAYMENTS), choose(DELIVERIES))


def requests(lab: Lab, n: int) -> list[Request]:
    """A shuffled mix, evenly spaced: of ten reads one is a lookup, of ten writes one is a cancellation."""
    reads, writes = lab.knobs.read_share, 1 - lab.knobs.read_share
    total = math.ceil(n / (0.9 * min(reads, writes)))
    pages, orders = math.ceil(0.9 * reads * total), math.ceil(0.9 * writes * total)
    lookups, cancellations = round(0.1 * reads * total), round(0.1 * writes * total)
    rows = lab.knobs.page_rows
    placed = [s * rows + i for s in sellers(lab) for i in range(rows) if STATUSES[i % 10] == "placed"]
    to_cancel = lab.random.sample(placed, min(cancellations, len(placed)))
    choose = lab.random.choice
    mix = [Request(0, "page", (SellerId(choose(sellers(lab))), kept(lab))) for _ in range(pages)]
    mix += [Request(0, "lookup", (OrderId(choose(placed)),)) for _ in range(lookups)]
    mix += [Request(0, "place_order", (an_order(lab, NEW_ORDERS + i),)) for i in range(orders)]
    mix += [Request(0, "cancel_order", (CancelOrder(OrderId(order)),)) for order in to_cancel]
    lab.random.shuffle(mix)
    return [Request(i / lab.knobs.rate, request.operation, request.arguments) for i, request in enumerate(mix)]


def afterwards(lab: Lab, design: Any, answers: list[Any]) -> Iterator[Sample]:
    """How long an order placed right behind the load stays unseen; then every total that is shown is checked."""
    unseen, still_unseen = time_unseen(lab, design, 2 * NEW_ORDERS)
    yield Sample("seen", math.inf if still_unseen else unseen)
    wrong = which_wrong(lab, design)
    yield Sample("wrong_totals", len(wrong), cases=tuple(wrong))


def time_unseen(lab: Lab, design: Any, number: int) -> tuple[float, bool]:
    """Places an order and looks at its seller's page: for how many seconds it is not there (0: it is there at once),
    and whether it still is not there after waiting for its position."""
    command = an_order(lab, number)
    seller = SellerId(command.product // PRODUCTS)

    def orders() -> int:
        shown: int = design.page(seller, ("product",)).totals.orders
        return shown

    position = design.place_order(command)
    begin = time.perf_counter()
    at_once = orders()
    design.wait_until_seen(position)
    waited, after_waiting = time.perf_counter() - begin, orders()
    sql = "SELECT count(*) FROM orders WHERE seller = ? AND status != 'cancelled'"
    placed = lab.database().execute(sql, (seller,)).fetchone()[0]
    return (waited if at_once != placed else 0.0), after_waiting != placed


Figures = dict[tuple[int, str, str, Any], tuple[int, int, int]]
"""Orders, units and revenue by seller, view, status and key."""


def shown(lab: Lab, design: Any) -> Figures:
    """Every total that the pages of the checked sellers show."""
    return {
        (seller, view, *row): (totals.orders, totals.units, totals.revenue)
        for seller in checked(lab)
        for view, panel in design.page(SellerId(seller), kept(lab)).panels.items()
        for row, totals in panel.items()
    }


COLUMNS = {"product": "title", "weekend": "day % 7 >= 5", "price_band": "unit_price / 500"}
"""Where a view's key is not the column of its name."""


def truth(lab: Lab) -> Figures:
    """The same totals, straight from the orders, by SQL that no design uses."""
    shop = lab.database()
    true: Figures = {}
    for view in kept(lab):
        rows = shop.execute(
            f"SELECT o.seller, o.status, {COLUMNS.get(view, view)}, count(*), sum(quantity),"
            " sum(quantity * unit_price) - sum(discount) FROM orders o, products p, customers c"
            " WHERE p.id = o.product AND c.id = o.customer AND o.seller <= ? GROUP BY 1, 2, 3",
            (checked(lab)[-1],),
        )
        true.update({(seller, view, status, key): tuple(totals) for seller, status, key, *totals in rows})
    return true


def wrong_totals(lab: Lab, design: Any) -> int:
    """How many totals are shown that are not true, or true and not shown."""
    return len(which_wrong(lab, design))


def which_wrong(lab: Lab, design: Any) -> list[str]:
    """Each of them in a sentence."""
    seen, true = shown(lab, design), truth(lab)
    wrong = (row for row in seen.keys() | true.keys() if seen.get(row) != true.get(row))
    return [
        f"{_row(row)}: shows {_told(seen.get(row))}; true {_told(true.get(row))}" for row in sorted(wrong, key=repr)
    ]


def _row(row: tuple[int, str, str, Any]) -> str:
    seller, view, status, key = row
    return f"seller {seller}, {view} {key}, {status}"


def _told(totals: tuple[int, int, int] | None) -> str:
    if totals is None:
        return "nothing"
    orders, units, revenue = totals
    return f"orders {orders}, units {units}, revenue {revenue / 100:,.2f}"


def forbidden(lab: Lab, cancelled: PlaceOrder) -> dict[str, PlaceOrder | CancelOrder]:
    """By rule, a command that breaks it; ``cancelled`` is an order that was placed and cancelled."""
    what, first = (cancelled.customer, cancelled.product), cancelled.order + 1
    few, seen = ProductId(sellers(lab)[0] * PRODUCTS + PRODUCTS - 1), cancelled.price_seen
    return {
        "price still valid": PlaceOrder(OrderId(first), *what, 1, seen - 1),
        "in stock": PlaceOrder(OrderId(first + 1), what[0], few, FEW + 1, price(few)),
        "something is ordered": PlaceOrder(OrderId(first + 2), *what, 0, seen),
        "within the credit limit": PlaceOrder(OrderId(first + 3), CustomerId(CUSTOMERS), what[1], 50, seen),
        "cancelled only once": CancelOrder(cancelled.order),
        "cancelled only if there": CancelOrder(OrderId(first + 4)),
    }


def obey(design: Any, command: PlaceOrder | CancelOrder) -> str:
    """What a design says to a command: that it is done, or why it is refused."""
    try:
        (design.place_order if isinstance(command, PlaceOrder) else design.cancel_order)(command)
    except Refused as refused:
        return str(refused)
    return DONE


DONE = "done"


def answers(lab: Lab, design: Any) -> Iterator[Answered]:
    """What a design says to commands that the rules allow and refuse, and what the page of the seller shows after each
    that was done; in the end, what all pages show."""
    first, seller = 3 * NEW_ORDERS, sellers(lab)[0]
    good, kept_one = an_order(lab, first), an_order(lab, first + 10)
    few = ProductId(seller * PRODUCTS + PRODUCTS - 1)
    last_ones = PlaceOrder(OrderId(first + 11), good.customer, few, FEW, price(few))
    one_more = PlaceOrder(OrderId(first + 12), good.customer, few, 1, price(few))
    orders = good, kept_one, last_ones, one_more
    of = {command.order: SellerId(command.product // PRODUCTS) for command in orders}
    for page in sorted(set(of.values())):
        yield from _page(lab, design, page)
    for command in (good, CancelOrder(good.order), kept_one, last_ones):
        yield from _done(lab, design, command, of[command.order])
    for rule, command in forbidden(lab, good).items():
        yield Answered(f"a command against the rule: {rule}", obey(design, command))
    yield Answered("the last ones are gone: one more", obey(design, one_more))
    for command in (CancelOrder(last_ones.order), one_more, CancelOrder(kept_one.order)):
        yield from _done(lab, design, command, of[command.order])
    for order in orders:
        yield Answered(f"lookup of order {order.order}", design.lookup(order.order))
    for page in map(SellerId, checked(lab)):
        yield from _page(lab, design, page)


def _done(lab: Lab, design: Any, command: PlaceOrder | CancelOrder, seller: SellerId) -> Iterator[Answered]:
    """A command that must be done, and the page of its seller once it can be seen."""
    what = "placed" if isinstance(command, PlaceOrder) else "cancelled"
    said = f"order {command.order} was {what}"
    try:
        position = (design.place_order if isinstance(command, PlaceOrder) else design.cancel_order)(command)
    except Refused as refused:
        yield Answered(said, str(refused))
        return
    yield Answered(said, DONE)
    design.wait_until_seen(position)
    yield from _page(lab, design, seller, after=said)


def _page(lab: Lab, design: Any, seller: SellerId, after: str = "") -> Iterator[Answered]:
    page = design.page(seller, kept(lab))
    panels = {f"panel {view}": panel for view, panel in page.panels.items()}
    head = {"totals": page.totals, "orders": page.orders_by_status, "top products": page.top_products()}
    yield Answered(f"page of seller {seller}", head | panels, after)
