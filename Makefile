# What people and CI call. Needs Python >= 3.11 and make; `make help` lists the targets.

# A Python to make .venv with; without it the first of `pythons` that is new enough.
PYTHON ?=
pythons = python3 python3.13 python3.12 python3.11

# Every path is relative, so that a space in the checkout's own path does no harm.
python = .venv/bin/python
strangler = $(python) -m strangler.cli

# `$(call bootstrap,run)`: .venv with the locked requirements of a set, made by the first Python that is new enough.
new_enough = import sys; sys.exit(sys.version_info < (3, 11))
bootstrap = for python in $(if $(PYTHON),"$(PYTHON)",$(pythons)); do \
	"$$python" -c '$(new_enough)' 2>/dev/null || continue; \
	exec "$$python" -I requirements/bootstrap.py $(1) $(if $(PYTHON),--this-python); \
	done; \
	echo 'make: $(or $(PYTHON),no python3 here) is no Python >= 3.11: install one, or name it with PYTHON=/path/to/python3.' >&2; \
	exit 2

.DEFAULT_GOAL := help
.PHONY: help up status logs down deploy restart backup restore seed routes switch plan apply rollback history check cases compare schema env containers \
	test test-long test-pythons test-torture torture torture-instances soak audit fuzz bench bench-switch bench-compare bench-ramp bench-growth bench-peers bench-page bench-check \
	lint lock clean

