"""The report as JUnit XML, which build servers read: a suite for each route, a test case for each fault."""

import re
from typing import Final
from xml.etree import ElementTree as ET

from strangler.compare.report.model import ComparisonReport, Group, RouteReport
from strangler.compare.report.terminal import verdict_text

# What XML 1.0 can't hold, however it is written.
_NO_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def report_junit(report: ComparisonReport) -> str:
    """The document; requests that could not be compared are errors, expired and unmet declarations are failures."""
    root = ET.Element("testsuites", name="strangler compare", time=f"{report.seconds:.3f}")
    for route in report.routes:
        _add_route(root, route)
    if report.declared_faults:
        suite = _suite(root, "declared differences", tests=len(report.declared_faults), bad=len(report.declared_faults))
        for fault in report.declared_faults:
            ET.SubElement(_case(suite, fault), "failure", message=_clean(fault))
    _add_run(root, report)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True)


def _add_route(root: ET.Element, route: RouteReport) -> None:
    suite = _suite(
        root, route.route, tests=1 + len(route.groups) + bool(route.slow), bad=len(route.groups) + bool(route.slow)
    )
    alike = route.equal + route.declared + route.noise
    # Named without its counts, so that a build server sees the same test in each run.
    summary = ET.SubElement(_case(suite, "answers alike"), "system-out")
    summary.text = (
        f"{alike} of {route.asked} alike: {route.declared} as declared, {route.noise} noise; "
        f"{route.unavailable} unavailable, {route.failed} failed"
    )
    if route.slow:
        ET.SubElement(_case(suite, "as fast"), "failure", message=_clean(route.slow))
    for group in route.groups:
        failure = ET.SubElement(
            _case(suite, f"{group.kind} at {group.pattern}"), "failure", message=f"in {group.count} answers"
        )
        failure.text = _clean(_details(group))


def _add_run(root: ET.Element, report: ComparisonReport) -> None:
    grown = [f"{use.scenario}: {use.excess}" for use in report.memory if use.excess]
    errors = [f"{sentence} ({count})" for sentence, count in report.failures]
    errors += [f"stopped: {report.stopped}"] if report.stopped else []
    suite = ET.SubElement(
        root,
        "testsuite",
        name="the run",
        tests=str(1 + bool(report.memory)),
        failures=str(int(bool(grown))),
        errors=str(int(bool(errors))),
        skipped="0",
    )
    if report.memory:
        memory = _case(suite, "no more memory than the other side")
        for each in grown[:1]:
            ET.SubElement(memory, "failure", message=_clean(each)).text = _clean("\n".join(grown))
    case = _case(suite, "every request is answered")
    if errors:
        ET.SubElement(case, "error", message=_clean(errors[0])).text = _clean("\n".join(errors))
    ET.SubElement(case, "system-out").text = _clean(verdict_text(report))


def _details(group: Group) -> str:
    lines = []
    for example in group.examples:
        lines += [example.case + (f" as {example.caller}" if example.caller else ""), example.curl, example.curl_right]
        lines += [f"  {place.place}: {place.left} and {place.right}" for place in example.places]
        lines += [f"  {row.row} {row.column}: {row.left} and {row.right}" for row in example.rows]
    return "\n".join(lines)


def _suite(root: ET.Element, name: str, *, tests: int, bad: int) -> ET.Element:
    counts: dict[str, str] = {
        "name": _clean(name),
        "tests": str(tests),
        "failures": str(bad),
        "errors": "0",
        "skipped": "0",
    }
    return ET.SubElement(root, "testsuite", counts)


def _case(suite: ET.Element, name: str) -> ET.Element:
    return ET.SubElement(suite, "testcase", classname=suite.get("name", ""), name=_clean(name))


def _clean(text: str) -> str:
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)
