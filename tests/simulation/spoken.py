"""What the services log: nothing, or lines of the trace."""

import gc
import logging

import structlog


def quiet() -> None:
    """Also spares the collector, which runs before each seed, everything that stays."""
    gc.freeze()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def aloud() -> None:
    def line(_logger: object, _method: str, event: dict[str, object]) -> str:
        event.pop("exc_info", None)
        event.pop("ms", None)
        name = event.pop("event")
        return f"{'':9} {'log':10} {name} {' '.join(f'{key}={value}' for key, value in event.items())}"

    structlog.configure(processors=[line], cache_logger_on_first_use=False)
