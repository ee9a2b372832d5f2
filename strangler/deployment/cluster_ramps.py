"""The ramps of a cluster's gateway: their state in its namespace, so that any operator can go on with one or end it."""

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict
from typing import Any, Final

from strangler.errors import FailedError
from strangler.kubernetes.api import ClusterApi, ObjectMissing
from strangler.kubernetes.cluster_project import RAMP_LEASE_NAME, ROLLOUT
from strangler.kubernetes.lease import Lease
from strangler.kubernetes.manifest import Manifest, labels_of
from strangler.kubernetes.packed_texts import texts_of, with_texts
from strangler.kubernetes.rollout_state import config_map, lease_head
from strangler.ramp.state import REQUEST, STATE, RampRequest, RampState
from strangler.ramp.store import STATE_HINT, RampStore, still_running
from strangler.rollout.state_dir import journal_parse

_STATE_NAME: Final = "strangler-ramp"
_STATE_KEY: Final = "state.json"
_EVENTS_NAME: Final = "strangler-ramp-events"
_EVENTS_KEY: Final = "events.jsonl"
_REQUEST_PREFIX: Final = "strangler-ramp-request-"
_REQUEST_KEY: Final = "request.json"
_REQUEST_LABEL: Final = {f"strangler/{ROLLOUT}": "ramp-request"}
# Half of what a ConfigMap holds; the oldest go.
_EVENTS_BYTES: Final = 512 * 1024


class ClusterRamps(RampStore):
    """The ramps in the namespace of `api`; `project` is the name in their labels."""

    # What is known of a route takes 50 KiB at most, and a ConfigMap holds 1 MiB.
    most_routes = 16

    def __init__(self, api: ClusterApi, project: str) -> None:
        self._api = api
        self._project = project
        self._lease = Lease(api, lease_head(RAMP_LEASE_NAME, project), of="ramp", busy=still_running)

    def read(self) -> RampState | None:
        """See `RampStore`."""
        found = self._find(_STATE_NAME)
        if found is None:
            return None
        place = f"ConfigMap {_STATE_NAME}"
        try:
            content = texts_of(found)[_STATE_KEY]
        except (KeyError, ValueError) as error:
            raise FailedError(f"{place} is no journal of a ramp", STATE_HINT) from error
        return journal_parse(content, STATE, place=place, of="a ramp", hint=STATE_HINT)

    def write(self, state: RampState) -> None:
        """See `RampStore`."""
        self._lease.require()
        # Callers are numbers that don't repeat: packed they are half as many bytes.
        self._put(_STATE_NAME, {_STATE_KEY: STATE.dump_json(state).decode()})

    def note(self, event: Mapping[str, Any]) -> None:
        """See `RampStore`."""
        self._lease.require()
        lines = [*self._event_lines(), json.dumps(event)]
        while sum(len(line) + 1 for line in lines) > _EVENTS_BYTES:
            del lines[: max(1, len(lines) // 4)]
        self._put(_EVENTS_NAME, {_EVENTS_KEY: "".join(f"{line}\n" for line in lines)})

    def events(self) -> list[dict[str, Any]]:
        """See `RampStore`."""
        return [json.loads(line) for line in self._event_lines()]

    def ask(self, request: RampRequest, *, moment: float) -> str:
        """See `RampStore`."""
        name = f"{_REQUEST_PREFIX}{moment:.6f}"
        made = config_map(name, self._project)
        made["metadata"]["labels"] |= _REQUEST_LABEL
        self._api.create(with_texts(made | {"immutable": True}, {_REQUEST_KEY: json.dumps(asdict(request))}))
        return name

    def asked(self) -> list[tuple[str, RampRequest]]:
        """See `RampStore`."""
        found = []
        for each in self._api.listed("ConfigMap", labels_of(self._project, ROLLOUT) | _REQUEST_LABEL):
            name = str(each["metadata"]["name"])
            try:
                found.append((name, REQUEST.validate_json(each["data"][_REQUEST_KEY])))
            except (ValueError, KeyError):
                self.done(name)
        return sorted(found, key=lambda each: each[0])

    def is_asked(self, name: str) -> bool:
        """See `RampStore`."""
        return self._find(name) is not None

    def done(self, name: str) -> None:
        """See `RampStore`."""
        self._api.delete("ConfigMap", name)

    @property
    def runs(self) -> bool:
        """See `RampStore`; takes as long as it may take to see the lock renewed."""
        return self._lease.is_held()

    def locked(self) -> AbstractContextManager[None]:
        """See `RampStore`."""
        return self._lease.held()

    def require(self) -> None:
        """See `RampStore`."""
        self._lease.require()

    def _event_lines(self) -> list[str]:
        found = self._find(_EVENTS_NAME)
        try:
            return texts_of(found)[_EVENTS_KEY].splitlines() if found else []
        except (KeyError, ValueError) as error:
            raise FailedError(f"ConfigMap {_EVENTS_NAME} is no log of a ramp", "delete it: it is begun anew") from error

    def _put(self, name: str, texts: Mapping[str, str]) -> None:
        found = self._find(name)
        if found is None:
            self._api.create(with_texts(config_map(name, self._project), texts))
        else:
            self._api.replace(with_texts(found, texts))

    def _find(self, name: str) -> Manifest | None:
        try:
            return self._api.read("ConfigMap", name)
        except ObjectMissing:
            return None
