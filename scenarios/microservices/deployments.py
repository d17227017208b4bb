"""Changes a contract: runs old and new versions of two services together, and deploys them one by one."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import permutations, product
from typing import TYPE_CHECKING, Any

from archlab.scenario import Sample

from .experiments import IN_TIME, timed

if TYPE_CHECKING:
    from archlab.lab import Lab

CHANGED = ("orders", "stock")
"""The services that the change request is about: an order can ask for gift wrapping, and the warehouse wraps."""
AGE = ("old", "new")
ENOUGH = 12
"""Orders before, between and after the steps of a deployment."""


def released(lab: Lab, design: Any) -> Iterator[Sample]:
    yield from mixes(lab, design)
    yield from deployed(lab, design)


def mixes(lab: Lab, design: Any) -> Iterator[Sample]:
    """Every mix of old and new versions: which share of the orders fails? Then the paths through those that serve."""
    failing = failing_mixes(lab, design, 600_000)
    for mix, (share, bad) in failing.items():
        yield Sample("mix_failed", share, dict(zip(CHANGED, mix, strict=True)), tuple(bad))
    yield Sample("good_orders", len(good_paths(failing)))


Mixes = dict[tuple[str, ...], tuple[float, list[str]]]


def failing_mixes(lab: Lab, design: Any, first: int) -> Mixes:
    """Mix of versions → the share of the orders that fail, and what is wrong with them."""
    stocks = {age: begun(lab, design, "stock", age, {}) for age in AGE}
    mixes = list(product(AGE, repeat=len(CHANGED)))
    shops = {mix: begun(lab, design, "orders", mix[0], {"stock": stocks[mix[1]]}) for mix in mixes}
    failing: Mixes = {}
    for number, (mix, shop) in enumerate(shops.items()):
        gifts = mix[0] == "new"
        shop.ready()
        sent = [order(lab, design, shop, first + 100 * number + i, gift=gifts and i % 2 == 1) for i in range(6)]
        bad = [told for told in sent if told]
        failing[mix] = len(bad) / len(sent), bad
    for part in (*shops.values(), *stocks.values()):
        part.kill()
    return failing


def good_paths(failing: Mixes) -> list[tuple[str, ...]]:
    """The orders of deployment that lead through no mix in which an order fails."""
    return [path for path in permutations(CHANGED) if not any(failing[mix][0] for mix in along(path))]


def along(path: tuple[str, ...]) -> list[tuple[str, ...]]:
    """The mixes that a deployment goes through, if it releases one service after the other in this order."""
    return [tuple(AGE[name in path[:done]] for name in CHANGED) for done in range(len(path) + 1)]


def begun(lab: Lab, design: Any, domain: str, age: str, calls: dict[str, Any]) -> Any:
    """One service of the design in its old or its new version, with payment, catalogue and pricing as they are."""
    module = lab.module(lab.design)
    others = {name: home for name, home in design.homes.items() if name != "orders"}
    version = "" if age == "new" else None
    build = getattr(module, domain)
    settings = {**design.settings, "rtt": 0.0}  # distance is another question
    return lab.service(build, f"{domain}-{age}", {**others, **calls}, settings, version=version)


def order(lab: Lab, design: Any, shop: Any, number: int, gift: bool) -> str:
    """Orders something; what is wrong with the order, in a sentence, or nothing.

    A customer whose order fails orders once more. Two versions that do not fit fail again; a busy machine does not.
    """
    return placed(lab, design, shop, number, gift) and placed(lab, design, shop, number + AGAIN, gift)


AGAIN = 5_000_000
"""Added to the number of an order that is placed once more."""


def placed(lab: Lab, design: Any, shop: Any, number: int, gift: bool) -> str:
    """Places one order. A client that knows no gifts asks for none."""
    content = {"order": number, "customer": 1, "items": [[1, 1]], **({"gift": True} if gift else {})}
    try:
        answer = shop.client.post("/orders", content)
    except OSError:
        answer = shop.client.post("/orders", content)  # an order can be sent twice
    if not answer.ok or answer.json()["state"] != "paid":
        return f"order {number}: {answer.json().get('error') or answer.json()['state']}"
    if gift and not wrapped(lab, design, number):
        return f"order {number}: a gift that nobody wraps"
    return ""


def wrapped(lab: Lab, design: Any, number: int) -> bool:
    shared = design.settings.get("shared_database", 1)
    store = lab.database(type(design).stores["stock"] if shared else "stock")
    known = store.execute("SELECT 1 FROM sqlite_master WHERE name = 'wrappings'").fetchone()
    return bool(known and store.execute("SELECT 1 FROM wrappings WHERE order_id = ?", (number,)).fetchone())


# One sin alone

SINS = {
    "a call for every item": {"per_item": 1, "shared_database": 0, "strict": 0},
    "a shared database": {"per_item": 0, "shared_database": 1, "strict": 0},
    "strict contracts": {"per_item": 0, "shared_database": 0, "strict": 1},
}
"""Each of the three with the other two turned off."""


def alone(lab: Lab, design: Any) -> Iterator[Sample]:
    """The distributed monolith with one sin at a time: which of its symptoms is there?"""
    for number, (sin, settings) in enumerate(SINS.items()):
        shop = type(design)(lab, **settings, rtt=0.0)
        few, many = (timed(shop, 800_000 + 1000 * number + 100 * items, items, 1)[1] for items in (1, 5))
        seen = {
            "more calls for more items": many > few,
            "a lock of pricing stops orders": locked(lab, shop, 800_900 + 1000 * number),
            "no release in any order": not good_paths(failing_mixes(lab, shop, 810_000 + 1000 * number)),
        }
        for symptom, there in seen.items():
            yield Sample("symptom", there, {"sin": sin, "symptom": symptom})
        shop.kill()


def locked(lab: Lab, shop: Any, number: int) -> bool:
    """Whether a long write of pricing, such as a migration of its tables, keeps orders from being answered in time."""
    pricing = lab.database("shop" if shop.settings["shared_database"] else "pricing")
    client = lab.client(shop.homes["orders"], IN_TIME)
    pricing.execute("BEGIN IMMEDIATE")
    try:
        return not client.post("/orders", {"order": number, "customer": 1, "items": [[1, 1]]}).ok
    except OSError:
        return True
    finally:
        pricing.execute("ROLLBACK")
        client.close()


# For real


@dataclass
class Customers:
    """Orders that come all the time, in a thread of its own, from outside. Half are gifts, once that is offered."""

    lab: Lab
    design: Any
    shop: Any
    first: int
    gifts: bool = False
    sent: int = 0
    bad: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        while not self.over.is_set():
            gift = self.gifts and self.sent % 2 == 1
            told = order(self.lab, self.design, self.shop, self.first + self.sent, gift)
            if told:
                self.bad.append(told)
            self.sent += 1

    def wait(self) -> None:
        """Until so many more orders were answered."""
        until = self.sent + ENOUGH
        while self.sent < until:
            time.sleep(0.005)


def deployed(lab: Lab, design: Any) -> Iterator[Sample]:
    """Both services are deployed, in either order: the new one starts beside the old one, and traffic is led to it."""
    for number, path in enumerate(permutations(CHANGED)):
        old = {"stock": begun(lab, design, "stock", "old", {}).ready()}
        networks = {"stock": lab.proxy(old["stock"], f"network of stock {number}")}
        old["orders"] = begun(lab, design, "orders", "old", {"stock": networks["stock"]}).ready()
        networks["orders"] = lab.proxy(old["orders"], f"network of orders {number}")
        customers = Customers(lab, design, networks["orders"], 700_000 + 10_000 * number)
        thread = threading.Thread(target=customers.run)
        thread.start()
        customers.wait()
        started = dict(old)
        for name in path:
            started[name] = begun(lab, design, name, "new", {"stock": networks["stock"]}).ready()
            networks[name].retarget(started[name])
            old[name].stop()
            customers.gifts = customers.gifts or name == "orders"
            customers.wait()
        customers.over.set()
        thread.join()
        share = len(customers.bad) / customers.sent
        yield Sample("deploy_failed", share, {"path": " → ".join(path)}, tuple(customers.bad))
        for part in started.values():
            part.kill()
