"""A recorded span beside a bare call and beside one of the OpenTelemetry SDK: python tests/benchmarks/tracing_cost.py

Needs the extra ``bench``: pip install -e '.[bench]'
"""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Callable

from figures import Report, interleaved, ratio, seconds, value

from archlab.tracing import Recorder

COUNT = 5_000


def nothing() -> None:
    pass


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=20)
    asked = arguments.parse_args()
    try:
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    except ImportError:
        sys.exit("this benchmark compares with the OpenTelemetry SDK: pip install -e '.[bench]'")

    recorder = Recorder("benchmark")
    wrapped = recorder.wrap("nothing", nothing)
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("benchmark")

    def of_the_sdk() -> None:
        with tracer.start_as_current_span("nothing"):
            nothing()

    def timed(call: Callable[[], None]) -> Callable[[], float]:
        def many() -> None:
            for _ in range(COUNT):
                call()

        def once() -> float:
            recorder.records.clear()
            exporter.clear()
            gc.collect()
            gc.disable()
            try:
                return seconds(many) / COUNT
            finally:
                gc.enable()

        return once

    bare, ours, sdk = interleaved([timed(nothing), timed(wrapped), timed(of_the_sdk)], asked.rounds)
    report = Report()
    report.show("a bare call", value(bare), "µs")
    report.show("a recorded span", value(ours), "µs")
    report.show("a span of the OpenTelemetry SDK, exported to memory", value(sdk), "µs")
    report.show("a recorded span ÷ a bare call", ratio(ours, bare), "×", at_most=25)
    report.show("the SDK's span ÷ a recorded span", ratio(sdk, ours), "×", at_least=15)
    report.exit()


if __name__ == "__main__":
    main()
