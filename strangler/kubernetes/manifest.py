"""Manifests: their names, labels and text."""

import hashlib
import json
import re
from collections.abc import Iterable
from typing import Any, Final

import yaml

Manifest = dict[str, Any]

# By it, `strangler render` knows files that it may write over.
MARK: Final = "# Rendered by strangler"
NAME_LABEL: Final = "app.kubernetes.io/name"
COMPONENT_LABEL: Final = "app.kubernetes.io/component"
_LONGEST_NAME: Final = 63
_HASH_LENGTH: Final = 10


class _Dumper(yaml.SafeDumper):
    """Lists below their key as `kubectl` writes them, texts of several lines as blocks, and no references."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ANN401, ARG002 - PyYAML's own signature
        return True

    def text_represent(self, text: str) -> yaml.ScalarNode:
        """A text of several lines as a block."""
        return self.represent_scalar("tag:yaml.org,2002:str", str(text), style="|" if "\n" in text else None)


_Dumper.add_representer(str, _Dumper.text_represent)
# Names are often members of an enumeration.
_Dumper.add_multi_representer(str, _Dumper.text_represent)


def manifests_text(manifests: Iterable[Manifest], *, head: str) -> str:
    """One YAML file: the mark, `head` as comments, then the manifests."""
    comments = "".join(f"#{f' {line}' if line else ''}\n" for line in head.splitlines())
    texts = (
        yaml.dump(each, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1_000_000) for each in manifests
    )
    return f"{MARK} from the project file and the routes file: change those.\n{comments}---\n" + "---\n".join(texts)


def labels_of(project: str, component: str) -> dict[str, str]:
    """What a Service, a Deployment and a NetworkPolicy find pods by."""
    return {NAME_LABEL: project, COMPONENT_LABEL: component}


def manifest(
    api_version: str,
    kind: str,
    name: str,
    *,
    project: str,
    component: str = "",
    annotations: dict[str, str] | None = None,
) -> Manifest:
    """The head of a manifest."""
    labels = labels_of(project, component) if component else {NAME_LABEL: project}
    metadata: Manifest = {"name": name, "labels": {**labels, "app.kubernetes.io/managed-by": "strangler"}}
    if annotations:
        metadata["annotations"] = annotations
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata}


def dns_label(text: str) -> str:
    """The text as a name of Kubernetes (RFC 1123): small letters, digits and hyphens, 63 at most."""
    label = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    if len(label) <= _LONGEST_NAME:
        return label
    return f"{label[: _LONGEST_NAME - _HASH_LENGTH - 1].rstrip('-')}-{content_hash(text)}"


def content_hash(content: object) -> str:
    """Ten hexadecimal digits that change with the content."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:_HASH_LENGTH]
