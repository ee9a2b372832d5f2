"""What moves a route in a cluster is rendered too: the Job that grants before a write moves, an operator's rights."""

import kubernetes_validate
import pytest

from strangler.errors import UsageError
from strangler.kubernetes.cluster_project import cluster_project
from strangler.kubernetes.operator_role import operator_role
from strangler.kubernetes.setup import grant_manifests
from tests.clusters import SHOP, manifests, of_kind, project_with, rendered

CLUSTER = cluster_project(SHOP)


def test_the_job_grants_what_moves_and_migrates_nothing() -> None:
    configuration, job = grant_manifests(CLUSTER, ["carts.create"])
    for each in (configuration, job):
        kubernetes_validate.validate(each, "1.37", strict=True)
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["command"][-5:] == ["--wait", "0", "--keep", "--write", "carts.create"]
    assert "initContainers" not in job["spec"]["template"]["spec"]
    assert job["spec"]["backoffLimit"] == 0
    assert "name" not in job["metadata"]
    (setup,) = of_kind(manifests(rendered(SHOP).base), "Job", "setup-")
    assert setup["spec"]["template"]["spec"]["volumes"] == job["spec"]["template"]["spec"]["volumes"]


def test_a_file_that_is_not_there_is_named() -> None:
    files = SHOP.files.model_copy(update={"consumer": "nowhere.json"})
    with pytest.raises(UsageError, match=r"nowhere.json can't be read"):
        grant_manifests(cluster_project(SHOP.model_copy(update={"files": files})), ["carts.create"])


def test_the_role_is_rendered_and_reads_no_secret() -> None:
    (role,) = of_kind(manifests(rendered(SHOP).overlay), "Role")
    assert role == operator_role(CLUSTER)
    kubernetes_validate.validate(role, "1.37", strict=True)
    resources = {resource for rule in role["rules"] for resource in rule["resources"]}
    assert "secrets" not in resources
    assert "*" not in {word for rule in role["rules"] for key in ("verbs", "resources") for word in rule[key]}


def test_the_api_server_is_let_through_where_clients_are_named() -> None:
    peer = {"ipBlock": {"cidr": "172.16.0.0/28"}}
    for clients, expected in ((("gateways",), 1), ((), 0)):
        project = project_with(SHOP, clients=clients, api_server=("172.16.0.0/28",))
        policies = of_kind(manifests(rendered(project).base), "NetworkPolicy", "nginx")
        (rule,) = policies[0]["spec"]["ingress"]
        assert rule.get("from", []).count(peer) == expected
        assert ("from" in rule) == bool(clients)
