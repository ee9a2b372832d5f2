"""Where the cases of a method that writes go: rows that may be written, and who may."""

from strangler.compare.generate.operations import Operation
from strangler.compare.generate.world import World


class WritePlaces:
    """Chooses paths and callers for one operation.

    Args:
        world: what is known.
        operation: POST, PUT, PATCH or DELETE of a route.
    """

    def __init__(self, world: World, operation: Operation) -> None:
        self._world = world
        self._operation = operation
        # Keys of rows that the path may name, with whose they are.
        self.keys = world.row_keys(operation)

    def paths(self) -> list[tuple[str, str]]:
        """Rows that may be written: none that a caller needs to sign in with is deleted, or gets another password."""
        paths = self._world.paths(self._operation)
        if not self.keys or not self.is_dangerous:
            return paths
        callers = {self._world.identity(name) for name in self._world.callers.users if name}
        safe = {key for _, key in self.keys} - callers
        return [each for each, (_, key) in zip(paths, self.keys, strict=True) if key in safe]

    @property
    def is_dangerous(self) -> bool:
        """Whether a request that is taken would end what a caller signs in with."""
        users, operation = self._world.user_table, self._operation
        is_users = users is not None and operation.table == users.key
        return is_users and (operation.method == "DELETE" or any(each.is_hashed for each in operation.body))

    def place(self) -> tuple[str, str]:
        """A path that takes bodies, and a caller who may send them."""
        callers = self._world.callers
        paths = self._world.paths(self._operation)
        if not self.keys:
            return self._operation.path, self._world.writer(self._operation, callers.main)
        owned = [path for label, path in paths if label.startswith("own")]
        if owned and not self.is_dangerous:
            return owned[0], self._world.writer(self._operation, callers.main, owner=callers.main)
        others = [path for _, path in self.paths()]
        caller = self._world.writer(self._operation, callers.staff or callers.main)
        return (others or owned or [path for _, path in paths])[0], caller
