"""A statement of SQLAlchemy's as SQLite takes it: compiled once, its values and rows turned as its types say."""

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, TypeAlias

from sqlalchemy import CompoundSelect, Delete, Insert, Select, Update
from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect
from sqlalchemy.sql.selectable import TextualSelect

Statement: TypeAlias = Select[Any] | CompoundSelect[Any] | TextualSelect | Insert | Update | Delete
Turn: TypeAlias = Callable[[Any], Any]

DIALECT = sqlite_dialect(paramstyle="named")


class Rows(list[Any]):
    """All rows of an answer, by those methods of SQLAlchemy's result that the shop uses."""

    def all(self) -> "Rows":
        return self

    def first(self) -> Any:
        return self[0] if self else None

    def scalar(self) -> Any:
        return self[0][0] if self else None

    def scalars(self) -> "Rows":
        return Rows(row[0] for row in self)


class Prepared:
    """`sql` with named values. Defaults that columns have in Python are not filled in: every value is given."""

    def __init__(self, statement: Statement) -> None:
        compiled = statement.compile(dialect=DIALECT)
        # Constants in an IN become parameters of their own.
        expanded = compiled.construct_expanded_state(compiled.params)
        self.sql, self._fixed = expanded.statement, dict(expanded.parameters)
        processors = {
            name: bind.type.dialect_impl(DIALECT).bind_processor(DIALECT)
            for name, bind in compiled.binds.items()
            if name in self._fixed
        }
        self._bind = _turns({**processors, **expanded.processors}.items())
        columns = list(statement.exported_columns)
        self._turn = _turns(
            (place, column.type.dialect_impl(DIALECT).result_processor(DIALECT, None))
            for place, column in enumerate(columns)
        )
        self._row = _row_class([str(column.key) for column in columns])

    def values(self, given: Mapping[str, Any] | None) -> dict[str, Any]:
        """`given` beside the statement's own values, as SQLite takes them."""
        values = {**self._fixed, **given} if given else self._fixed
        if self._bind:
            values = {**values, **{name: turn(values[name]) for name, turn in self._bind}}
        return values

    def rows(self, found: Iterable[Any]) -> Rows:
        """What SQLite found as rows with names."""
        if self._turn:
            found = map(self._turned, found)
        return Rows(map(self._row._make, found))

    def _turned(self, values: Any) -> list[Any]:
        row = list(values)
        for place, turn in self._turn:
            row[place] = turn(row[place])
        return row


# Statements are made once, by name: as many as the shop's sources have.
@lru_cache(maxsize=500)
def prepared(statement: Statement) -> Prepared:
    """The statement, compiled at its first use."""
    return Prepared(statement)


def _turns(every: Iterable[tuple[Any, Turn | None]]) -> list[tuple[Any, Turn]]:
    return [(name, turn) for name, turn in every if turn is not None]


def _row_class(names: list[str]) -> Any:
    return namedtuple("Row", names, rename=True)
