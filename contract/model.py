"""What the declarations of this folder are: quantities, alarm bits, the rows of every topic, and alert types, all frozen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from contract.identifiers import LONGEST_BYTES

SCHEMA_VERSION = 1
"""The value of the first column of every row; it changes if rows change in a way that readers must know about."""
TYPES = {
    "id": f"the name of a device, a site or a row: 1 to {LONGEST_BYTES} bytes in UTF-8 without control characters",
    "name": "any other name, with the same bounds",
    "time": "ISO-8601 in UTC with milliseconds, as text; in Postgres `timestamptz`",
    "word": "one of the listed words, in capital letters",
    "number": "a floating-point number",
    "score": "a number from 0 to 1",
    "whole": "a whole number",
    "flag": "true or false",
    "words": "a list of texts",
    "json": "JSON with a shape of its own; in Postgres `jsonb`",
    "text": "any text",
    "bytes": "any bytes, as text in base64",
    "version": "the version of the row's schema, a whole number",
}  # fmt: skip
"""Type of a column → its meaning.

The store refuses a row with an unusable `id`, but stores null for an unusable `name`. Views of Flink carry a `time` as TIMESTAMP,
and `words` as one text separated by commas.
"""
STATISTICS = {"avg": "mean", "max": "highest", "min": "lowest"}
"""Statistics of a minute: prefix of the column → name."""


class ContractError(ValueError):
    """A declaration that cannot be used; the message names the file, the rule and the declared value."""


class Text(NamedTuple):
    """A text in Korean and English."""

    ko: str
    en: str


@dataclass(frozen=True)
class AlarmBit:
    """A bit of a device's status; with `and_above`, any higher bit has the same meaning."""

    name: str
    bit: int
    text: Text
    and_above: bool = False


@dataclass(frozen=True)
class Column:
    """A column of a result, whose type determines how it is declared, checked, written and read.

    `required` columns are never null in the database; `is_nullable` columns may be null on the topic. `least`, `most` and `above`
    (exclusive) bound a number, `values` lists its only values, `longest` is the length to which a text is cut, and `shape` is the
    JSON Schema of a json column. `default` is the SQL expression for a column that a view does not have. A time with `as_text` is
    already text in the view. A column of a reading with `in_views` is read by views of the detect job.
    """

    name: str
    type: str
    means: str = ""
    unit: str = ""
    is_nullable: bool = False
    required: bool = False
    least: float | None = None
    most: float | None = None
    above: float | None = None
    values: tuple[float, ...] = ()
    words: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    is_unique: bool = False
    pattern: str = ""
    longest: int | None = None
    shape: Mapping[str, Any] | None = None
    default: str = ""
    as_text: bool = False
    in_views: bool = False


@dataclass(frozen=True)
class Measurement:
    """A quantity; a measured one has `spellings`, the fields of a message that can hold it, in the order of precedence."""

    name: str
    spellings: tuple[str, ...] = ()
    type: str = "number"
    unit: str = ""
    means: str = ""
    range: tuple[float, float] | None = None
    possible: tuple[float, float] | None = None
    errors: tuple[float, ...] = ()
    resembles: tuple[str, ...] = ()
    least: float | None = None
    digits: int | None = None
    simulated_digits: int | None = None
    label: Text | None = None
    minute: tuple[str, ...] = ()
    cloudwatch: str = ""
    chart: str = ""
    evidence: bool = True
    alerted: bool = False
    in_views: bool = False

    def column(self) -> Column:
        """Returns the column that holds the quantity, which is null if it was not measured."""
        return Column(self.name, self.type, self.means, self.unit, is_nullable=True, least=self.least,
                      in_views=self.in_views or bool(self.minute))

    def minute_columns(self) -> Iterator[Column]:
        """Yields the columns of the quantity's statistics of a minute."""
        for statistic in self.minute:
            yield Column(f"{statistic}_{self.name}", "number", "", self.unit, is_nullable=True)


