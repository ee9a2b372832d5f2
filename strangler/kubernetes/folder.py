"""The folder of rendered manifests: the base is written again each time, the overlay once."""

from pathlib import Path
from typing import Final

from strangler.errors import UsageError
from strangler.kubernetes.manifest import MARK
from strangler.kubernetes.rendering import KUSTOMIZATION, RenderedCluster
from strangler.rollout.atomic_write import write_durably

BASE: Final = "base"
OVERLAY: Final = "overlays/example"


def folder_write(rendered: RenderedCluster, folder: Path) -> None:
    """Write the base, remove what an earlier rendering left there, and make the example overlay where there is none.

    :raises UsageError: the base has files that weren't rendered, or the folder can't be written.
    """
    base, overlay = folder / BASE, folder / OVERLAY
    try:
        stale = [file for file in _files(base) if file.name not in rendered.base]
        _refuse_foreign(base)
        _write(base, rendered.base)
        # Behind the new kustomization.yaml, which names them no more.
        for file in stale:
            file.unlink()
        if not overlay.exists():
            _write(overlay, rendered.overlay)
    except OSError as error:
        raise UsageError(f"{folder} can't be written ({error.strerror})", "name another folder with --out") from error


def _write(folder: Path, texts: dict[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in sorted(texts, key=lambda name: (name == KUSTOMIZATION, name)):
        write_durably(folder / name, texts[name].encode())


def _refuse_foreign(base: Path) -> None:
    for file in _files(base):
        if not file.is_file() or not file.read_bytes().startswith(MARK.encode()):
            raise UsageError(
                f"{file} isn't rendered by strangler", "keep your own files in an overlay, or name another --out"
            )


def _files(base: Path) -> list[Path]:
    return sorted(base.iterdir()) if base.exists() else []
