"""archlab runs an architecture pattern beside the designs it competes with, and judges them by what it measured."""

__version__ = "0.1.0"