@dataclass(frozen=True)
class Table:
    """A table of Postgres that the store fills from a result, in batches of at most `rows_at_a_time`.

    A table with other columns than the result is filled from the view `view` in the store's SQL.
    """

    name: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    rows_at_a_time: int = 500
    view: str = ""

    @property
    def ordered(self) -> tuple[Column, ...]:
        """The columns, those of the key first."""
        return key_first(self.columns, self.key)


@dataclass(frozen=True)
class Result:
    """The rows of one topic; `key` identifies a row, and results with the same `store_with` share one source in the store."""

    name: str
    title: str
    grain: str
    topic: str
    partition_by: str
    partitions: int
    topic_days: int
    columns: tuple[Column, ...]
    written_by: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    kept_days: int | None = None
    store_with: str = ""
    is_transactional: bool = False
    conditions: tuple[Mapping[str, Any], ...] = ()
    examples: tuple[Mapping[str, Any], ...] = ()
    tables: tuple[Table, ...] = ()

    def column(self, name: str) -> Column:
        """Returns the column with a name.

        Raises:
            ContractError: the result has no such column.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise ContractError(f"{self.name} has no column {name!r}; it has {', '.join(each.name for each in self.columns)}")

    def is_required(self, column: Column) -> bool:
        """Checks whether a row needs the column to be stored."""
        return column.required or column.name in self.key or column.name == "schema_version"


@dataclass(frozen=True)
class AlertType:
    """An alert type: the levels and causes of its candidates, what makes its hazard, and its texts.

    `measurements` and `alarms` make the hazard of a reading's type; `hazard` is the type of readings to which a window belongs.
    """

    name: str
    levels: tuple[str, ...]
    causes: tuple[str, ...]
    raised_by: str
    title: Text
    advice: tuple[Text, ...]
    measurements: tuple[str, ...] = ()
    alarms: tuple[str, ...] = ()
    hazard: str = ""


@dataclass(frozen=True)
class Contract:
    """All declarations."""

    measurements: tuple[Measurement, ...]
    """Every quantity, measured or derived."""
    telemetry: Result
    results: tuple[Result, ...]
    """The results in the order of their names, in which jobs declare them."""
    alert_types: tuple[AlertType, ...]
    advice: Mapping[str, Text]
    levels: tuple[str, ...]
    alert_levels: tuple[str, ...]
    level_names: Mapping[str, Text]
    alarm_bits: tuple[AlarmBit, ...]
    """The alarms, in the order of their bits from 0."""
    communication_error: AlarmBit

    @property
    def measured(self) -> tuple[Measurement, ...]:
        """The quantities that devices measure."""
        return tuple(each for each in self.measurements if each.spellings)

    @property
    def charted(self) -> tuple[Measurement, ...]:
        """The quantities that the page of a device draws."""
        return tuple(each for each in self.measurements if each.chart)

    @property
    def shown_with_alerts(self) -> tuple[Measurement, ...]:
        """The quantities whose measurements people see with an alert."""
        return tuple(each for each in self.measurements if each.alerted and each.digits is not None)

    def result(self, name: str) -> Result:
        """Returns the result with a name.

        Raises:
            ContractError: no such result is declared.
        """
        for result in self.results:
            if result.name == name:
                return result
        raise ContractError(f"there is no result {name!r}; contract/results declares {', '.join(r.name for r in self.results)}")

    def written_by(self, job: str) -> tuple[Result, ...]:
        """Returns the results that a job writes."""
        return tuple(result for result in self.results if job in result.written_by)

    def stored(self) -> dict[str, tuple[Result, ...]]:
        """Returns the sources of the store: name → the results that it reads from the source."""
        groups: dict[str, tuple[Result, ...]] = {}
        for result in self.results:
            if result.key:
                name = result.store_with or result.name
                groups[name] = (*groups.get(name, ()), result)
        return groups


def key_first(columns: tuple[Column, ...], key: tuple[str, ...]) -> tuple[Column, ...]:
    """Returns the columns with those of the key first, in the key's order."""
    by_name = {column.name: column for column in columns}
    return (*(by_name[name] for name in key), *(column for column in columns if column.name not in key))
