"""The errors of the store: each is one sentence for a person, and none of them loses what was recorded."""

from __future__ import annotations


class StoreError(Exception):
    """The record cannot be used; the message is one sentence. archlab goes on without it."""


class CannotWrite(StoreError):
    """The folder cannot be written, the disk is full, or another archlab keeps the database busy."""


class NewerDatabase(StoreError):
    """A newer archlab wrote the database: this one leaves it as it is."""


class Damaged(StoreError):
    """The file is no database any more. The store handles it: the file is set aside, and said."""
