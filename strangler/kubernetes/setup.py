"""What comes before the new pods: migrations, then the grants of FastAPI's role, as one Job."""

import shlex
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Final

from strangler.errors import UsageError
from strangler.kubernetes.cluster_project import SETUP, ClusterProject
from strangler.kubernetes.environment import manage_command, secret_variable
from strangler.kubernetes.manifest import Manifest, content_hash, labels_of, manifest
from strangler.kubernetes.packed_texts import PACKED_SUFFIX, require_room, with_texts
from strangler.kubernetes.pods import container, memory_volume, pod_spec
from strangler.kubernetes.stacks import stack_container
from strangler.routes.route import Stack

_FOLDER: Final = "/project"
# Where files are that are packed, until the container unpacks them.
_PACKED_FOLDER: Final = "/packed"
_RETRIES: Final = 6
_FORGOTTEN_SECONDS: Final = 24 * 60 * 60
# What the tool needs to sign in and to write grants.
_RESOURCES: Final = {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}}


def setup_manifests(cluster: ClusterProject) -> list[Manifest]:
    """The project's files as a ConfigMap, the Job that grants, and a suspended one that takes back what nobody needs.

    Each has a hash of its content in its name: a Job can't be changed, and what has changed has to run again.

    :raises UsageError: a file of the project can't be read, or is outside its folder.
    """
    files = _project_files(cluster)
    configuration = _configuration(cluster, files)
    grow = _spec(cluster, configuration, files, keep=True)
    revoke = _spec(cluster, configuration, files, keep=False)
    return [
        configuration,
        _job(cluster, "setup", grow, suspend=False),
        _job(cluster, "revoke", revoke, suspend=True),
    ]


def grant_manifests(cluster: ClusterProject, writes: Sequence[str]) -> tuple[Manifest, Manifest]:
    """The project's files, and a Job that grants what these routes write before they move; each run has its own name.

    It tries once, since an operator waits for it, and is forgotten a day later.

    :raises UsageError: a file of the project can't be read, or is outside its folder.
    """
    files = _project_files(cluster)
    configuration = _configuration(cluster, files)
    spec = _spec(cluster, configuration, files, keep=True, writes=writes, migrated=True)
    job = _job(cluster, "grant", spec | {"restartPolicy": "Never"}, suspend=False)
    job["metadata"]["generateName"] = f"{job['metadata'].pop('name')}-"
    job["spec"] |= {
        "backoffLimit": 0,
        "activeDeadlineSeconds": cluster.table.setup.wait_seconds,
        "ttlSecondsAfterFinished": _FORGOTTEN_SECONDS,
    }
    return configuration, job


def _configuration(cluster: ClusterProject, files: list[tuple[str, str, str]]) -> Manifest:
    """The ConfigMap of the project's files."""
    name = f"project-{content_hash(files)}"
    head = manifest("v1", "ConfigMap", name, project=cluster.name, component=SETUP)
    written = with_texts(head, {key: text for key, _, text in files})
    require_room(written, "the project's files")
    # See nginx_configuration.
    return written if "binaryData" in written else written | {"immutable": True}


def _job(cluster: ClusterProject, name: str, spec: Manifest, *, suspend: bool) -> Manifest:
    labels = {**labels_of(cluster.name, SETUP), "strangler/job": name}
    job = manifest("batch/v1", "Job", f"{name}-{content_hash(spec)}", project=cluster.name, component=SETUP)
    job["metadata"]["labels"]["strangler/job"] = name
    return job | {
        "spec": {
            "suspend": suspend,
            "backoffLimit": _RETRIES,
            "template": {"metadata": {"labels": labels}, "spec": spec},
        }
    }


def _spec(
    cluster: ClusterProject,
    configuration: Manifest,
    files: list[tuple[str, str, str]],
    *,
    keep: bool,
    writes: Sequence[str] = (),
    migrated: bool = False,
) -> Manifest:
    """The pod; migrations come first, as an init container, so that neither can overtake the other."""
    secrets = cluster.table.secrets
    wait = 0 if migrated else cluster.table.setup.wait_seconds
    command = ["python", "-m", "strangler.cli", "grant", "--wait", str(wait)]
    # Pods of before may still write as their routes say.
    command += [*(["--keep"] if keep else []), *(part for name in writes for part in ("--write", name))]
    packed = {key.removesuffix(PACKED_SUFFIX) for key in configuration.get("binaryData", ())}
    grant = container(
        "grant",
        cluster.table.setup.image,
        command=["sh", "-c", _unpacking(files, packed, command)] if packed else command,
        env=[
            secret_variable("DATABASE_URL", secrets.reference("database")),
            secret_variable("FASTAPI_DATABASE_URL", secrets.reference("fastapi_database")),
            {"name": "ENVIRONMENT", "value": "production"},
            {"name": "STRANGLER_PROJECT", "value": f"{_FOLDER}/{cluster.project.file.name}"},
        ],
        resources=_RESOURCES,
        volumeMounts=[
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - a volume of the pod's own
            *([{"name": "unpacked", "mountPath": _FOLDER}] if packed else []),
            {"name": "project", "mountPath": _PACKED_FOLDER if packed else _FOLDER, "readOnly": True},
        ],
    )
    names = [(key, path, PACKED_SUFFIX if key in packed else "") for key, path, _ in files]
    items = [{"key": f"{key}{suffix}", "path": f"{path}{suffix}"} for key, path, suffix in names]
    volumes = [
        memory_volume("tmp", "64Mi"),
        {"name": "project", "configMap": {"name": configuration["metadata"]["name"], "items": items}},
        *([memory_volume("unpacked", "64Mi")] if packed else []),
    ]
    first = _migrations(cluster) if keep and not migrated else []
    return pod_spec(
        volumes=volumes,
        restartPolicy="OnFailure",
        **({"initContainers": first} if first else {}),
        containers=[grant],
    )


def _unpacking(files: list[tuple[str, str, str]], packed: set[str], command: list[str]) -> str:
    """A script that has the project's files as they were, and runs the command."""
    lines = ["set -e"]
    for key, path, _ in files:
        source, target = f"{_PACKED_FOLDER}/{path}", f"{_FOLDER}/{path}"
        lines.append(shlex.join(["mkdir", "-p", str(PurePosixPath(target).parent)]))
        if key in packed:
            lines.append(f"gzip -dc {shlex.quote(f'{source}{PACKED_SUFFIX}')} >{shlex.quote(target)}")
        else:
            lines.append(shlex.join(["cp", source, target]))
    return "\n".join([*lines, f"exec {shlex.join(command)}", ""])


def _migrations(cluster: ClusterProject) -> list[Manifest]:
    command = manage_command(cluster, "migrate", "--noinput")
    if not command or not cluster.table.setup.migrate or Stack.DJANGO not in cluster.rendered_stacks:
        return []
    return [stack_container(cluster, Stack.DJANGO, "migrate", command=command)]


def _project_files(cluster: ClusterProject) -> list[tuple[str, str, str]]:
    """The files that `strangler grant` reads: the key, the path below the project file's folder, the text."""
    project = cluster.project
    paths = (project.file.name, project.files.routes, project.files.consumer)
    files = []
    for path in paths:
        pure = PurePosixPath(path)
        if pure.is_absolute() or ".." in pure.parts:
            raise UsageError(f"{path} is outside the folder of {project.file.name}", "keep it in or below that folder")
        files.append((str(pure).replace("/", "__"), str(pure), cluster.text(path)))
    return files
