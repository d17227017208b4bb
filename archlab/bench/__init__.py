"""The bench: plans and executes runs. Nothing here prints."""
