"""Topic 19, CQRS: do reads and writes need different models?"""

from __future__ import annotations

from archlab.scenario import Calibrated, Experiment, Knob, Load, Metric, Requirement, Scenario, Word, Workload

from . import crud, experiments, projection, queries, summary, workload
from .claims import CLAIMS

KNOBS = (
    Knob(
        name="page_rows",
        default=1,
        low=1,
        high=100_000,
        unit="orders",
        says="orders that one dashboard adds up",
        read_from="SELECT count(*) FROM orders GROUP BY seller ORDER BY 1 DESC: the seller 5 in 100 from the top",
    ),
    Knob(
        name="rate",
        default=1000,
        low=20,
        high=5000,
        unit="requests a second",
        says="pages, lookups, orders and cancellations together",
        read_from="the access log: requests in the busiest minute of a week ÷ 60, ÷ the number of workers",
    ),
    Knob(
        name="read_share",
        default=0.5,
        low=0.05,
        high=0.99,
        unit="share",
        says="share of the requests that only read",
        read_from="the access log: GETs ÷ all requests; or pg_stat_statements: calls of SELECT ÷ all calls",
    ),
    Knob(
        name="views",
        default=1,
        low=1,
        high=12,
        unit="shapes",
        says="read shapes that a dashboard shows and a store of totals keeps",
        read_from="count the panels of the screen; each GROUP BY of its own is a shape",
    ),
    Knob(
        name="store_distance",
        default=0.0,
        low=0.0,
        high=100.0,
        unit="ms",
        says="round trip between the orders and the store that pages are served from",
        read_from="time psql -h READ_STORE -c 'SELECT 1', or ping, from where orders are written",
        assumed=True,
    ),
    Knob(
        name="projector_delay",
        default=0.0,
        low=0.0,
        high=2000.0,
        unit="ms",
        says="what a broker or a poll interval adds before the projector starts",
        read_from="now() − created_at of the oldest outbox row that is not yet projected, at a quiet hour",
        assumed=True,
    ),
)

METRICS = (
    Metric("page_p95", "page, 95 %", "s", noticeable=0.010, operation="page"),
    Metric("order_p95", "order, 95 %", "s", noticeable=0.010, operation="place_order"),
    Metric("seen", "own order seen", "s", noticeable=0.1),
    Metric("wrong_totals", "totals shown that are not true, after catching up", "totals", noticeable=0.5, counted=True),
    Metric("page_time", "page, work alone", "s", noticeable=0.001, operation="page", quantile=0.5, of="service"),
    Metric(
        "order_time",
        "order, work alone",
        "s",
        noticeable=0.001,
        operation="place_order",
        quantile=0.5,
        of="service",
    ),
    Metric("busy", "worker's time demanded", "share", noticeable=0.05, of="utilisation"),
    Metric("own_order_missing", "pages that do not show one's own order", "share", noticeable=0.01),
    Metric("stale_for", "until one's own order is on the page", "s", noticeable=0.1),
    Metric("divergent", "totals shown that are not true", "totals", noticeable=0.5),
    Metric("refused", "deliveries out of order that were refused", "share", noticeable=0.01),
    Metric("accepted", "commands that were accepted against a rule", "share", noticeable=0.01),
    Metric("parked", "events that were set aside", "events", noticeable=0.5),
)

REQUIREMENTS = (
    Requirement(
        "page-in-time",
        "page_p95",
        at_most=0.100,
        unit="s",
        says="page, 95 %",
        why="above a tenth of a second a page no longer feels instant",
    ),
    Requirement(
        "order-in-time",
        "order_p95",
        at_most=0.050,
        unit="s",
        says="order, 95 %",
        why="placing an order is one step of a checkout that has several",
    ),
    Requirement(
        "own-order-seen",
        "seen",
        at_most=1.0,
        unit="s",
        says="own order seen",
        why="a seller who does not see a new order within a second reloads, or calls",
    ),
    Requirement(
        "totals-right",
        "wrong_totals",
        at_most=0,
        unit="totals",
        says="wrong totals",
        why="people are paid by these figures",
    ),
)

