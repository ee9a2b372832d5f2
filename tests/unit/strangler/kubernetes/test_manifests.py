"""What is rendered is what a cluster takes: by its schemas, and by what the manifests say of one another."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest

from strangler.cluster import KubernetesTable, NginxTable, PostgresTable, SecretsTable, SetupTable, StackTable
from strangler.errors import UsageError
from strangler.kubernetes.cluster_project import cluster_project
from strangler.kubernetes.manifest import COMPONENT_LABEL, Manifest
from strangler.kubernetes.nginx import rendered_routes
from strangler.kubernetes.packed_texts import texts_of
from strangler.kubernetes.rendering import Mode, render_cluster
from strangler.project import ProjectError, project_parse
from strangler.routes.route import Stage
from tests.bench.route_tables import table_of
from tests.clusters import PROJECTS, SHOP, manifests, of_kind, project_with, rendered, table_at, table_with
from tests.example import EXAMPLE, ROOT

# The oldest version with all that is used, and the newest that the package knows.
VERSIONS = ("1.30", "1.37")
# What `kubectl apply` keeps of an object in an annotation of it, at most.
ANNOTATION_BYTES = 256 * 1024
SCHEMA = Path(__file__).with_name("httproute_v1.json")
SHADOWED = project_with(EXAMPLE, shadow_rate=20, api_server=("10.0.0.0/28",))
COMBINATIONS = [
    *(pytest.param(project, mode, id=f"{name}-{mode}") for name, project in PROJECTS.items() for mode in Mode),
    pytest.param(SHADOWED, Mode.NGINX, id="shadowed"),
]


def closed(schema: Any) -> Any:
    """The schema, with keys that it doesn't name as mistakes."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: closed(value) for key, value in schema.items()}
    return {**inner, "additionalProperties": False} if "properties" in schema else inner


# The rest of the head is Kubernetes' own.
HTTP_ROUTES = jsonschema.Draft202012Validator({**closed(json.loads(SCHEMA.read_text())), "additionalProperties": True})


def all_manifests(project: Any, mode: Mode) -> list[Manifest]:
    files = rendered(project, mode)
    return manifests(files.base) + manifests(files.overlay)


def containers(found: list[Manifest]) -> list[Manifest]:
    specs = [each["spec"]["template"]["spec"] for each in of_kind(found, "Deployment") + of_kind(found, "Job")]
    return [each for spec in specs for each in (*spec.get("initContainers", ()), *spec["containers"])]


@pytest.mark.parametrize(("project", "mode"), COMBINATIONS)
def test_kubernetes_knows_every_field(project: Any, mode: Mode) -> None:
    for each in all_manifests(project, mode):
        if each["kind"] == "HTTPRoute":
            HTTP_ROUTES.validate(each)
        elif each["kind"] != "Kustomization":
            for version in VERSIONS if mode is Mode.NGINX else VERSIONS[-1:]:
                kubernetes_validate.validate(each, version, strict=True)


def test_an_unknown_field_is_an_error() -> None:
    route = of_kind(all_manifests(SHOP, Mode.GATEWAY_API), "HTTPRoute")[0]
    route["spec"]["rules"][0]["weigth"] = 1
    with pytest.raises(jsonschema.ValidationError, match="weigth"):
        HTTP_ROUTES.validate(route)


@pytest.mark.parametrize(("project", "mode"), COMBINATIONS)
def test_a_second_rendering_is_the_same_to_the_byte(project: Any, mode: Mode) -> None:
    assert rendered(project, mode) == render_cluster(project, project.load_routes(), mode)


