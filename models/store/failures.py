"""What is told of a failure: its class and where it happened. Words are told of our own exceptions
alone: a driver puts the values of a row into its text, and a terminal or a log keeps them.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import TracebackType
from typing import Any, TypeVar

App = TypeVar("App")
Lifespan = Callable[[App], AbstractAsyncContextManager[None]]

OURS = ("authz", "models", "resolvers", "schema", "server")
MOST_CAUSES = 10
_VALUES_OF_ASYNCIO = re.compile(r"(\n| callback ).*", re.DOTALL)
_log = logging.getLogger("atena")


class StartFailed(Exception):
    """The application could not start or end. The message holds no word of a driver."""


def words_of(error: BaseException) -> str:
    """The words of our own exception; of any other one its class."""
    if type(error).__module__.partition(".")[0] in OURS:
        return str(error)
    return type(error).__name__


def trace_of(error: BaseException) -> str:
    """Where a failure happened, and the classes of it and of its causes."""
    return "".join(
        f"{''.join(traceback.format_tb(one.__traceback__))}{type(one).__name__}\n"
        for one in _chain(error)
    ).rstrip()


def _chain(error: BaseException) -> Iterator[BaseException]:
    one: BaseException | None = error
    for _ in range(MOST_CAUSES):
        if one is None:
            return
        yield one
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)


def tell_no_values() -> None:
    """From now on no exception's own text reaches a log or the terminal of this process, whoever
    logs it: asyncio, the server, a pool of connections, or Python itself. Hooks that somebody else
    has set stay."""
    made = logging.getLogRecordFactory()
    if not isinstance(made, _Records):
        logging.setLogRecordFactory(_Records(made))
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _hook
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = lambda given: _tell(given.exc_value)
    if sys.unraisablehook is sys.__unraisablehook__:
        sys.unraisablehook = lambda given: _tell(given.exc_value)


def lifespan_without_values(lifespan: Lifespan[App]) -> Lifespan[App]:
    """The server prints the traceback of what fails in a lifespan: it gets one without values."""

    @asynccontextmanager
    async def told(app: App) -> AsyncIterator[None]:
        try:
            async with lifespan(app):
                yield
        except Exception as error:
            _tell(error)
            raise StartFailed(words_of(error)) from None

    return told


class _Records:
    """Makes log records in which an exception is its class and its place."""

    def __init__(self, make: Callable[..., logging.LogRecord]) -> None:
        self._make = make

    def __call__(self, *given: Any, **named: Any) -> logging.LogRecord:
        record = self._make(*given, **named)
        if record.exc_info and record.exc_info[1] is not None:
            record.exc_text = trace_of(record.exc_info[1])
        record.exc_info = None
        if record.name == "asyncio" and isinstance(record.msg, str):
            record.msg = _VALUES_OF_ASYNCIO.sub("", record.msg)
        record.msg = _told(record.msg)
        if isinstance(record.args, tuple):
            record.args = tuple(map(_told, record.args))
        elif record.args is not None:
            record.args = {name: _told(one) for name, one in record.args.items()}
        return record


def _told(one: Any) -> Any:
    return words_of(one) if isinstance(one, BaseException) else one


def _hook(kind: type[BaseException], error: BaseException, frames: TracebackType | None) -> None:
    _tell(error)


def _tell(error: BaseException | None) -> None:
    if error is not None:
        _log.error("failed with %s\n%s", words_of(error), trace_of(error))
