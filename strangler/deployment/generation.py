"""What cases are generated from, read from the running stack: documents, views, contract, rows, and who signs in."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from strangler.adoption.endpoints import DjangoApi
from strangler.compare.client.signed_tokens import TokenSigner
from strangler.compare.generate.facts import facts_of
from strangler.compare.generate.operations import ApiDocument, Operation, operations_of
from strangler.compare.generate.stored import stored_values, user_password, user_table_of
from strangler.compare.generate.world import World, callers_choose
from strangler.deployment.local_stack import LocalStack
from strangler.errors import UsageError
from strangler.rollout.endpoints import document_read
from strangler.routes.route import Stack
from strangler.schema.django_side import django_project
from strangler.settings import LocalSettings


@contextmanager
def world_opened(stack: LocalStack, *, seed: int) -> Iterator[World]:
    """All that cases are generated from, of a stack that runs.

    :raises UsageError: the project file doesn't say where a document is, or how Django's commands are called.
    :raises FailedError: the stack doesn't run, or the database doesn't answer.
    """
    project = stack.settings.project
    contract, connections = project.load_contract(), stack.connections_resolve()
    operations = operations_read(stack)
    users = user_table_of(contract, project.sign_in)
    with stored_values(connections.owner_dsn, contract, seed=seed) as stored:
        rows = stored.users(users) if users else []
        signs = token_signer(stack) is not None
        yield World(
            operations=operations,
            contract=contract,
            stored=stored,
            callers=callers_choose(rows, project.compare.callers, signs=signs),
            user_table=users,
            users=rows,
            sign_in=project.sign_in,
            prefix=project.prefixes.upstream(Stack.DJANGO),
            browsable=project.django.browsable,
            seed=seed,
        )


def operations_read(stack: LocalStack) -> tuple[Operation, ...]:
    """The operations of all routes of a stack that runs, from its OpenAPI documents, the contract and Django's views.

    :raises UsageError: the project file doesn't say where a document is, or how Django's commands are called.
    :raises FailedError: the stack doesn't run.
    """
    settings, project = stack.settings, stack.settings.project
    right = _document(settings, Stack.FASTAPI)
    # Of a Django without one: what is there is compared, and what FastAPI lacks is listed by check.
    left = _document(settings, Stack.DJANGO) or right
    if left is None:
        raise UsageError("the project file names no OpenAPI document", "add openapi to [django], or to [fastapi]")
    api = DjangoApi.read(django_project(settings, stack.connections_resolve()))
    facts = facts_of(api.model_dump(), prefix=project.prefixes.upstream(Stack.DJANGO))
    return operations_of(project.load_routes(), left, right, project.load_contract(), facts)


def token_signer(stack: LocalStack) -> TokenSigner | None:
    """Signs as the project does; None where its tokens are opaque or none of simplejwt's, or its key isn't known."""
    project, connections = stack.settings.project, stack.connections_resolve()
    contract = project.load_contract()
    users = user_table_of(contract, project.sign_in)
    if contract.tokens is None or users is None or not (project.sign_in and project.sign_in.claim):
        return None
    if not connections.jwt_signing_key:
        return None
    return TokenSigner(
        settings=contract.tokens,
        key=connections.jwt_signing_key,
        # Of the real database, which no run changes.
        user=cache(lambda name: user_password(connections.owner_dsn, contract, users, name)),
    )


def _document(settings: LocalSettings, stack: Stack) -> ApiDocument | None:
    section = settings.project.stack(stack)
    if not section.openapi:
        return None
    content = document_read(section.openapi, gateway_url=settings.stack_url(stack), host=settings.probe_host)
    return ApiDocument(content=content, prefix=settings.project.prefixes.upstream(stack))