@pytest.mark.parametrize(("project", "mode"), COMBINATIONS)
def test_what_a_manifest_names_is_there(project: Any, mode: Mode) -> None:
    files = rendered(project, mode)
    found = manifests(files.base)
    (kustomization,) = of_kind([{"metadata": {"name": ""}, **each} for each in found], "Kustomization")
    assert {*kustomization["resources"], "kustomization.yaml"} == set(files.base)
    pods = {
        each["metadata"]["name"]: each["spec"]["template"]["metadata"]["labels"]
        for each in of_kind(found, "Deployment")
    }
    # The shadow worker is one pod, and nobody's requests wait for it.
    several = {
        each["metadata"]["name"]: pods[each["metadata"]["name"]]
        for each in of_kind(found, "Deployment")
        if "replicas" not in each["spec"]
    }
    for kind, wanted in (("Service", pods), ("PodDisruptionBudget", several)):
        selectors = [
            each["spec"]["selector"].get("matchLabels", each["spec"]["selector"]) for each in of_kind(found, kind)
        ]
        assert sorted(map(str, selectors)) == sorted(map(str, wanted.values()))
    assert {each["spec"]["scaleTargetRef"]["name"] for each in of_kind(found, "HorizontalPodAutoscaler")} == set(
        several
    )
    maps = {each["metadata"]["name"] for each in of_kind(found, "ConfigMap")}
    specs = [each["spec"]["template"]["spec"] for each in of_kind(found, "Deployment") + of_kind(found, "Job")]
    mounted = {v["configMap"]["name"] for spec in specs for v in spec["volumes"] if "configMap" in v}
    assert mounted == maps
    services = {each["metadata"]["name"] for each in of_kind(found, "Service")}
    routes = of_kind(manifests(files.overlay) + found, "HTTPRoute")
    assert {b["name"] for each in routes for rule in each["spec"]["rules"] for b in rule["backendRefs"]} <= services
    assert len({(each["kind"], each["metadata"]["name"]) for each in routes}) == len(routes)


@pytest.mark.parametrize(("project", "mode"), COMBINATIONS)
def test_no_container_may_more_than_those_of_compose(project: Any, mode: Mode) -> None:
    found = manifests(rendered(project, mode).base)
    assert containers(found)
    for each in containers(found):
        context = each["securityContext"]
        assert context["readOnlyRootFilesystem"]
        assert not context["allowPrivilegeEscalation"]
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert "memory" in each["resources"]["limits"]
    for each in of_kind(found, "Deployment") + of_kind(found, "Job"):
        spec = each["spec"]["template"]["spec"]
        assert spec["securityContext"]["runAsNonRoot"]
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not spec["automountServiceAccountToken"]


def test_secrets_are_references_and_fastapi_gets_its_own_alone() -> None:
    found = manifests(rendered(EXAMPLE).base)
    (fastapi,) = of_kind(found, "Deployment", "fastapi")
    secrets = {
        v["name"]: v["valueFrom"]["secretKeyRef"]
        for v in fastapi["spec"]["template"]["spec"]["containers"][0]["env"]
        if "valueFrom" in v
    }
    assert secrets == {
        "FASTAPI_DATABASE_URL": {"name": "strangler-fastapi-database", "key": "url"},
        "JWT_SIGNING_KEY": {"name": "strangler-tokens", "key": "signing-key"},
    }
    assert "blog-db-app  uri" in rendered(EXAMPLE).overlay["kustomization.yaml"]


def test_a_secret_inside_a_text_is_composed_by_kubernetes() -> None:
    django = SHOP.django.model_copy(update={"environment": {"KEYS": "a$(b),{secret_key}"}})
    found = manifests(rendered(SHOP.model_copy(update={"django": django})).base)
    env = of_kind(found, "Deployment", "django")[0]["spec"]["template"]["spec"]["containers"][0]["env"]
    assert env == [
        {
            "name": "STRANGLER_SECRET_KEY",
            "valueFrom": {"secretKeyRef": {"name": "strangler-django", "key": "secret-key"}},
        },
        {"name": "KEYS", "value": "a$$(b),$(STRANGLER_SECRET_KEY)"},
    ]