WORKLOADS = (
    Workload(
        "calm",
        "orders on a page: {page_rows:,.0f}; half of the requests write",
        {"page_rows": 1, "views": 1, "store_distance": 0.0},
        closed=True,
    ),
    Workload(
        "pressure",
        "requests a second: {rate:,.0f}; nearly half of them are pages of {page_rows:,.0f} orders each",
        {
            "page_rows": 1000,
            "rate": Calibrated(2200),
            "read_share": 0.5,
            "views": 1,
            "store_distance": 0.0,
        },
    ),
    Workload(
        "far_views",
        "requests a second: {rate:,.0f}; pages of {views:.0f} shapes of {page_rows:,.0f} orders, in a search store "
        "{store_distance:g} ms away",
        {
            "page_rows": 2000,
            "rate": Calibrated(1600),
            "read_share": 0.45,
            "views": 12,
            "store_distance": 5.0,
        },
    ),
)

FAULTS = ("calm",), ("projection",), 3
"""Where faults are tried, on which design, in how many rounds."""

EXPERIMENTS = (
    Experiment("rules", experiments.rules, workloads=("calm",), rounds=1),
    Experiment("staleness", experiments.staleness, workloads=("calm",), rounds=3),
    Experiment(
        "projector_killed", experiments.projector_killed, *FAULTS, dict.fromkeys(experiments.CRASHES, 1), quick=False
    ),
    Experiment("events_replayed", experiments.events_replayed, *FAULTS, {experiments.REPLAY: 1}, quick=False),
    Experiment("events_reordered", experiments.events_reordered, *FAULTS, {experiments.REORDER: 1}, quick=False),
    Experiment("poison", experiments.poison, *FAULTS, {experiments.POISON: 1}, quick=False),
    Experiment("rebuild", experiments.rebuild, *FAULTS, {experiments.DAMAGE: 1}, quick=False),
)

WORDS = (
    Word(
        "outbox",
        "A table to which a command writes its event in the same transaction as its data, to be passed on "
        "afterwards: both happen or neither.",
        see=("projection",),
    ),
    Word(
        "projection",
        "Rows made for reading, kept up to date from events by somebody else than the command. They are fast to "
        "read and a little old.",
        also=("projector", "read model"),
        see=("staleness", "outbox"),
    ),
    Word(
        "staleness",
        "How long after a change a reader can still see the state before it.",
        also=("stale",),
        see=("read-your-own-writes", "projection", "at once"),
    ),
    Word(
        "read-your-own-writes",
        "The promise that whoever changed something sees the change at once. A projection breaks it unless "
        "something is done about it.",
        also=("read your own writes",),
        see=("staleness",),
    ),
)

SCENARIO = Scenario(
    name="cqrs",
    topic="19 · CQRS",
    question="Do reads and writes need different models?",
    seconds=15,
    problem="""\
A marketplace takes orders, and its sellers watch a dashboard of totals.
Orders obey rules (stock, credit, price), so there are entities for them.
The dashboard adds up orders: one in calm, a thousand a page under pressure.
A page may take 100 ms, an order 50 ms; a new order shows within a second.
Entities, a query, totals kept by the order, a read store: what is enough?""",
    say_it="Split the query from the model first. Buy a second store when a bound is missed, and say what lags.",
    knobs=KNOBS,
    metrics=METRICS,
    requirements=REQUIREMENTS,
    workloads=WORKLOADS,
    designs=(crud.DESIGN, queries.DESIGN, summary.DESIGN, projection.DESIGN),
    load=Load(workload.requests, workload.afterwards),
    answers=workload.answers,
    data=workload.seed,
    experiments=EXPERIMENTS,
    claims=CLAIMS,
    shown=("page", "place_order"),
    shown_workload="pressure",
    change_request="Show the discount: the total that was taken off, on the dashboard beside the revenue.",
    try_next=(
        (
            "archlab run cqrs --workload pressure --set page_rows=20000",
            "when does the query fail, and what is enough then?",
        ),
        (
            "archlab run cqrs --workload far_views --set store_distance=0",
            "is it the distance that asks for a projection, or the twelve shapes?",
        ),
        ("archlab run cqrs --workload pressure --set projector_delay=2000", "when is a read store too far behind?"),
        (
            "archlab new mine --from cqrs",
            "crud's page() loads whole orders: can you make it fast enough?",
        ),
    ),
    words=WORDS,
)