help: ## List the targets
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@/ { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { sub(":.*", "", $$1); printf "  make %-13s %s\n", $$1, $$2 }' Makefile

##@ The stack
up: ## Start everything and stay in front; DETACH=1 leaves it in the background, STACK=fastapi leaves Django out
	@$(call bootstrap,run)
	@$(strangler) up $(if $(DETACH),--detach) $(if $(STACK),--stack "$(STACK)") $(if $(FORCE),--force)

status: ## What runs, where, and whether it answers
	@$(call bootstrap,run)
	@$(strangler) status

logs: ## The end of each log; SERVICE=django for one, FOLLOW=1 to go on
	@$(call bootstrap,run)
	@$(strangler) logs $(SERVICE) $(if $(FOLLOW),--follow)

down: ## End what make up started
	@$(call bootstrap,run)
	@$(strangler) down

deploy: ## Replace a service by its new code without losing a request: make deploy SERVICE=fastapi
	@$(call bootstrap,run)
	@$(strangler) deploy $(SERVICE)

restart: deploy ## The same: a new process of a service that loses no request

backup: ## The database and the tool's files, into a folder; TO=/mnt/backups/monday
	@$(call bootstrap,run)
	@$(strangler) backup $(if $(TO),--to "$(TO)")

restore: ## Prove a backup row by row: make restore FROM=.run/backups/…; REPLACE=1 puts it in place, YES=1
	@$(call bootstrap,run)
	@$(strangler) restore "$(FROM)" $(if $(REPLACE),--replace) $(if $(YES),--yes)

seed: ## Add posts to the running stack: make seed POSTS=100000
	@$(call bootstrap,run)
	@$(strangler) manage seed --posts $(or $(POSTS),1000)

##@ Move routes; the rest is in `.venv/bin/strangler --help`
# Quoted, so that the shell leaves the * of a name alone.
names = $(foreach name,$(ROUTES),'$(name)')
insist = $(if $(YES),--yes) $(if $(REASON),--reason "$(REASON)") $(if $(FORCE),--force)
routes: ## Each route: its stage, who answers it, since when, by whom; ROUTES="posts.*"
	@$(call bootstrap,run)
	@$(strangler) routes $(names)

switch: ## Move routes: make switch ROUTES="posts.list tags.*" TO=canary PERCENT=10 YES=1 REASON="try it"
	@$(call bootstrap,run)
	@$(strangler) switch $(names) $(if $(TO),--to $(TO)) $(if $(PERCENT),--percent $(PERCENT)) $(insist)

plan: ## What would change if nginx/routes.toml were applied
	@$(call bootstrap,run)
	@$(strangler) plan

apply: ## Apply nginx/routes.toml as it is; YES=1 REASON="…" FORCE=1
	@$(call bootstrap,run)
	@$(strangler) apply $(insist)

rollback: ## Take the last change back; TO=3 returns to change 3 of make history, ROUTE=… one route, DJANGO=1 all to Django, YES=1
	@$(call bootstrap,run)
	@$(strangler) rollback $(ROUTE) $(if $(DJANGO),--all-to-django) $(if $(TO),--to $(TO)) $(if $(YES),--yes) $(if $(REASON),--reason "$(REASON)")

history: ## What was applied, when, by whom and why
	@$(call bootstrap,run)
	@$(strangler) history

check: ## Is every endpoint in the routes file, implemented where it is sent, and does nginx run that file?
	@$(call bootstrap,run)
	@$(strangler) check

cases: ## Generate cases for every route from the API's own description and stored values; ARGS="--seed 7"
	@$(call bootstrap,run)
	@$(strangler) cases generate $(ARGS)

compare: ## Ask both stacks every case, writes too, on copies; ARGS="--route 'posts.*' --html report.html"
	@$(call bootstrap,run)
	@$(strangler) compare --writes $(ARGS)

schema: ## The tables that both stacks share: make schema ARGS=check; also diff, graph, guard
	@$(call bootstrap,run)
	@$(strangler) schema $(or $(ARGS),check)

##@ The same in containers
secrets = SECRET_KEY JWT_SIGNING_KEY POSTGRES_PASSWORD DATABASE_PASSWORD FASTAPI_DATABASE_PASSWORD
env: ## Put a random secret into .env for each that isn't there; then docker compose up --build
	@umask 077; touch .env; chmod 600 .env; [ -z "$$(tail -c 1 .env)" ] || echo >>.env; \
	for name in $(secrets); do \
		grep -q "^$$name=." .env || echo "$$name=$$(od -An -N 32 -tx1 /dev/urandom | tr -d ' \n')" >>.env; \
	done

COMPOSE ?= docker compose
containers: ## Build and start the containers, ask them what a client does, remove them; COMPOSE="podman compose"
	@$(call bootstrap,dev)
	@COMPOSE="$(COMPOSE)" $(python) -m pytest tests/e2e/containers/check_*.py $(ARGS)

##@ Work on it
# Three workers, since they wait for servers part of their time. The tests start hundreds of processes: with bytecode kept,
# whatever the environment says, each compiles nothing anew. In the order of the folders, whole stacks come before units, so
# that no worker is left with them at the end.
pytest = env -u PYTHONDONTWRITEBYTECODE $(python) -m pytest -n 3 --dist loadfile --no-loadscope-reorder
test: ## Run the tests, on servers of their own, in minutes; ARGS="-k feed" passes arguments to pytest
	@$(call bootstrap,dev)
	@$(pytest) -m "not long and not torture" $(ARGS)

# One process more than above: these wait for servers most of the time.
test-long: ## Run what takes longer: planted faults, kills, searches, whole stacks; ARGS as above
	@$(call bootstrap,dev)
	@$(pytest) -n 4 -m long $(ARGS)

# uv makes each environment of the same lock in seconds.
PYTHONS ?= python3.11 python3.13
test-pythons: ## Run the unit tests on other versions of Python; PYTHONS="/usr/bin/python3.11 python3.13"
	@$(call bootstrap,dev)
	@set -e; for name in $(PYTHONS); do \
		found="$$(command -v "$$name")" || { echo "make: there is no $$name: install it, or name others with PYTHONS=." >&2; exit 2; }; \
		environment=".run/pythons/$$("$$found" -c 'import platform; print(platform.python_version())')"; \
		echo "$$found in $$environment"; \
		$(python) -m uv venv --quiet --clear --python "$$found" "$$environment"; \
		$(python) -m uv pip install --quiet --python "$$environment" --require-hashes -r requirements/dev.txt; \
		PYTHONPATH="$(CURDIR)" "$$environment/bin/python" -m pytest -q -n 2 -m "not long" -p no:cacheprovider tests/unit $(ARGS); \
	done

test-torture: ## Load services until they would break: 1,000 streams, a million rows; alone on the machine
	@$(call bootstrap,dev)
	@$(python) -m pytest -m torture -s tests/torture $(ARGS)

torture: ## Bring faults upon both stacks under load, into docs/reliability.md; ONLY=table-locked,fail-over
	@$(call bootstrap,dev)
	@$(python) -m tests.torture $(if $(ONLY),--only "$(ONLY)")

torture-instances: ## Restart and switch 5 nginx, 3 FastAPI and 3 Django side by side under load; REQUESTS=200000 MINUTES=20
	@$(call bootstrap,dev)
	@$(python) -m tests.torture.instances $(if $(REQUESTS),--requests "$(REQUESTS)") $(if $(MINUTES),--minutes "$(MINUTES)")

soak: ## Minutes of load with moves, deploys and deaths, and what grows, into docs/reliability.md; HOURS=1 or MINUTES=5, SEED=1
	@$(call bootstrap,dev)
	@$(python) -m tests.torture.soak $(if $(MINUTES),--minutes "$(MINUTES)") $(if $(HOURS),--hours "$(HOURS)") \
		$(if $(SEED),--seed "$(SEED)")

# --strict: what could not be looked up is no pass.
audit: ## Write SBOMs (CycloneDX) of what is locked to .run/audit, and look its known vulnerabilities up; wants a network
	@$(call bootstrap,dev)
	@$(python) -m uv venv --quiet --clear .run/audit
	@$(python) -m uv pip install --quiet --python .run/audit --require-hashes -r requirements/audit.txt
	@set -e; for service in $(services); do \
		.run/audit/bin/cyclonedx-py requirements "requirements/$$service.txt" --output-reproducible -o ".run/audit/$$service.cdx.json"; \
		echo "audit: .run/audit/$$service.cdx.json"; \
	done; for service in $(services); do \
		.run/audit/bin/pip-audit --strict --disable-pip --require-hashes -r "requirements/$$service.txt"; \
	done

fuzz: ## Have Schemathesis ask both stacks for what nobody thought of, into docs/reliability.md; SECONDS=120 SEED=1
	@$(call bootstrap,dev)
	@$(python) -m uv venv --quiet --clear .run/fuzz
	@$(python) -m uv pip install --quiet --python .run/fuzz --require-hashes -r requirements/fuzz.txt
	@$(python) -m tests.torture.fuzz $(if $(SECONDS),--seconds "$(SECONDS)") $(if $(SEED),--seed "$(SEED)")

bench: ## Compare the speed of both stacks under load; ONLY=own-list,detail ROUNDS=5 SECONDS=5 CONNECTIONS=16
	@$(call bootstrap,dev)
	@$(python) -m tests.bench $(if $(ROUNDS),--rounds "$(ROUNDS)") $(if $(SECONDS),--seconds "$(SECONDS)") \
		$(if $(CONNECTIONS),--connections "$(CONNECTIONS)") $(if $(WORKERS),--workers "$(WORKERS)") \
		$(if $(ONLY),--only "$(ONLY)") $(if $(JSON),--json "$(JSON)")

bench-switch: ## Switch under load and count what is lost; then what a thousand routes cost
	@$(call bootstrap,dev)
	@$(python) -m tests.bench.switch
	@$(python) -m tests.bench.table_cost

bench-compare: ## Does `strangler compare` keep the slower stack busy? ROUNDS=4 SECONDS=2
	@$(call bootstrap,dev)
	@$(python) -m tests.bench.compare $(if $(ROUNDS),--rounds "$(ROUNDS)") $(if $(SECONDS),--seconds "$(SECONDS)")

# The newest Python that is there: a peer has no release for older ones.
bench_pythons = python3.13 python3.12 $(wildcard $(PYENV_ROOT)/versions/3.13*/bin/python3) $(python)
bench_python = PYTHONPATH="$(CURDIR)" .run/bench/packages/bin/python
define bench_packages
	@$(call bootstrap,dev)
	@for name in $(bench_pythons); do \
		"$$name" -c '' 2>/dev/null || continue; \
		$(python) -m uv venv --quiet --allow-existing --python "$$(command -v "$$name")" .run/bench/packages; \
		exec $(python) -m uv pip install --quiet --python .run/bench/packages --require-hashes \
			-r requirements/dev.txt -r tests/bench/peers/requirements.txt; \
	done
endef
bench-growth: ## What both stacks take for every request as the tables grow, into docs/benchmark.md; POSTS="10000 1000000"
	$(bench_packages)
	@$(bench_python) -m tests.bench.growth $(foreach posts,$(POSTS),--posts "$(posts)")

bench-peers: ## v2 beside DRF, its peers and the limit, into docs/benchmark.md; ROUNDS=4 SECONDS=2 CONNECTIONS=16
	$(bench_packages)
	@$(bench_python) -m tests.bench.peer_rates $(if $(ROUNDS),--rounds "$(ROUNDS)") $(if $(SECONDS),--seconds "$(SECONDS)") \
		$(if $(CONNECTIONS),--connections "$(CONNECTIONS)")

bench-page: bench-peers bench-growth ## Measure anew what docs/benchmark.md shows of requests and fields, with its tables and plots; half an hour
	@$(bench_python) -m tests.bench.field_cost --page
	@$(bench_python) -m tests.bench --rounds 3 --seconds 3 --page

bench-check: ## Has v2 become slower beside DRF and the limit? A minute; fails where a ratio fell by a third
	@$(call bootstrap,dev)
	@$(python) -m tests.bench.peer_rates --check --rounds "$(or $(ROUNDS),3)" --seconds "$(or $(SECONDS),2)"

bench-ramp: ## Which planted faults `strangler ramp` catches, and which healthy ramps it stops; RAMPS=20 WITHOUT=100
	@$(call bootstrap,dev)
	@$(python) -m tests.bench.ramp $(if $(RAMPS),--ramps "$(RAMPS)") $(if $(WITHOUT),--without "$(WITHOUT)")

lint: ## ruff, mypy, import-linter
	@$(call bootstrap,dev)
	@$(python) -m ruff check .
	@$(python) -m ruff format --check .
	@$(python) -m mypy
	@$(python) .venv/bin/lint-imports

# dev first: the services' own files take its versions, and those of tools with an environment of their own don't.
services = django fastapi strangler guard native observability
apart = audit fuzz
extras_django = django blog tasks demo
extras_fastapi = fastapi admin tasks demo
extras_native = native editable
compile = $(python) -m uv pip compile -q pyproject.toml --python-version 3.11 --universal --generate-hashes \
	--no-emit-index-url --no-header $(if $(UPGRADE),--upgrade)
lock: ## Compile requirements/ from pyproject.toml; UPGRADE=1 takes newer versions
	@$(call bootstrap,dev)
	@$(compile) $(patsubst %,--extra %,$(services) blog admin tasks demo kubernetes editable dev) -o requirements/dev.txt
	@$(foreach service,$(services),$(compile) $(patsubst %,--extra %,$(or $(extras_$(service)),$(service))) -c requirements/dev.txt \
		-o requirements/$(service).txt && ):
	@$(foreach tool,$(apart),$(compile) --extra $(tool) -o requirements/$(tool).txt && ):
	@$(subst pyproject.toml,tests/bench/peers/requirements.in,$(compile)) -c requirements/dev.txt -o tests/bench/peers/requirements.txt

clean: ## End the stack, remove .venv and the caches; the data in .run stays
	@[ ! -x $(python) ] || $(strangler) down
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