def test_everybody_has_the_time_that_its_end_takes() -> None:
    found = manifests(rendered(project_with(EXAMPLE, nginx={"drain_seconds": 90}, django={"stop_seconds": 40})).base)
    grace = {
        each["metadata"]["name"]: each["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
        for each in of_kind(found, "Deployment")
    }
    (configuration,) = of_kind(found, "ConfigMap", "nginx-")
    assert "worker_shutdown_timeout 90s;" in configuration["data"]["nginx.conf"]
    assert grace == {"nginx": 15 + 90 + 5, "django": 15 + 40, "fastapi": 15 + 30}


def test_a_move_is_another_configuration_and_another_job() -> None:
    before, after = rendered(EXAMPLE), rendered(EXAMPLE, table=table_with(EXAMPLE, "feed.list", stage=Stage.MIGRATED))
    names = [
        {each["metadata"]["name"] for each in of_kind(manifests(f.base), "ConfigMap", "nginx-")}
        for f in (before, after)
    ]
    assert names[0].isdisjoint(names[1])
    setup = of_kind(manifests(before.base), "Job", "setup-")[0]
    larger = rendered(project_with(EXAMPLE, setup={"image": "registry.example.com/strangler:2"}))
    assert of_kind(manifests(larger.base), "Job", "setup-")[0]["metadata"]["name"] != setup["metadata"]["name"]
    pods = setup["spec"]["template"]["spec"]
    assert [each["name"] for each in (*pods["initContainers"], *pods["containers"])] == ["migrate", "grant"]


def test_only_nginx_reaches_the_stacks_and_only_they_reach_postgresql() -> None:
    policies = {
        each["metadata"]["name"]: each["spec"] for each in of_kind(manifests(rendered(EXAMPLE).base), "NetworkPolicy")
    }
    assert policies["deny"] == {
        "podSelector": {"matchLabels": {"app.kubernetes.io/name": "blog"}},
        "policyTypes": ["Ingress", "Egress"],
    }
    postgres = {"matchLabels": {"cnpg.io/cluster": "blog-db"}}
    reach = {name for name, spec in policies.items() if {"podSelector": postgres} in _peers(spec, "egress", "to")}
    assert reach == {"django", "fastapi", "setup"}
    for stack in ("django", "fastapi"):
        (peer,) = _peers(policies[stack], "ingress", "from")
        assert peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "nginx"


def _peers(spec: Manifest, direction: str, key: str) -> list[Manifest]:
    return [peer for rule in spec.get(direction, ()) for peer in rule.get(key, ())]


def test_a_prometheus_reads_the_stacks_that_count_and_nobody_else_does() -> None:
    assert "monitoring.yaml" not in rendered(EXAMPLE).base
    found = manifests(rendered(project_with(EXAMPLE, monitoring="observability")).base)
    services = {each["metadata"]["name"]: each for each in of_kind(found, "Service")}
    monitors = of_kind(found, "ServiceMonitor")
    assert [each["metadata"]["name"] for each in monitors] == ["django", "fastapi"]
    for each in monitors:
        service = services[each["metadata"]["name"]]
        assert each["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
        assert [end["port"] for end in each["spec"]["endpoints"]] == [port["name"] for port in service["spec"]["ports"]]
        (policy,) = of_kind(found, "NetworkPolicy", each["metadata"]["name"])
        namespaces = [peer.get("namespaceSelector") for peer in _peers(policy["spec"], "ingress", "from")]
        assert {"matchLabels": {"kubernetes.io/metadata.name": "observability"}} in namespaces
        env = next(c for c in containers(found) if c["name"] == each["metadata"]["name"])["env"]
        assert {"name": "SERVICE_METRICS", "value": "1"} in env
    # This project doesn't count.
    assert "monitoring.yaml" not in rendered(project_with(SHOP, monitoring="observability")).base


def test_a_stack_that_runs_already_gets_no_pods() -> None:
    project = project_with(SHOP, django={"service": "web.legacy:8000", "image": ""})
    found = manifests(rendered(project).base)
    assert not of_kind(found, "Deployment", "django")
    (configuration,) = of_kind(found, "ConfigMap", "nginx-")
    assert "server web.legacy.svc.cluster.local:8000 resolve;" in configuration["data"]["http.conf"]
    assert "initContainers" not in of_kind(found, "Job", "setup-")[0]["spec"]["template"]["spec"]


def test_more_connections_than_postgresql_has_are_refused_with_the_sum() -> None:
    assert rendered(EXAMPLE).notes[-1].startswith("up to 92 of PostgreSQL's 97 connections: django 40 (4+1 pods")
    # Without a pool, Django has a connection for each thread: 5 pods of 2 workers of 4.
    assert "django 40 (4+1 pods of 2 workers with 4 each)" in rendered(SHOP).notes[-1]
    with pytest.raises(UsageError, match=r"may open 142 connections.*fastapi 100 .*it has 97 for them.*lower max_repl"):
        rendered(project_with(EXAMPLE, fastapi={"pool": 9}))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"django": {"image": ""}}, r"names no image of django: set image = .* under \[kubernetes.django\]"),
        ({"setup": {"image": ""}}, "names no image of strangler"),
    ],
)
def test_what_is_missing_is_named(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        rendered(project_with(EXAMPLE, **changes))
    with pytest.raises(UsageError, match=r"says nothing of a cluster: add \[kubernetes\]"):
        rendered(EXAMPLE.model_copy(update={"kubernetes": None}))


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("replica = 2", "line 3: kubernetes.nginx.replica is unknown: did you mean replicas?"),
        ("replicas = 5", "line 2: kubernetes.nginx: max_replicas is less than replicas: raise it"),
        ('memory = "lots"', "line 3: kubernetes.nginx.memory is 'lots': write a quantity such as"),
    ],
)
def test_a_mistake_is_named_with_its_line(line: str, sentence: str) -> None:
    text = EXAMPLE.file.read_text().partition("# The cluster that")[0]
    start = text.count("\n")
    with pytest.raises(ProjectError) as caught:
        project_parse(f'{text}[kubernetes]\nhosts = ["a"]\n[kubernetes.nginx]\n{line}\n', file=EXAMPLE.file)
    for number in (2, 3):
        sentence = sentence.replace(f"line {number}:", f"line {start + number + 1}:")
    assert sentence in str(caught.value)


