"""Faults that no single answer shows: before the commit, out of a memory that is stale, and in one that grows."""

from tests.planted.fault import Fault
from tests.planted.ported import at

UNSEEN: dict[str, Fault] = {
    "an answer before the commit": at(
        "strangler_fastapi/drf/views/view_routes.py",
        "tags.create",
        "            await session.commit()\n"
        "        finally:\n"
        "            await session.close()\n"
        "        return response\n",
        "            from starlette.background import BackgroundTasks\n\n"
        "            response.background = later = BackgroundTasks()\n"
        "            later.add_task(session.commit)\n"
        "            later.add_task(session.close)\n"
        "        except BaseException:\n"
        "            await session.close()\n"
        "            raise\n"
        "        return response\n",
    ),
    "a list is kept in memory": at(
        "strangler_fastapi/drf/resources/resource_actions.py",
        "tags.create",
        "        return handler.response("
        "await paginate(request, session, self.listing, criteria, terms, self._pagination))\n",
        '        kept = self.__dict__.setdefault("kept", {})\n'
        "        if request.url.query not in kept:\n"
        "            page = await paginate(request, session, self.listing, criteria, terms, self._pagination)\n"
        "            kept[request.url.query] = page\n"
        "        return handler.response(kept[request.url.query])\n",
    ),
    "a row is kept in memory": at(
        "fastapi_app/posts/router.py",
        "posts.update",
        "    return JsonResponse(await listing.get(session, _named(request, caller)))\n",
        '    kept = globals().setdefault("kept", {})\n'
        "    if (key := (caller.id, str(request.url))) not in kept:\n"
        "        kept[key] = await listing.get(session, _named(request, caller))\n"
        "    return JsonResponse(kept[key])\n",
    ),
    "what is sent is never forgotten": at(
        "strangler_fastapi/drf/http/bodies.py",
        "users.update",
        "        request.state.body = body\n",
        '        request.state.body = body\n        globals().setdefault("kept", []).append(b"x" * 1_000_000)\n',
    ),
}
