"""What RQ calls by dotted name."""

from bridge import bootstrap


def drain(connection: str, worker: str) -> None:
    """Work off what is due in ``connection``; ``worker`` is the one whose bell rang."""
    bootstrap.current().answer_bell(worker, connection)
