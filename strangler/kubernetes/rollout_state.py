"""The state of a rollout in its cluster: ConfigMaps, shared by all who move routes there, and a Lease as the lock."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from strangler.errors import FailedError
from strangler.kubernetes.api import ClusterApi, ObjectMissing
from strangler.kubernetes.cluster_project import LEASE_NAME, ROLLOUT
from strangler.kubernetes.lease import Lease
from strangler.kubernetes.manifest import Manifest, labels_of, manifest
from strangler.kubernetes.packed_texts import pack, require_room, texts_of, unpack, with_texts
from strangler.rollout.history import HistoryEntry, entries_parse
from strangler.rollout.state_dir import (
    JOURNAL,
    JOURNAL_HINT,
    Journal,
    RolloutState,
    journal_parse,
    routes_digest,
    still_applying,
)

_JOURNAL_NAME: Final = "strangler-journal"
_JOURNAL_KEY: Final = "journal.json"
_ROUTES_KEY: Final = "routes.toml.gz"
_HISTORY_KEY: Final = "history.jsonl"
_HISTORY_LABEL: Final = "history"
# A piece that is larger gets no more entries.
_PIECE_BYTES: Final = 512 * 1024


class ClusterHistory:
    """The history as ConfigMaps of JSON lines, each full before the next begins."""

    def __init__(self, api: ClusterApi, project: str, lease: Lease) -> None:
        self._api = api
        self._project = project
        self._lease = lease

    def entries(self) -> tuple[HistoryEntry, ...]:
        """See `History`."""
        return entries_parse(
            (f"ConfigMap {piece['metadata']['name']}, line {number}", line)
            for piece in self._pieces()
            for number, line in enumerate(_text(piece, _HISTORY_KEY).splitlines(), 1)
        )

    def append(self, entry: HistoryEntry) -> None:
        """See `History`; a piece that somebody else has written to since it was read is not overwritten."""
        self._lease.require()
        pieces, line = self._pieces(), f"{entry.as_line()}\n"
        last = pieces[-1] if pieces else None
        if last is not None and len(text := _text(last, _HISTORY_KEY) + line) <= _PIECE_BYTES:
            self._api.replace(with_texts(last, {_HISTORY_KEY: text}))
            return
        piece = config_map(f"strangler-history-{len(pieces):04}", self._project)
        piece["metadata"]["labels"] |= {f"strangler/{ROLLOUT}": _HISTORY_LABEL}
        self._api.create(with_texts(piece, {_HISTORY_KEY: line}))

    def _pieces(self) -> list[Manifest]:
        labels = labels_of(self._project, ROLLOUT) | {f"strangler/{ROLLOUT}": _HISTORY_LABEL}
        return sorted(self._api.listed("ConfigMap", labels), key=lambda piece: str(piece["metadata"]["name"]))


class ClusterState(RolloutState):
    """The state in the namespace of `api`; `project` is the name in its labels, `path` a folder of this machine."""

    def __init__(self, api: ClusterApi, *, project: str, path: Path) -> None:
        self.path = path
        self.lease = Lease(api, lease_head(LEASE_NAME, project), of="rollout", busy=still_applying)
        self.history = ClusterHistory(api, project, self.lease)
        self._api = api
        self._project = project

    def keep(self, content: bytes) -> str:
        """See `RolloutState`.

        :raises UsageError: a ConfigMap has no room for it.
        """
        digest = routes_digest(content)
        kept = config_map(_routes_name(digest), self._project) | {"immutable": True}
        kept |= {"binaryData": {_ROUTES_KEY: pack(content)}}
        require_room(kept, "the routes file")
        try:
            self._api.read("ConfigMap", kept["metadata"]["name"])
        except ObjectMissing:
            self._api.create(kept)
        return digest

    def state(self, digest: str) -> bytes:
        """See `RolloutState`."""
        hint = "restore it, or apply another file"
        name = _routes_name(digest)
        try:
            content = unpack(self._api.read("ConfigMap", name)["binaryData"][_ROUTES_KEY])
        except ObjectMissing as error:
            raise FailedError(f"the routes file {digest} is missing: there is no ConfigMap {name}", hint) from error
        except (KeyError, ValueError) as error:
            raise FailedError(f"ConfigMap {name} isn't what was applied", hint) from error
        if routes_digest(content) != digest:
            raise FailedError(f"ConfigMap {name} isn't what was applied", hint)
        return content

    def journal_open(self, journal: Journal) -> None:
        """See `RolloutState`.

        :raises FailedError: another apply has one.
        """
        self.lease.require()
        written = config_map(_JOURNAL_NAME, self._project)
        self._api.create(with_texts(written, {_JOURNAL_KEY: JOURNAL.dump_json(journal, indent=2).decode()}))

    def journal_read(self) -> Journal | None:
        """See `RolloutState`."""
        found = self._journal()
        if found is None:
            return None
        text = _text(found, _JOURNAL_KEY, hint=JOURNAL_HINT)
        place = f"ConfigMap {_JOURNAL_NAME}"
        return journal_parse(text, JOURNAL, place=place, of="an apply", hint=JOURNAL_HINT)

    def journal_close(self) -> None:
        """See `RolloutState`."""
        self.lease.require()
        if found := self._journal():
            self._api.delete("ConfigMap", _JOURNAL_NAME, version=found["metadata"]["resourceVersion"])

    def is_locked(self) -> bool:
        """See `RolloutState`; a lease whose holder was killed is seen as that once it wasn't renewed for its time."""
        return self.lease.is_held()

    def mark(self) -> object:
        """See `RolloutState`: whoever applies has the lock before the first write and after the last."""
        return self.lease.mark()

    def locked(self) -> AbstractContextManager[None]:
        """See `RolloutState`."""
        return self.lease.held()

    def _journal(self) -> Manifest | None:
        try:
            return self._api.read("ConfigMap", _JOURNAL_NAME)
        except ObjectMissing:
            return None


def _text(found: Manifest, key: str, *, hint: str = "restore it") -> str:
    """A text of a ConfigMap; empty where it isn't there.

    :raises FailedError: it can't be unpacked.
    """
    try:
        return texts_of(found).get(key, "")
    except ValueError as error:
        raise FailedError(f"ConfigMap {found['metadata']['name']} isn't what an apply has written", hint) from error


def _routes_name(digest: str) -> str:
    return f"strangler-routes-{digest}"


def config_map(name: str, project: str) -> Manifest:
    """The head of a ConfigMap of the state of moves."""
    return manifest("v1", "ConfigMap", name, project=project, component=ROLLOUT)


def lease_head(name: str, project: str) -> Manifest:
    """The head of a lock of moves."""
    return manifest("coordination.k8s.io/v1", "Lease", name, project=project, component=ROLLOUT)
