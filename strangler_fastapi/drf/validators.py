"""Checks of one value; each raises `Invalid` with DRF's or Django's words."""

import ipaddress
import json
import re
from collections.abc import Iterator, Mapping, Sized
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from pydantic_core import SchemaValidator, core_schema
from sqlalchemy import BigInteger, Boolean, ColumnElement, Executable, Integer, SmallInteger, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.visitors import InternalTraversal
from sqlalchemy.types import TypeEngine

from shared_schema.consumer.samples import sample_of
from shared_schema.contract.values import BIGGEST
from shared_schema.mapping import primary_key
from strangler_fastapi.db.driver_errors import driver_error
from strangler_fastapi.db.query import fetch_built
from strangler_fastapi.errors import ErrorDetail

if TYPE_CHECKING:
    from strangler_fastapi.drf.fields.fields import Scope, Validator

NO_JSON = "Value must be valid JSON."
NO_DICTIONARY = "Invalid data. Expected a dictionary, but got {datatype}."
NO_LIST = 'Expected a list of items but got type "{input_type}".'
NO_EMAIL = "Enter a valid email address."

# Of PostgreSQL's declared `numeric`.
MOST_DIGITS = 1000
_LONGEST_EMAIL = 320
_LETTERS = "\u00a1-\uffff"
_ATOM = r"[-!#$%&'*+/=?^_`{}|~0-9a-z]+"
_QUOTED = r'"(?:[\x01-\x08\x0b\x0c\x0e-\x1f!#-\[\]-\x7f]|\\[\x01-\x09\x0b\x0c\x0e-\x7f])*"'
_LABEL = rf"(?!-)[a-z{_LETTERS}0-9-]{{1,63}}(?<!-)"
_TOP = rf"(?!-)(?:[a-z{_LETTERS}-]{{2,63}}|xn--[a-z0-9]{{1,59}})(?<!-)"
_LOCAL_PART = re.compile(rf"(?:{_ATOM}(?:\.{_ATOM})*|{_QUOTED})", re.IGNORECASE)
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.{_TOP}", re.IGNORECASE)
_ADDRESS_LITERAL = re.compile(r"\[([a-f0-9:.]+)\]", re.IGNORECASE)
_USERNAME = re.compile(r"[\w.@+-]+")
# It reads a text as UTF-8, which Python keeps for the next who does, only to count its characters.
_is_encodable = SchemaValidator(core_schema.str_schema(strict=True, min_length=1)).isinstance_python


class Invalid(Exception):
    """A value that is refused; `detail` is DRF's list of sentences, or a dict of such lists.

    Of one sentence `code` is DRF's name of the reason, which a project's own form of errors may show.
    """

    def __init__(self, detail: str | list[Any] | dict[str, Any], code: str = "invalid") -> None:
        super().__init__(detail)
        self.detail: Any = [ErrorDetail(detail, code)] if isinstance(detail, str) else detail


class ColumnCondition(ColumnElement[bool]):
    """A condition on one column, as SQL of the contract's; unlike `text` it says which column it reads."""

    inherit_cache = True
    _traverse_internals = [  # noqa: RUF012 - by this SQLAlchemy knows what it has compiled
        ("column", InternalTraversal.dp_clauseelement),
        ("sql", InternalTraversal.dp_string),
    ]
    type = Boolean()

    def __init__(self, column: ColumnElement[Any], sql: str) -> None:
        self.column = column
        self.sql = sql


@compiles(ColumnCondition)
def _condition_sql(element: ColumnCondition, compiler: Any, **options: Any) -> str:  # noqa: ANN401 - SQLAlchemy's
    compiler.process(element.column, **options)
    return f"({element.sql})"


