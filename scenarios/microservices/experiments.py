"""The experiments: distance, items, domains in trouble, crashes within an order."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import cycle
from statistics import median
from typing import TYPE_CHECKING, Any

from archlab.lab import crash_points, sources
from archlab.scenario import Failed, Sample

from . import orders
from .change_requests import releases
from .debugging import failed_order
from .waiting import hot
from .world import BALANCE, CUSTOMERS, DOMAINS, FEATURES, IN_STOCK, LIMIT, NEEDS, PRODUCTS, an_order

if TYPE_CHECKING:
    from archlab.lab import Client, Lab

DISTANCES = (0.0, 0.5, 2.0, 10.0)
"""Round trips in ms."""
ITEMS = (1, 5, 20)
WAYS = ("in one batch", "one by one", "in parallel")
"""By the knob ``per_item``."""
FAR = DISTANCES[-1]
FEW, HOPS = 4, 9
"""Orders whose median is taken at each distance, and calls that are timed alone."""
PROBES = 5
"""How often a feature is asked while a domain is in trouble; it works if most of them are answered in time."""
IN_TIME = 2 * LIMIT
"""Seconds that a customer waits for an answer at most, if there is no distance between services."""
MOST_CALLS = 4
"""Calls for an order of one item at most: a customer also waits for their round trips."""
PATIENCE = 5.0
"""Seconds within which what was begun must be finished or undone after a crash."""
LOOK = 0.02
SIGKILL, DOWN, HOG = "one process killed", "down", "CPU hog"


# Figures


def figures(lab: Lab, design: Any) -> Iterator[Sample]:
    """What an order costs: memory, distance, items."""
    yield from memory(lab, design)
    yield from distance(lab, design)
    if lab.design.role == "misuse":
        yield from items(lab, design)


def distance(lab: Lab, design: Any) -> Iterator[Sample]:
    """One order after the other, each round trip in turn; how many calls an order makes, and what a call itself takes.

    All shops run meanwhile, so that whatever disturbs the machine disturbs each distance.
    """
    shops = {rtt: design if rtt == lab.knobs.rtt else type(design)(lab, rtt=rtt) for rtt in DISTANCES}
    took: dict[float, list[float]] = {rtt: [] for rtt in DISTANCES}
    for number, shop in enumerate(shops.values()):
        shop.order(an_order(100_000 + 1000 * number, 1))  # opens the connections
    before = calls_of(shops[0.0])
    for again in range(1, FEW + 1):
        for number, (rtt, shop) in enumerate(shops.items()):
            began = time.perf_counter()
            shop.order(an_order(100_000 + 1000 * number + again, lab.knobs.items))
            took[rtt].append(time.perf_counter() - began)
    yield Sample("calls", (calls_of(shops[0.0]) - before) / FEW)
    for rtt, seconds in took.items():
        yield Sample("order_at", median(seconds), {"rtt": rtt})
    for rtt in (0.0, FAR):
        for number, one in enumerate(took[rtt]):
            yield Sample("order_each", one, {"rtt": rtt, "number": number})
    yield from hops(lab, shops[FAR])
    for shop in shops.values():
        if shop is not design:
            shop.kill()


def hops(lab: Lab, shop: Any) -> Iterator[Sample]:
    """What a call to another service takes beside the round trip: as in an order, it comes after a wait."""
    if (payment := shop.homes["payment"]) is shop.homes["orders"]:
        return
    client = lab.client(payment)
    for number in range(HOPS):
        began = time.perf_counter()
        time.sleep(FAR / 1000)
        client.post("/refunds", {"order": 190_000 + number})
        yield Sample("hop", time.perf_counter() - began - FAR / 1000, {"number": number})


def items(lab: Lab, design: Any) -> Iterator[Sample]:
    """An order of one item, of five, of twenty, at a round trip of 2 ms; each way of asking for them."""
    for way, told in enumerate(WAYS):
        shop = type(design)(lab, rtt=2.0, per_item=way)
        for number, count in enumerate(ITEMS):
            at_once = count if told == WAYS[2] else 1  # then each item has a connection
            took, calls = timed(shop, 120_000 + 10_000 * way + 1000 * number, count, 1, at_once)
            yield Sample("order_of", median(took), {"way": told, "items": count})
            yield Sample("calls_of", calls, {"way": told, "items": count})
        shop.kill()


def mishaps(lab: Lab, design: Any) -> Iterator[Sample]:
    """Releases for changes, payments that wait, an order that fails, calls that are lost, prices that are late."""
    yield from releases(lab, design)
    yield from hot(lab, design)
    yield from failed_order(lab, design)
    if design.homes["stock"] is not design.homes["orders"]:
        yield from failing(lab, design)
    yield from prices(lab, design)


def timed(shop: Any, first: int, count: int, times: int, at_first: int = 1) -> tuple[list[float], float]:
    """Seconds of each order, and calls between services per order. An order of ``at_first`` items opens connections."""
    shop.order(an_order(first, at_first))
    before, took = calls_of(shop), []
    for number in range(1, times + 1):
        began = time.perf_counter()
        shop.order(an_order(first + number, count))
        took.append(time.perf_counter() - began)
    return took, (calls_of(shop) - before) / times


def calls_of(shop: Any) -> int:
    """Calls between services so far; an application that has none does not count them."""
    answer = shop.ask("orders", "GET", "/calls")
    if answer.status == 404:
        return 0
    return int(answer.json())


def failing(lab: Lab, design: Any) -> Iterator[Sample]:
    """Every call is lost with a probability, and nobody tries again: which share of the orders succeeds?"""
    shop = type(design)(lab, failure_rate=LOST_CALLS, rtt=0.0)
    placed = 0
    for number in range(ORDERS):
        try:
            placed += shop.order(an_order(150_000 + number, lab.knobs.items))["state"] == "paid"
        except Failed:
            continue
    yield Sample("success", placed / ORDERS)
    shop.kill()


LOST_CALLS = 0.1
"""Assumed: the share of calls that are lost. Real networks lose fewer, at worse moments."""
ORDERS = 40


# Blast radius


def blast_of_payment(lab: Lab, design: Any) -> Iterator[Sample]:
    return blast(lab, design, ("payment",))


def blast(lab: Lab, design: Any, domains: tuple[str, ...] = DOMAINS) -> Iterator[Sample]:
    """Each domain in each trouble, while somebody orders all the time: which features still work?"""
    load = Customers(lab, design)
    steady(lab, design, "before the first trouble")
    with load:
        for domain in domains:
            # Of a service with one process nothing is left once that is killed: it is down.
            killed = [(SIGKILL,), (DOWN,)] if design.homes[domain].workers > 1 else [(SIGKILL, DOWN)]
            for troubles in (*killed, (HOG,)):
                yield from troubled(lab, design, load, domain, troubles)
                steady(lab, design, f"after {domain}: {' and '.join(troubles)}")
    lab.seen(f"customers asked {len(load.asked)} times meanwhile")


@dataclass(frozen=True)
class Asked:
    feature: str
    began: float
    ended: float
    good: bool


PAUSE = 0.01
"""Seconds between two requests of a customer."""
FEW_ASKED = 2
"""Requests for features that need nothing of the domain in trouble, at least, while it is."""


class Customers:
    """The load meanwhile: somebody who orders all the time, and somebody who asks for every other feature in turn."""

    def __init__(self, lab: Lab, design: Any) -> None:
        self.lab, self.design = lab, design
        self.asked: list[Asked] = []
        self.over = threading.Event()
        others = [feature for feature in FEATURES if feature != "order"]
        self.threads = [threading.Thread(target=self.ask, args=(features,)) for features in (["order"], others)]

    def __enter__(self) -> None:
        for thread in self.threads:
            thread.start()

    def __exit__(self, *error: object) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join()

    def ask(self, features: list[str]) -> None:
        clients = {feature: client_of(self.lab, self.design, feature) for feature in features}
        for feature in cycle(features):
            if self.over.wait(PAUSE):
                return
            began = time.monotonic()
            good, _ = asked(clients[feature], feature)
            self.asked.append(Asked(feature, began, time.monotonic(), good))

    def wait(self, domain: str, since: float) -> None:
        """Until a few requests of that kind have begun and ended since a moment; they may fail."""
        while sum(a.began > since for a in self.meanwhile(domain, since, time.monotonic())) < FEW_ASKED:
            time.sleep(PAUSE / 2)

    def meanwhile(self, domain: str, began: float, ended: float) -> list[Asked]:
        """Requests under way between two moments, for features that need nothing of a domain."""
        return [a for a in self.asked if domain not in own(a.feature) and a.began < ended and a.ended > began]


def troubled(lab: Lab, design: Any, load: Customers, domain: str, troubles: tuple[str, ...]) -> Iterator[Sample]:
    """What works while a domain is in trouble; ``troubles`` are the names of what is done to it."""
    home, moment = design.homes[domain], time.monotonic()
    began(home, troubles[0])
    seen = all_probed(lab, design, PROBES)
    load.wait(domain, moment)
    meanwhile = load.meanwhile(domain, moment, time.monotonic())
    works = {feature: good for feature, (good, _) in seen.items()}
    ended(home, troubles[0])
    spread = [feature for feature, good in works.items() if not good and domain not in own(feature)]
    at = {"domain": domain, "trouble": troubles[-1]}
    failed = [a.feature for a in meanwhile if not a.good]
    yield Sample("asked_meanwhile", len(meanwhile), at)
    yield Sample("failed_meanwhile", len(failed), at, tuple(f"{domain}, {troubles[-1]}: {name}" for name in failed))
    for trouble in troubles:
        lab.struck(trouble)
        for feature, good in works.items():
            yield Sample("broken", not good, {"trouble": f"{domain} {SHORT[trouble]}", "feature": feature})
        cases = tuple(f"{domain}, {trouble}: {feature} does not work" for feature in spread)
        metric = "hog_spread" if trouble == HOG else "spread"
        yield Sample(metric, len(spread), {"domain": domain, "trouble": trouble}, cases)
        if trouble == HOG:
            # An order also waits for distance and for the outside check.
            others = [took for name, (_, took) in seen.items() if name != "order" and domain not in own(name)]
            yield Sample("hogged", max(others), {"domain": domain})


SHORT = {SIGKILL: "1 killed", DOWN: "down", HOG: "hogged"}


def own(feature: str) -> set[str]:
    """The domains that a feature cannot do without in any design."""
    return NEEDS if feature == "order" else {FEATURES[feature][0]}


def began(home: Any, trouble: str) -> None:
    if trouble == HOG:
        home.hog()
    elif trouble == SIGKILL and home.workers > 1:
        home.kill_worker(0)
    else:
        home.kill()


def ended(home: Any, trouble: str) -> None:
    if trouble == HOG:
        home.unhog()
    elif not (trouble == SIGKILL and home.workers > 1):
        home.start()
    home.ready()


NUMBERS = iter(range(300_000, 400_000))


def all_probed(lab: Lab, design: Any, attempts: int) -> dict[str, tuple[bool, float]]:
    """Every feature, each asked by a customer of its own at the same time."""

    def asks(feature: str) -> tuple[bool, float]:
        return probed(lab, design, feature, attempts)

    with ThreadPoolExecutor(len(FEATURES)) as customers:
        return dict(zip(FEATURES, customers.map(asks, FEATURES), strict=True))


def probed(lab: Lab, design: Any, feature: str, attempts: int) -> tuple[bool, float]:
    """Whether most of a few attempts are answered in time, and the seconds of the median one."""
    client = client_of(lab, design, feature)
    answered, seconds = 0, []
    for number in range(1, attempts + 1):
        in_time, took = asked(client, feature)
        answered += in_time
        seconds.append(took)
        if 2 * answered > attempts or 2 * (number - answered) > attempts:
            break
    client.close()
    return 2 * answered > attempts, median(seconds)


def client_of(lab: Lab, design: Any, feature: str) -> Client:
    return lab.client(design.homes[FEATURES[feature][0]], IN_TIME + MOST_CALLS * lab.knobs.rtt / 1000)


def asked(client: Client, feature: str) -> tuple[bool, float]:
    """Whether a request for a feature is answered in time, and its seconds."""
    _, method, path = FEATURES[feature]
    content = {"order": next(NUMBERS), "customer": 1, "items": [[1, 1]]} if method == "POST" else None
    began = time.perf_counter()
    try:
        good = client.request(method, path, content).ok
    except OSError:
        good = False
    took = time.perf_counter() - began
    return good and took < client.timeout, took


def steady(lab: Lab, design: Any, when: str) -> None:
    """Waits until every feature works, so that a later failure is caused by the trouble. Raises TimeoutError."""
    deadline = time.monotonic() + PATIENCE
    while broken := [feature for feature, (good, _) in all_probed(lab, design, 1).items() if not good]:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{when}, {', '.join(broken)} did not work for {PATIENCE:g} s")
        time.sleep(LOOK)


# Crashes between the steps of an order


def crashed(lab: Lab, design: Any) -> Iterator[Sample]:
    """Whoever serves orders dies at each crash point; once more with stock or payment down while it recovers."""
    # Undoing first, while nothing is left of earlier crashes: whoever sweeps that up would die of it before it serves.
    points = sorted(crash_points(sources(lab.design)), key=lambda point: point != UNDOING)
    sent = {}
    for number, point in enumerate(points):
        sent[point] = dies(lab, design, point, 400_000 + 1000 * number)
    if UNDOING in points:
        for number, domain in enumerate(sorted({"stock", "payment"})):
            if design.homes[domain] is not design.homes["orders"]:
                point = f"{AFTER_PAYMENT}, {domain} down"
                sent[point] = dies(lab, design, AFTER_PAYMENT, 411_000 + 1000 * number, domain)
    # What a crash has left behind is finished or undone after a while, and that can be waited for once.
    finished(lab, type(design), [number for numbers in sent.values() for number in numbers])
    for point, numbers in sent.items():
        yield from ledger(lab, type(design), point, numbers)
    yield from books(lab, type(design))


UNDOING, AFTER_PAYMENT = "between refund and release", "between payment and order"


def dies(lab: Lab, design: Any, point: str, first: int, down: str | None = None) -> list[int]:
    """The service of orders dies at a point; while it recovers, another domain may be down. The orders that were sent.

    Who undoes an order dies when one is undone: it is one that is refused.
    """
    home = design.homes["orders"]
    home.kill()
    home.start(crash_at=point)
    home.ready()
    sent = send_until(lab, design, point, first, [[1, 2 * IN_STOCK]] if point == UNDOING else None)
    if down:
        design.homes[down].kill()
        lab.struck(f"{down} down")
    back(home)
    if down:
        wait_for_attempt(lab, design, sent)
        design.homes[down].start()
        design.homes[down].ready()
    return sent


def back(home: Any) -> None:
    """Starts it again, unless it has a supervisor that does."""
    if home.workers == 1:
        home.exited()
        home.start()
    home.ready()


def send_until(lab: Lab, design: Any, point: str, first: int, wanted: list[list[int]] | None = None) -> list[int]:
    """Sends orders until one has struck the point: with two workers the others may go to the one that is up sooner."""
    deadline = time.monotonic() + PATIENCE
    struck = lab.faults_struck().count(point)
    sent: list[int] = []
    for number in range(first, first + 1000):
        sent.append(number)
        try:
            content = {"order": number, "customer": 1 + number % CUSTOMERS, "items": wanted or [[1, 1], [2, 1]]}
            client = lab.client(design.homes["orders"], 2 * (IN_TIME + MOST_CALLS * lab.knobs.rtt / 1000))
            client.post("/orders", content)
            client.close()
        except OSError:
            pass
        if lab.faults_struck().count(point) > struck:
            return sent
        if time.monotonic() > deadline:
            break
    raise TimeoutError(f"no order came to the crash point {point!r}")


def wait_for_attempt(lab: Lab, design: Any, sent: list[int]) -> None:
    """Until somebody has begun to undo the order, and could not."""
    store = lab.database(type(design).stores["orders"])
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if orders.status(store, sent[-1])["state"] != "pending":
            return
        time.sleep(LOOK)


def finished(lab: Lab, shop: Any, sent: list[int]) -> None:
    """Waits until all of these orders are finished or undone, or the patience is over."""
    store, deadline = lab.database(shop.stores["orders"]), time.monotonic() + PATIENCE
    while pending(store, sent) and time.monotonic() < deadline:
        time.sleep(LOOK)


def ledger(lab: Lab, shop: Any, point: str, sent: list[int]) -> Iterator[Sample]:
    """What the stores say of these orders."""
    stores = {domain: lab.database(store) for domain, store in shop.stores.items()}
    at = {"crash_point": point}
    left = pending(stores["orders"], sent)
    paid = among(stores["orders"], "SELECT order_id FROM orders WHERE state = 'paid'", sent)
    charged = among(stores["payment"], "SELECT order_id FROM charges WHERE state = 'charged'", sent)
    reserved = among(stores["stock"], "SELECT DISTINCT order_id FROM reservations", sent)
    unserved = tuple(f"order {n}: charged, and no order with stock" for n in sorted(charged - (paid & reserved)))
    held = tuple(f"order {n}: stock is held, and it is not paid" for n in sorted(reserved - charged))
    unpaid = tuple(f"order {n}: confirmed, and not charged" for n in sorted(paid - charged))
    yield Sample("unserved", len(unserved), at, unserved)
    yield Sample("held", len(held), at, held)
    yield Sample("unpaid", len(unpaid), at, unpaid)
    yield Sample("unfinished", len(left), at, tuple(f"order {n}: neither finished nor undone" for n in left))


def books(lab: Lab, shop: Any) -> Iterator[Sample]:
    """Money and goods of the whole shop, after all the crashes."""
    payment, stock = lab.database(shop.stores["payment"]), lab.database(shop.stores["stock"])
    off = abs(missing_cents(payment)) + abs(missing_pieces(stock))
    yield Sample("imbalance", off, {"crash_point": "after all of them"})


def among(store: Any, select: str, sent: list[int]) -> set[int]:
    return {order for (order,) in store.execute(select)} & set(sent)


def pending(store: Any, sent: list[int]) -> list[int]:
    return sorted(among(store, "SELECT order_id FROM orders WHERE state IN ('pending', 'cancelling')", sent))


def missing_cents(store: Any) -> int:
    """What is on the accounts and what was charged, against what there was."""
    left = store.execute("SELECT sum(cents) FROM accounts").fetchone()[0]
    taken = store.execute("SELECT coalesce(sum(cents), 0) FROM charges WHERE state = 'charged'").fetchone()[0]
    return int(CUSTOMERS * BALANCE - left - taken)


def missing_pieces(store: Any) -> int:
    left = store.execute("SELECT sum(quantity) FROM stock").fetchone()[0]
    taken = store.execute("SELECT coalesce(sum(quantity), 0) FROM reservations").fetchone()[0]
    return int(PRODUCTS * IN_STOCK - left - taken)


# Prices that change, and memory


def prices(lab: Lab, design: Any) -> Iterator[Sample]:
    """A price changes, and orders follow: how many of them are placed at the old price?

    Where prices are copied, whoever copies them is stopped for one order, as if it had something else to do.
    """
    stale = []
    for number in range(CHANGES):
        cents, copier = 5000 + number, getattr(design, "copier", None)
        if copier:
            copier.pause()
        design.ask("pricing", "POST", "/prices", {"product": 7, "cents": cents})
        for again in range(200):
            if copier and again == 1:
                copier.resume()
            order = {"order": 500_000 + 1000 * number + again, "customer": 1, "items": [[7, 1]]}
            at = design.ask("orders", "POST", "/orders", order).json()["cents"]
            if at == cents:
                break
            stale.append(f"order {order['order']}: at {at} cents after the price became {cents}")
    yield Sample("stale", len(stale), {"crash_point": f"{CHANGES} prices changed"}, tuple(stale))


CHANGES = 3


def memory(lab: Lab, design: Any) -> Iterator[Sample]:
    """Resident memory of all processes of the running design; what forked processes share is counted in each."""
    yield Sample("memory", sum(part.memory() for part in lab.processes))
