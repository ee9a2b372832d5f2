"""The unit of docs/production.md is one that systemd and the tool take."""

import configparser
import re

from strangler.cli import commands
from strangler.local.keeper import Helper
from strangler.local.postgres import STOP_SECONDS
from strangler.local.process import Program
from tests.example import ROOT

PAGE = (ROOT / "docs" / "production.md").read_text(encoding="utf-8")


def unit() -> configparser.ConfigParser:
    (text,) = re.findall(r"```ini\n(.*?)```", PAGE, flags=re.DOTALL)
    parser = configparser.ConfigParser(delimiters=("=",), comment_prefixes=("#",), strict=True)
    parser.optionxform = str  # type: ignore[assignment, method-assign] # systemd tells small letters from large
    parser.read_string(text)
    return parser


def test_its_command_is_one_of_the_tools() -> None:
    program, command, *options = unit()["Service"]["ExecStart"].split()
    assert program.endswith("/.venv/bin/strangler")
    assert command in commands()
    assert options == ["--no-logs"]


def test_it_waits_for_longer_than_the_services_may_take_to_end() -> None:
    nginx, services = 5.0, 2 * Program.stop_seconds
    longest = nginx + services + Helper.stop_seconds + STOP_SECONDS
    assert float(unit()["Service"]["TimeoutStopSec"]) > longest


def test_it_is_started_again_for_ever() -> None:
    assert unit()["Service"]["Restart"] == "always"
    assert unit()["Unit"]["StartLimitIntervalSec"] == "0"


def test_compose_starts_its_services_again() -> None:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    assert "restart: unless-stopped" in text


def test_its_links_lead_somewhere() -> None:
    for file, anchor in re.findall(r"\]\(([\w.]+)(?:#([\w-]+))?\)", PAGE):
        text = (ROOT / "docs" / file).read_text(encoding="utf-8")
        headings = {
            re.sub(r"[^\w -]", "", line.lstrip("# ").lower()).replace(" ", "-")
            for line in text.splitlines()
            if line.startswith("#")
        }
        assert not anchor or anchor in headings, anchor