class Unique:
    """No other row may hold the value in the attribute `column` (`UniqueValidator`).

    With `where`, SQL, no other one of the rows that it picks.
    """

    def __init__(self, model: type, column: str, message: str, where: str | None = None) -> None:
        self.column = column
        self.message = message
        self._model: Any = model
        self._sql = where

    async def __call__(self, value: Any, scope: "Scope") -> None:  # noqa: ANN401 - of the column's type
        """Queries the database; a value that no row can hold is unique."""
        if value is None or (isinstance(value, str) and not is_storable(value)):
            return
        if not is_in_range(getattr(self._model, self.column).type, value):
            return
        if await fetch_built(scope.session, self.others(value, scope.instance_id)):
            raise Invalid(self.message, "unique")

    def others(self, value: object, instance_id: Any = None) -> Executable:  # noqa: ANN401 - of the key's type
        """Another row than the instance's that holds the value: its key."""
        key = primary_key(self._model)
        column = getattr(self._model, self.column)
        rows = select(key).where(column == value)
        if self._sql is not None:
            rows = rows.where(ColumnCondition(column.expression, self._sql))
        return (rows if instance_id is None else rows.where(key != instance_id)).limit(1)

    def key_sample(self) -> Any:  # noqa: ANN401 - as above
        """A value of the table's key."""
        return sample_of(primary_key(self._model).type.python_type)

    def is_violated_by(self, error: Exception) -> bool:
        """Whether a failed statement ran into this rule: another request was first."""
        name = getattr(driver_error(error), "constraint_name", None)
        table = self._model.__table__
        rules, own = [*table.constraints, *table.indexes], self._model.__columns__.get(self.column, self.column)
        return any(rule.name == name and [column.name for column in rule.columns] == [own] for rule in rules)


def filled(text: str, **values: object) -> str:
    """A validator's text, which Django fills with `%(name)s` (`ValidationError.params`)."""
    return text % values


def at_most(length: int, of: str = "characters", *, message: str | None = None) -> "Validator":
    """A text of no more characters than that, or a list of no more elements; a `message` may have {max_length}."""
    text = message or f"Ensure this field has no more than {{max_length}} {of}."

    def check(value: Sized, _scope: "Scope") -> None:
        if len(value) > length:
            sentence = text.format(max_length=length)
            raise Invalid(filled(sentence, limit_value=length, show_value=len(value), value=value), "max_length")

    return check


def same_lengths(value: list[Any], _scope: "Scope") -> None:
    """Of arrays within an array, as many values in each: PostgreSQL holds no others.

    DRF doesn't look at that, and Django answers 500; the text is its model field's.
    """
    _lengths(value)


def _lengths(value: Any) -> tuple[int, ...]:  # noqa: ANN401 - an array, or a value of one
    """How long an array is in each of its dimensions."""
    if not isinstance(value, list):
        return ()
    inner = {_lengths(each) for each in value}
    if len(inner) > 1:
        raise Invalid("Nested arrays must have the same length.", "nested_array_mismatch")
    return (len(value), *(inner.pop() if inner else ()))


def at_least(length: int, of: str = "characters", *, message: str | None = None) -> "Validator":
    """A text of no fewer characters than that, or a list of no fewer elements; a `message` may have {min_length}."""
    text = message or f"Ensure this field has at least {{min_length}} {of}."

    def check(value: Sized, _scope: "Scope") -> None:
        if len(value) < length:
            sentence = text.format(min_length=length)
            raise Invalid(filled(sentence, limit_value=length, show_value=len(value), value=value), "min_length")

    return check


def within(least: Any, most: Any, messages: Mapping[str, str]) -> tuple["Validator", ...]:  # noqa: ANN401 - of the field's type
    """A number or a duration between those, None for no bound; the upper bound is checked first, as in DRF.

    `messages` may have texts of one's own, `max_value` and `min_value`.
    """
    too_much = messages.get("max_value", "Ensure this value is less than or equal to {max_value}.")
    too_little = messages.get("min_value", "Ensure this value is greater than or equal to {min_value}.")

    def check_most(value: Any, _scope: "Scope") -> None:  # noqa: ANN401 - as above
        if most is not None and value > most:
            sentence = too_much.format(max_value=most)
            raise Invalid(filled(sentence, limit_value=most, show_value=value, value=value), "max_value")

    def check_least(value: Any, _scope: "Scope") -> None:  # noqa: ANN401 - as above
        if least is not None and value < least:
            sentence = too_little.format(min_value=least)
            raise Invalid(filled(sentence, limit_value=least, show_value=value, value=value), "min_value")

    return check_most, check_least