def test_a_configuration_of_many_routes_is_packed_and_may_be_applied_from_any_machine() -> None:
    table = table_of(1_000)
    (written,) = of_kind(manifests(rendered(EXAMPLE, table=table).base), "ConfigMap", "nginx-")
    assert texts_of(written) == rendered_routes(cluster_project(EXAMPLE), table).files
    assert len(json.dumps(written)) < ANNOTATION_BYTES
    # Packed by another zlib, it has other bytes.
    assert (list(written["binaryData"]), "immutable" in written) == (["routes.conf.gz"], False)
    (written,) = of_kind(manifests(rendered(EXAMPLE).base), "ConfigMap", "nginx-")
    assert ("binaryData" in written, written["immutable"]) == (False, True)


PARTS = {"nginx", "django", "fastapi", "setup", "postgres", "secrets"}


def test_every_key_is_documented() -> None:
    text = (ROOT / "docs" / "kubernetes.md").read_text()
    tables = {"": KubernetesTable, "setup.": SetupTable, "postgres.": PostgresTable, "secrets.": SecretsTable}
    keys = [f"{place}{key}" for place, table in tables.items() for key in table.model_fields]
    keys += [*NginxTable.model_fields, *StackTable.model_fields]
    assert [key for key in keys if f"`{key}`" not in text and key not in PARTS] == []


def test_a_network_of_everybody_is_no_trusted_proxy() -> None:
    text = EXAMPLE.file.read_text().replace('["10.244.0.0/16"]', '["0.0.0.0/0"]')
    with pytest.raises(ProjectError, match="any client may forge its address"):
        project_parse(text, file=EXAMPLE.file)


def test_a_shadow_needs_its_worker() -> None:
    files = rendered(EXAMPLE, table=table_with(EXAMPLE, "feed.list", shadow=5))
    (configuration,) = of_kind(manifests(files.base), "ConfigMap", "nginx-")
    assert "syslog" not in "".join(configuration["data"].values())
    assert files.notes[0].startswith("shadow of feed.list: left out; shadow_rate = 20 under [kubernetes] gives")
    assert table_at(EXAMPLE, Stage.LEGACY).routes


def test_nginx_alone_sends_samples_and_the_worker_reaches_the_stacks_alone() -> None:
    found = manifests(rendered(SHADOWED, table=table_with(SHADOWED, "feed.list", shadow=5)).base)
    (configuration,) = of_kind(found, "ConfigMap", "nginx-")
    assert "server=shadow.blog.svc.cluster.local:5140,nohostname" in configuration["data"]["moves.conf"]
    policies = {each["metadata"]["name"]: each["spec"] for each in of_kind(found, "NetworkPolicy")}
    samples, results = policies["shadow"]["ingress"]
    assert samples["ports"] == policies["nginx"]["egress"][-1]["ports"] == [{"protocol": "UDP", "port": 5140}]
    assert [peer["podSelector"]["matchLabels"][COMPONENT_LABEL] for peer in samples["from"]] == ["nginx"]
    assert results == {
        "from": [{"ipBlock": {"cidr": "10.0.0.0/28"}}],
        "ports": [{"protocol": "TCP", "port": 9146}],
    }
    reached = _peers(policies["shadow"], "egress", "to")
    assert [peer["podSelector"]["matchLabels"][COMPONENT_LABEL] for peer in reached] == ["django", "fastapi"]
    unread = rendered(project_with(EXAMPLE, shadow_rate=20))
    (policy,) = of_kind(manifests(unread.base), "NetworkPolicy", "shadow")
    assert [rule["ports"][0]["port"] for rule in policy["spec"]["ingress"]] == [5140]
    assert any(note.startswith("api_server is empty") for note in unread.notes)
    (worker,) = containers(of_kind(found, "Deployment", "shadow"))
    assert {each["name"] for each in worker["env"] if "value" not in each} == set()
