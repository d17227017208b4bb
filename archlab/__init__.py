"""archlab runs an architecture pattern beside the designs it competes with, and judges them by what it measured."""
