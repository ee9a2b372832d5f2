"""What FastAPI's database role may do, by table: derived from the mapped classes and the contract."""

from collections import defaultdict

from shared_schema.deletion import deletion_privileges
from shared_schema.models import BLOG


def role_privileges(*, writing: bool) -> dict[str, set[str]]:
    """SQL privileges by table: SELECT where a class is mapped and, if `writing`, what each class writes and deletes."""
    needed: dict[str, set[str]] = defaultdict(set)
    for cls in BLOG.classes:
        needed[cls.__tablename__].add("SELECT")
        if not writing:
            continue
        needed[cls.__tablename__].update(cls.__writes__)
        if cls.__deletes__:
            for table, privileges in deletion_privileges(cls.__tablename__).items():
                needed[table] |= privileges
    return dict(needed)
