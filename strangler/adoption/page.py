"""The inventory as one page for a browser, which fetches nothing."""

from importlib.resources import files

from jinja2 import Environment, StrictUndefined

from strangler.adoption.hazards import Effort
from strangler.adoption.inventory import Inventory


def inventory_page(inventory: Inventory, *, name: str) -> str:
    """The page as HTML; `name` is the project's."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(files(__package__).joinpath("inventory.html.j2").read_text("utf-8"))
    return template.render(inventory=inventory, efforts=list(Effort), name=name)
