"""The route table as somebody outside knows it, and the concerns that are to hold at all of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Endpoint:
    """One line of the route table, as somebody outside knows it: how to call it, and whether anybody may."""

    name: str
    method: str
    path: str
    public: bool = False
    example: str = ""
    """A path that answers 2xx to a user."""
    content: Any = None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


ENDPOINTS = (
    Endpoint("read_order", "GET", "/orders/{order}", example="/orders/700001"),
    Endpoint("place_order", "POST", "/orders", example="/orders", content={"product": 1, "quantity": 2}),
    Endpoint("send_receipt", "POST", "/orders/{order}/receipt", example="/orders/700003/receipt"),
    Endpoint("list_products", "GET", "/products", public=True, example="/products"),
    Endpoint("set_price", "PUT", "/products/{product}/price", example="/products/2/price", content={"price": 990}),
    Endpoint("log_in", "POST", "/login", public=True, example="/login", content={"name": "ann", "password": "ann's"}),
)
NEW = Endpoint("withdraw_product", "DELETE", "/products/{product}", example="/products/3")
"""What somebody adds who knows nothing of the concerns: see changes/new-endpoint."""
UNKNOWN = Endpoint("", "GET", "/no/such/path", example="/no/such/path")

CONCERNS = ("authentication", "errors", "request id", "log line", "rate limit", "CORS")
"""In the order in which a growing API meets them."""

FAILED = "every table gone"
"""The fault by which every endpoint is made to fail, without a line of code for it."""
BAD_ROW = "a row that cannot be read"
"""The fault of the failing request that is hunted for."""
STOPPED = 0.5
"""A hole that the design's own test finds before anybody else does."""
