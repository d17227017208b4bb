"""The endpoints of an API whose concerns live elsewhere: each holds what it is for, and nothing else."""

from __future__ import annotations

import asyncio

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .world import OrderId, ProductId, Shop


def routes(shop: Shop) -> list[Route]:
    def order(request: Request) -> OrderId:
        return OrderId(int(request.path_params["order"]))

    def product(request: Request) -> ProductId:
        return ProductId(int(request.path_params["product"]))

    async def read_order(request: Request) -> Response:
        return JSONResponse(shop.read_order(order(request)))

    async def place_order(request: Request) -> Response:
        return JSONResponse(shop.place_order(**await request.json()), 201)

    async def send_receipt(request: Request) -> Response:
        receipt = await asyncio.to_thread(shop.render_receipt, order(request))
        mail = BackgroundTask(shop.mail_receipt, order(request), receipt)
        return JSONResponse({"status": "on its way"}, 202, background=mail)

    async def list_products(request: Request) -> Response:
        return JSONResponse(shop.list_products())

    async def set_price(request: Request) -> Response:
        return JSONResponse(shop.set_price(product(request), **await request.json()))

    async def log_in(request: Request) -> Response:
        return JSONResponse(shop.log_in(**await request.json()))

    return [
        Route("/orders/{order}", read_order),
        Route("/orders", place_order, methods=["POST"]),
        Route("/orders/{order}/receipt", send_receipt, methods=["POST"]),
        Route("/products", list_products),
        Route("/products/{product}/price", set_price, methods=["PUT"]),
        Route("/login", log_in, methods=["POST"]),
    ]
