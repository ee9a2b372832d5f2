"""What a handler answers: data of a serializer, a page of a list, or what DRF's own has answered, within constants."""

import ast
from typing import Any

from rest_framework.response import Response

from strangler_django.endpoints.code.own_code import UnreadError
from strangler_django.endpoints.handlers.calls import HandlerCalls, Headers, SuperAnswer
from strangler_django.endpoints.handlers.parts import Outcome, Row, UsedSerializer
from strangler_django.endpoints.handlers.source import body_of, response_of


class HandlerAnswers(HandlerCalls):
    """As HandlerCalls."""

    def _returned(self, value: ast.expr) -> Any:  # noqa: ANN401 - as above
        if self._scope.code.is_helper:
            row = self._row(value)
            if row is None:
                raise UnreadError
            return row
        if (page := self._page(value)) is not None:
            return page
        above = self._super(value) or (self._scope.names.get(value.id) if isinstance(value, ast.Name) else None)
        if isinstance(above, SuperAnswer):
            body = above.body or (["data"] if above.used else ["empty"])
            return Outcome(
                above.status, body, above.used, has_headers=True, paged=bool(above.used and above.used.paged)
            )
        status, content, headers = response_of(value, self._scope.code.names)
        has_headers = isinstance(headers, ast.Name) and isinstance(self._scope.names.get(headers.id), Headers)
        if headers is not None and not has_headers:
            raise UnreadError
        if content is None:
            return Outcome(status, ["empty"], has_headers=has_headers)
        body, used = self._body(content)
        return Outcome(status, body, used, has_headers=has_headers, paged=bool(used and used.of_view and used.paged))

    def _body(self, content: ast.expr) -> tuple[list[Any], UsedSerializer | None]:
        """What is answered, and the serializer that shows it."""
        used: list[UsedSerializer] = []
        body = body_of(self._resolved(content), lambda code: self._shown(code, used))
        if len(used) > 1:
            raise UnreadError
        return body, used[0] if used else None

    def _page(self, value: ast.expr) -> Outcome | None:
        """A page of a list, as DRF has it; None of another expression."""
        match value:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="self"), attr="get_paginated_response"), args=[data]):
                self.hooks.add("get_paginated_response")
                body, used = self._body(data)
                if body != ["data"] or used is None or not used.paged:
                    raise UnreadError
                return Outcome(200, body, used, paged=True)
        return None

    def _change(self, name: str, attribute: str, value: ast.expr) -> None:
        """Changes a row, or what the handler of DRF's has answered."""
        if isinstance(row := self._scope.names.get(name), Row):
            self._set(row, attribute, value)
            return
        answer = self._scope.names.get(name)
        if not isinstance(answer, SuperAnswer):
            raise UnreadError
        if attribute == "data" and answer.body is None:
            answer.body, used = self._body(value)
            if used not in (None, answer.used):
                raise UnreadError
        elif attribute == "status_code":
            answer.status = response_of(
                ast.Call(func=ast.Name(id="Response"), args=[], keywords=[ast.keyword("status", value)]),
                {**self._scope.code.names, "Response": Response},
            )[0]
        else:
            raise UnreadError

    def _shown(self, code: ast.expr, used: list[UsedSerializer]) -> bool:
        """Whether an expression is what a serializer shows, which is `used` then."""
        match code:
            case ast.Attribute(value=ast.Name(id=name), attr="data") if isinstance(
                above := self._scope.names.get(name), SuperAnswer
            ):
                if above.used is None or above.body is not None:
                    raise UnreadError
                used.append(above.used)
                return True
            case ast.Attribute(value=inner, attr="data" | "errors" as name):
                found = self._serializer(inner)
                if found is None:
                    return False
                is_refused = found.is_validated and not self._valid
                if (name == "errors") is not is_refused or (found.has_data and not found.is_validated):
                    raise UnreadError
                used.append(found)
                return True
        return False
