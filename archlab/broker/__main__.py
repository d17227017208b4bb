"""`python -m archlab.broker`: the broker in the foreground."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from archlab.broker.errors import BrokerError
from archlab.broker.process import run_child, serve


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m archlab.broker", description="An AMQP 0-9-1 broker on loopback.")
    parser.add_argument("--port", type=int, default=0, help="the port to listen on (default: any free one)")
    parser.add_argument("--data", type=Path, help="folder for durable queues (default: a temporary one)")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--temporary", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        return run_child(arguments.port, arguments.data, arguments.temporary)
    try:
        serve(arguments.port, arguments.data)
    except BrokerError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