class Pattern:
    """Text in which `regex` is found, or with `inverse` is not (Django's `RegexValidator`)."""

    def __init__(self, regex: str, *, message: str, flags: int = 0, inverse: bool = False) -> None:
        self._compiled = re.compile(regex, flags)
        self._message = message
        self._inverse = inverse
        plain = not (flags or inverse or "(?" in regex)
        # JSON Schema has no word for the rest of what Python's patterns may hold.
        self.schema = regex.replace(r"\Z", "$") if plain else None

    def __call__(self, value: object, _scope: "Scope") -> None:
        """See `Pattern`."""
        if bool(self._compiled.search(str(value))) is self._inverse:
            raise Invalid(filled(self._message, value=value))


def storable(value: str, _scope: "Scope") -> None:
    """See `check_storable`."""
    check_storable(value)


def is_storable(text: str) -> bool:
    """Whether PostgreSQL can hold a text."""
    return "\0" not in text and (text.isascii() or _is_encodable(text))


def check_storable(value: str) -> None:
    """No NUL and no half of a surrogate pair: PostgreSQL's text holds neither.

    Raises:
        Invalid: there is one.
    """
    null = ErrorDetail("Null characters are not allowed.", "null_characters_not_allowed")
    sentences = [null] if "\x00" in value else []
    try:
        # A hundred times as fast as to look at each character.
        value.encode()
    except UnicodeEncodeError as error:
        sentence = f"Surrogate characters are not allowed: U+{ord(value[error.start]):X}."
        sentences.append(ErrorDetail(sentence, "surrogate_characters_not_allowed"))
    if sentences:
        raise Invalid(sentences)


def check_json(value: Any) -> None:  # noqa: ANN401 - any JSON
    """JSON that PostgreSQL holds and an answer can say: no infinite number, no NUL, no half of a surrogate pair.

    Raises:
        Invalid: there is one.
    """
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
        text.encode()
    except (TypeError, ValueError, RecursionError):
        raise Invalid(NO_JSON) from None
    # A NUL is written so, and so is a backslash before these letters, which is looked at once more.
    if "\\u0000" in text and "\x00" in "".join(_texts(value)):
        raise Invalid(NO_JSON)


def _texts(value: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def username_characters(value: str, _scope: "Scope") -> None:
    """Letters, digits and `@.+-_` (Django's `UnicodeUsernameValidator`)."""
    if not _USERNAME.fullmatch(value):
        raise Invalid("Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters.")


def is_email_address(value: str) -> bool:
    """Whether Django's `EmailValidator` takes it for an address."""
    local, _, domain = value.rpartition("@")
    return len(value) <= _LONGEST_EMAIL and _LOCAL_PART.fullmatch(local) is not None and _is_domain(domain)


def _is_domain(domain: str) -> bool:
    if domain == "localhost" or _DOMAIN.fullmatch(domain):
        return True
    literal = _ADDRESS_LITERAL.fullmatch(domain)
    if literal is None:
        return False
    try:
        ipaddress.ip_address(literal[1])
    except ValueError:
        return False
    return True


def is_in_range(kind: TypeEngine[Any], value: Any) -> bool:  # noqa: ANN401 - of the column's type
    """Whether a column of this type takes a number as large, or as small, as this one; every other value fits."""
    if isinstance(value, Decimal):
        return value.is_finite() and abs(value.adjusted()) <= MOST_DIGITS
    return not isinstance(kind, Integer) or -biggest(kind) - 1 <= value <= biggest(kind)


def read_uuid(value: object) -> UUID:
    """A UUID as Django's column reads it, whose error DRF hands on.

    Raises:
        Invalid: it is none.
    """
    try:
        return UUID(int=value) if isinstance(value, int) else UUID(str(value))
    except ValueError:
        raise Invalid(f"\u201c{value}\u201d is not a valid UUID.") from None


def biggest(kind: TypeEngine[Any]) -> int:
    """The largest whole number that a column of this type is compared with."""
    if isinstance(kind, SmallInteger):
        return BIGGEST["smallint"]
    return BIGGEST["integer" if isinstance(kind, Integer) and not isinstance(kind, BigInteger) else "bigint"]
