"""nginx in the container of docker-compose.yml.

Files go in and words come out through `compose exec` alone, so any engine will do: rootless, in another context, or of
another name. A container that moves routes has no engine to call, and `MovesFolder` in its place.
"""

import hashlib
import io
import tarfile
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Final

from strangler.errors import FailedError
from strangler.gateway.compose_cli import ContainerShell
from strangler.gateway.interface import OneNginx
from strangler.gateway.process import nginx_words
from strangler.gateway.rendering import MAIN_FILE, Rendered
from strangler.gateway.settings import GatewaySettings
from strangler.gateway.versions import CURRENT, VERSIONS

_FOLDER: Final = "/etc/nginx/generated"
# One exec takes 100 to 500 ms and a move asks several times in one breath: what was seen serves so long.
_SEEN_SECONDS: Final = 1.0

_NGINX: Final = f"nginx -e stderr -c {_FOLDER}"
_ENTER: Final = f"cd {_FOLDER}\n"
# What every script ends with: the current version, then each version, then the digests of the current files.
_LOOK: Final = f"""
readlink {CURRENT} || echo
ls -A {VERSIONS} 2>/dev/null | tr '\\n' ' ' && echo
sha256sum {CURRENT}/* 2>/dev/null || true
"""
# $1 is the version, the others are the names of its files. Where the version is there already, nginx may be reading it.
_INSTALL: Final = f"""
version=$1 folder={VERSIONS}/$1
shift
mkdir -p {VERSIONS}
draft=$(mktemp -d {VERSIONS}/.new-XXXXXX)
trap 'rm -rf "$draft"' EXIT
chmod 755 "$draft"
tar -xo -C "$draft" -f -
if [ -d "$folder" ]; then
    for name; do mv -f "$draft/$name" "$folder/$name"; done
    for file in "$folder"/*; do
        case " $* " in *" ${{file##*/}} "*) ;; *) rm -rf "$file" ;; esac
    done
else
    mv -T "$draft" "$folder"
fi
{_NGINX}/$folder/{MAIN_FILE} -t -q || {{
    [ "$(readlink {CURRENT})" = "$folder" ] || rm -rf "$folder"
    exit 1
}}
"""
_ACTIVATE: Final = f"""
[ -d "{VERSIONS}/$1" ] || {{ echo "version $1 is not installed" >&2; exit 1; }}
ln -sfn "{VERSIONS}/$1" .{CURRENT}.new
mv -T .{CURRENT}.new {CURRENT}
"""
_RELOAD: Final = f"{_NGINX}/{CURRENT}/{MAIN_FILE} -s reload\n"
_PRUNE: Final = f"""
for folder in {VERSIONS}/* {VERSIONS}/.new-*; do
    name=${{folder##*/}}
    case " $* " in *" $name "*) continue ;; esac
    [ "$(readlink {CURRENT})" = "$folder" ] || rm -rf "$folder"
done
"""


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """What the volume held at a time of the monotonic clock; `digests` are SHA-256 of the current files by name."""

    at: float
    current: str | None
    versions: frozenset[str]
    digests: dict[str, str]


class ComposeGateway(OneNginx):
    """nginx with its volume.

    Args:
        settings: what it is rendered with while no deploy changes it.
        url: its front door.
        shell: reaches its container, the one of `service`.
        service: its name in docker-compose.yml.
        elsewhere: gives the stacks whose requests a deploy has sent to another address, and the addresses.
    """

    def __init__(
        self,
        *,
        settings: GatewaySettings,
        url: str,
        shell: ContainerShell,
        service: str,
        elsewhere: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        self._own = settings
        self._elsewhere = elsewhere
        self.url = url
        self._service = service
        self._shell = shell
        self._last: _Seen | None = None

    @property
    def settings(self) -> GatewaySettings:
        """See `Gateway`."""
        return replace(self._own, elsewhere=tuple(sorted(self._elsewhere().items())))

    def current(self) -> str | None:
        """See `Gateway`."""
        return self._seen().current

    def install(self, rendered: Rendered) -> None:
        """See `Gateway`."""
        if not self._stands(rendered):
            self._inside(_INSTALL, rendered.version, *rendered.files, stdin=_archive(rendered))

    def holds(self, rendered: Rendered) -> bool:
        """See `Gateway`; `compose up` renders anew beside an nginx that runs, which then hasn't taken it up yet."""
        return self._stands(rendered) and self.running_version() in {None, rendered.version}

    def activate(self, version: str) -> None:
        """See `Gateway`."""
        self._inside(_ACTIVATE, version)

    def take_up(self, version: str) -> None:
        """See `Gateway`."""
        self._inside(_ACTIVATE + _RELOAD, version)

    def prune(self, keep: Collection[str]) -> None:
        """See `Gateway`."""
        seen = self._last or self._seen()
        if seen.versions - {*keep, seen.current}:
            self._inside(_PRUNE, *keep)

    def _stands(self, rendered: Rendered) -> bool:
        seen = self._seen()
        digests = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in rendered.files.items()}
        return seen.current == rendered.version and seen.digests == digests

    def _seen(self) -> _Seen:
        if self._last is None or time.monotonic() - self._last.at > _SEEN_SECONDS:
            return self._inside("")
        return self._last

    def _inside(self, script: str, *arguments: str, stdin: bytes = b"") -> _Seen:
        self._last = None
        ended = self._shell.inside(self._service, f"{_ENTER}{script}{_LOOK}", *arguments, stdin=stdin)
        if ended.code != 0:
            raise FailedError(f"nginx refuses: {nginx_words(ended.stderr)}.")
        self._last = _seen_parse(ended.stdout)
        return self._last


def _seen_parse(output: str) -> _Seen:
    current, versions, *digests = output.splitlines()
    pairs = (line.split(maxsplit=1) for line in digests)
    return _Seen(
        at=time.monotonic(),
        current=current.rpartition("/")[2] or None,
        versions=frozenset(versions.split()),
        digests={file.rpartition("/")[2]: digest for digest, file in pairs},
    )


def _archive(rendered: Rendered) -> bytes:
    """The files as tar makes them out of nobody's folder: readable by all, owned by who unpacks them."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, text in rendered.files.items():
            content = text.encode()
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            entry.mtime = int(time.time())
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
