"""The processor time and memory of the processes that run, also of those that have ended."""

import datetime as dt
import subprocess
import sys
from dataclasses import replace

from strangler.cutover.costs import StackCost, stack_costs
from strangler.local.state import ProcessRecord, StackState
from strangler.routes.route import Stack

BURN = "import time\nwhile time.process_time() < 0.4: pass"


def test_a_stack_costs_what_its_processes_do_and_did() -> None:
    here = ProcessRecord.of_this_process()
    gone = ProcessRecord(pid=here.pid, create_time=here.create_time - 3600)
    state = StackState(supervisor=here, services={"fastapi": here, "django": gone})
    asked = []

    def requests(stack: Stack, since: dt.datetime) -> int:
        asked.append((stack, since.timestamp()))
        return 1000

    (before,) = stack_costs(state, requests)
    subprocess.run([sys.executable, "-c", BURN], check=True)  # noqa: S603 - Python itself
    (after,) = stack_costs(state, requests)
    assert asked == [(Stack.FASTAPI, here.create_time)] * 2
    assert after.processor_seconds - before.processor_seconds >= 0.3
    assert after.memory > 10
    assert [*stack_costs(None, requests)] == []


def test_few_requests_give_no_figure_for_a_thousand() -> None:
    cost = StackCost(stack=Stack.DJANGO, since=dt.datetime.now(dt.UTC), requests=999, processor_seconds=5, memory=80.4)
    assert cost.cells == ("999", "-", "80")
    assert replace(cost, requests=2000).cells == ("2,000", "2.5", "80")
