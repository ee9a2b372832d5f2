"""Orders that a FilterSet offers (`django_filters.OrderingFilter`).

"o": order_filter({"cost": ("price",), "-cost": ("-price",)}),
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from strangler_fastapi.drf.criteria import Criterion
from strangler_fastapi.drf.filters.filter_forms import no_such_choice
from strangler_fastapi.drf.filters.filtering import Filter, Params
from strangler_fastapi.drf.validators import Invalid


@dataclass(frozen=True)
class OrderFilter(Filter):
    """A parameter that orders a list and narrows nothing: `orders` are the terms that each of its words stands for."""

    orders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def terms(self, name: str, params: Params) -> tuple[str, ...]:
        """The terms that a request asks for; none where it asks for no order, or for one that there is not."""
        words = [word for word in params.get(name, "").split(",") if word]
        if not {*words} <= self.orders.keys():
            return ()
        return tuple(dict.fromkeys(term for word in words for term in self.orders[word]))


def order_filter(orders: Mapping[str, tuple[str, ...]]) -> Filter:
    """Words with commas, each of which is one of `orders`."""

    def read(_name: str, text: str) -> Criterion | None:
        unknown = next((word for word in text.split(",") if word and word not in orders), None)
        if unknown is not None:
            raise Invalid(no_such_choice(unknown), "invalid_choice")
        return None

    return OrderFilter(read, samples=(), description="What to order by, separated by commas.", orders=orders)


def filtered_terms(params: Params, filters: Mapping[str, Filter]) -> tuple[str, ...]:
    """The terms that a request asks for by the filters; the last of several that order has the say, as in Django."""
    asked = (each.terms(name, params) for name, each in filters.items() if isinstance(each, OrderFilter))
    return next((terms for terms in reversed([*asked]) if terms), ())


def orders_of(filters: Mapping[str, Filter]) -> set[str]:
    """Every term that the filters order by, without its direction."""
    found = (each.orders.values() for each in filters.values() if isinstance(each, OrderFilter))
    return {term.removeprefix("-") for orders in found for terms in orders for term in terms}
