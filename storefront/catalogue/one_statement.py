"""Several selects as one statement: one way to the database and back, and all of them see one state."""

import json
from collections import namedtuple
from collections.abc import Mapping
from typing import Any

from sqlalchemy import CompoundSelect, Select, Text, literal, select, union_all
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from storefront.glance import Reader


class AsArray(FunctionElement[str]):
    """Columns as the text of one JSON array."""

    type = Text()
    inherit_cache = True


@compiles(AsArray, "sqlite")
def _on_sqlite(element: AsArray, compiler: SQLCompiler, **more: Any) -> str:
    # As text also within another array.
    return f"(json_array({compiler.process(element.clauses, **more)}) || '')"


@compiles(AsArray, "postgresql")
def _on_postgresql(element: AsArray, compiler: SQLCompiler, **more: Any) -> str:
    return f"CAST(json_build_array({compiler.process(element.clauses, **more)}) AS TEXT)"


class OneStatement:
    """`parts` by name. Rows come in no order, and with JSON's types: where a database keeps a bool as a number, or JSON
    as text, they are that."""

    def __init__(self, **parts: Select[Any]) -> None:
        self._rows: dict[str, Any] = {}
        selects = []
        for name, part in parts.items():
            columns = part.subquery().c
            self._rows[name] = namedtuple(name, columns.keys())
            selects.append(select(literal(name).label("part"), AsArray(*columns).label("row")))
        self._statement: CompoundSelect[Any] = union_all(*selects)

    async def read(self, reader: Reader, values: Mapping[str, Any]) -> dict[str, list[Any]]:
        """The rows of each part by its name, with the columns' names."""
        found: dict[str, list[Any]] = {name: [] for name in self._rows}
        for part, row in (await reader.execute(self._statement, values)).all():
            found[part].append(self._rows[part]._make(json.loads(row)))
        return found
