"""Faults in the depot's FastAPI side, which the scaffold wrote, and in what it is built of; each one small edit.

Generated cases of the routes that are named must find it.
"""

import dataclasses

from tests.planted.fault import Fault
from tests.planted.ported import FIELDS, IDENTITY, PAGES, PORTED_READS, PORTED_WRITES, at
from tests.planted.reads import READS
from tests.planted.writes import WRITES

DRF = "strangler_fastapi/drf"
ITEMS = "depot_fastapi/items/serializers.py"
ITEM_VIEWS = "depot_fastapi/items/router.py"
LABELS = "depot_fastapi/labels/serializers.py"
LABEL_VIEWS = "depot_fastapi/labels/router.py"
PLACES = "depot_fastapi/places/serializers.py"
PLACE_VIEWS = "depot_fastapi/places/router.py"
WISHES = "depot_fastapi/wishes/serializers.py"
WISH_VIEWS = "depot_fastapi/wishes/router.py"
_LIST = 'methods=("GET", "POST"),\n    permission='
_ROW = 'methods=("GET", "PUT", "PATCH", "DELETE"),\n    permission='
# Of the body alone, which has no owner.
_WISHED = (
    '"text": model_field(Wish, "text"),\n        "place": SlugRelatedField(\n'
    '            link=foreign_key(Wish, "place"), source="place_id", slug_field="name"'
)
_MODEL = "DjangoModelPermissionsOrAnonReadOnly(MODEL_PERMISSIONS, Item),"
_ACTIONS, _RELATIONS = f"{DRF}/resources/resource_actions.py", f"{DRF}/fields/relations.py"
_MODELS, _NUMBERS = f"{DRF}/fields/model_fields.py", f"{DRF}/fields/number_fields.py"
_CHOICES = f"{DRF}/fields/choice_fields.py"


def _again(faults: dict[str, Fault], **routes: str) -> dict[str, Fault]:
    """Faults of the library that the example has too, by the routes of the depot that show them."""
    named = {each.replace(" ", "_"): each for each in faults}
    return {
        named[name]: dataclasses.replace(faults[named[name]], asked=asked, found=frozenset())
        for name, asked in routes.items()
    }


DEPOT_READS = {
    "items the other way round": at(ITEMS, "items.list", 'ordering=("title",)', 'ordering=("-title",)'),
    "a text of another table is not searched": at(
        ITEMS, "items.list", 'search_fields=("title", "place__name")', 'search_fields=("title",)'
    ),
    "only another table is searched": at(
        ITEMS, "items.list", 'search_fields=("title", "place__name")', 'search_fields=("place__name",)'
    ),
    "an order is missing": at(ITEMS, "items.list", 'ordering_fields=("title", "price")', 'ordering_fields=("title",)'),
    "an order too many": at(
        ITEMS, "items.list", 'ordering_fields=("title", "price")', 'ordering_fields=("title", "price", "state")'
    ),
    "pages of six": at(ITEMS, "items.list", "page_size=5,", "page_size=6,"),
    "places by their id": at(PLACES, "places.list", 'ordering=("name",)', 'ordering=("id",)'),
    "labels from the first on": at(
        LABELS, "labels.list", 'LABEL_SERIALIZER, ordering=("-word",)', 'LABEL_SERIALIZER, ordering=("word",)'
    ),
    "a whole list comes in pages": at(LABELS, "labels.list", ', pagination=None, name="labels")', ', name="labels")'),
    "a list ends at the thousandth row": at(
        f"{DRF}/pagination/listing.py", "wishes.list", "rows[0][-1] if told", "min(rows[0][-1], 1000) if told"
    ),
    "wishes of others are seen": at(
        WISHES, "wishes.list", '    owner="owner_id",\n    name="wishes"', '    name="wishes"'
    ),
    "another text of a row": at(WISHES, "wishes.list", "lambda row: row.name", "lambda row: row.capacity"),
    "keys within the other way round": at(
        ITEMS, "items.list", 'model_fields(Label, "id", "word")', 'model_fields(Label, "word", "id")'
    ),
    "a key within is missing": at(
        ITEMS, "items.list", 'model_fields(Place, "id", "name", "capacity")', 'model_fields(Place, "id", "name")'
    ),
    "another row within": at(
        ITEMS,
        "items.list",
        'children=ITEM_PLACE_SERIALIZER, link=foreign_key(Item, "place")',
        'children=ITEM_PLACE_SERIALIZER, link=foreign_key(Item, "lent_to")',
    ),
    "the key of another row": at(
        ITEMS, "items.list", 'model_field(Item, "place_id")', 'model_field(Item, "lent_to_id", source="lent_to_id")'
    ),
    "a time is missing": at(ITEMS, "items.list", '        "updated_at": model_field(Item, "updated_at"),\n', ""),
    "a time is another one": at(
        ITEMS,
        "items.list",
        '"created_at": model_field(Item, "created_at")',
        '"created_at": model_field(Item, "made_on")',
    ),
    "only who signed in reads": at(
        ITEM_VIEWS, "items.list", f"{_LIST}{_MODEL}", f"{_LIST}lambda _request, caller: caller is not None,"
    ),
    "only staff wishes": at(
        WISH_VIEWS,
        "wishes.list",
        f"{_LIST}IsAuthenticated,",
        f"{_LIST}lambda _request, caller: caller is not None and caller.is_staff,",
    ),
    "a page links to nothing": at(PAGES, "items.list", "if number * size < count", "if number * size < count - 5"),
    "rows within in no order": at(
        f"{DRF}/links.py",
        "items.list",
        "tuple(_ordering_term(target, term) for term in _facts(target).ordering),",
        '("pk",) if False else (),',
    ),
    "a user who may not sign in reads": at(
        IDENTITY,
        "wishes.list",
        "        if self._check_active and not account.is_active:",
        "        if False:",
    ),
    "a choice within is read wrong": at(_CHOICES, "items.list", '"display_name": text', '"display": text'),
    "a label is another one": at(
        FIELDS, "items.list", 'name.replace("_", " ").capitalize()', 'name.replace("_", " ").title()'
    ),
    "a key that is none in other words": at(
        f"{DRF}/criteria.py",
        "items.retrieve",
        "raise Http404 from None\n    # Of no filter's name.",
        'raise Http404("No such row.") from None\n    # Of none.',
    ),
    "a key too large fails": at(
        f"{DRF}/criteria.py", "items.retrieve", "if is_in_range(kind, value) else", "if True else"
    ),
    **_again(
        PORTED_READS,
        the_search_minds_case="items.list",
        only_the_first_word_is_searched="items.list",
        signs_of_LIKE_mean_something="items.list",
        the_search_begins_at_the_beginning="items.list",
        quotes_hold_nothing_together="items.list",
        an_unknown_order_is_by_id="items.list",
        down_is_up="items.list",
        a_page_past_the_end_is_empty="items.list",
        the_last_page_has_no_name="items.list",
        page_none_is_the_first="items.list",
        page_one_is_named_in_a_link="items.list",
        links_lose_the_other_parameters="items.list",
        links_lose_empty_parameters="items.list",
        links_forget_TLS="items.list",
        links_of_v2_name_v1="items.list",
        links_of_v2_have_no_prefix="items.list",
        links_of_v2_forget_TLS="items.list",
        v2_leads_to_v1_where_the_last_slash_is_missing="places.list",
        a_path_is_linked_to_as_it_was_sent="items.list",
        an_expired_token_is_good="wishes.list",
        **{"a_signature_isn't_checked": "wishes.list"},
        a_refresh_token_is_good="wishes.list",
        the_scheme_minds_no_case="wishes.list",
        a_token_with_a_blank_is_none="wishes.list",
        NUL_reaches_the_database="items.list",
        another_format_is_taken="items.list",
        Accept_is_ignored="items.list",
        nothing_is_indented="items.list",
    ),
    **_again(
        READS,
        **{
            "a_count_of_the_page,_not_of_all": "items.list",
            "links_with_the_wrong_prefix": "items.list",
            "no_Location's_query": "items.list",
            "no_WWW-Authenticate": "wishes.list",
            "a_security_header_is_missing": "items.list",
            "another_content_type": "items.list",
            "an_error_in_other_words": "items.retrieve",
        },
    ),
}
DEPOT_WRITES = {
    "who signed in adds": at(
        ITEM_VIEWS,
        "items.create",
        f"{_LIST}{_MODEL}",
        f'{_LIST}lambda request, caller: request.method == "GET" or caller is not None,',
    ),
    "who signed in changes": at(
        ITEM_VIEWS,
        "items.update items.delete",
        f"{_ROW}{_MODEL}",
        f'{_ROW}lambda request, caller: request.method == "GET" or caller is not None,',
    ),
    "nobody adds a place": at(
        PLACE_VIEWS, "places.create", f"{_LIST}IsAuthenticatedOrReadOnly,", f"{_LIST}lambda _request, _caller: True,"
    ),
    "nobody takes a label away": at(
        LABEL_VIEWS,
        "labels.delete labels.update",
        f"{_ROW}IsAuthenticatedOrReadOnly,",
        f"{_ROW}lambda _request, _caller: True,",
    ),
    "a method is lost": at(PLACE_VIEWS, "places.update", "@place.patch()\n", ""),
    "what may be left out is wanted": at(ITEMS, "items.create", "required=False)", "required=True)"),
    "null is refused": at(
        WISHES, "wishes.create", f"{_WISHED}, required=False, allow_null=True", f"{_WISHED}, required=False"
    ),
    "null is wanted": at(
        WISHES, "wishes.create", f"{_WISHED}, required=False, allow_null=True", f"{_WISHED}, allow_null=True"
    ),
    "an owner is taken from the body": at(
        WISHES, "wishes.create", _WISHED, f'"owner": model_field(Wish, "owner_id"),\n        {_WISHED}'
    ),
    "a row by its id, not its name": at(
        WISHES, "wishes.create", _WISHED, _WISHED.replace('slug_field="name"', 'slug_field="id"')
    ),
    "a field that nobody sets": at(
        ITEMS, "items.create", 'model_field(Item, "details")', 'model_field(Item, "details", read_only=True)'
    ),
    "a blank is refused": at(
        ITEMS, "items.create", 'model_field(Item, "notes")', 'model_field(Item, "notes", allow_blank=False)'
    ),
    "shorter texts": at(
        ITEMS, "items.create", 'model_field(Item, "title")', 'model_field(Item, "title", max_length=79)'
    ),
    "no weight is refused": at(
        ITEMS, "items.create", 'model_field(Item, "weight")', 'model_field(Item, "weight", allow_null=False)'
    ),
    "less than nothing is a price": at(
        ITEMS, "items.create", 'model_field(Item, "price")', 'model_field(Item, "price", min_value=None)'
    ),
    "a choice too few": at(
        ITEMS, "items.create", 'model_field(Item, "state")', 'model_field(Item, "state", choices={"new": "new"})'
    ),
    "a choice too many": at(
        ITEMS,
        "items.list items.create",
        'model_field(Item, "state")',
        'model_field(Item, "state", choices={"new": "new", "used": "used", "lost": "lost"})',
    ),
    "a code is not unique": at(
        ITEMS, "items.create", 'model_field(Item, "code")', 'model_field(Item, "code", validators=())'
    ),
    "no place is a place": at(
        ITEMS, "items.create", 'model_field(Item, "place_id")', 'model_field(Item, "place_id", allow_null=True)'
    ),
    "a sale is not asked for": at(
        ITEMS, "items.create", 'model_field(Item, "for_sale")', 'model_field(Item, "for_sale", default=False)'
    ),
    "infinite is a number": at(_NUMBERS, "items.create", "if not math.isfinite(number):", "if False:"),
    "no price has too many digits": at(
        _NUMBERS, "items.create", "total > self.max_digits:", "total > self.max_digits + 9:"
    ),
    "a place more behind the point": at(
        _NUMBERS, "items.create", "places > self.decimal_places:", "places > self.decimal_places + 1:"
    ),
    "a number is no code": at(
        f"{DRF}/fields/text_fields.py", "items.create", "return UUID(int=value)", "raise ValueError"
    ),
    "a day in other words": at(f"{DRF}/fields/time_fields.py", "items.create", 'str] = "Date"', 'str] = "Day"'),
    "a time with seconds only": at(
        f"{DRF}/fields/time_fields.py",
        "items.create",
        'str] = "hh:mm[:ss[.uuuuuu]]"',
        'str] = "hh:mm:ss[.uuuuuu]"',
    ),
    "a choice minds no case": at(
        _CHOICES, "items.create", "if str(choice) == str(value):", "if str(choice).lower() == str(value).lower():"
    ),
    "a choice in other words": at(_CHOICES, "items.create", "is not a valid choice.", "is no valid choice."),
    "a point makes no number": at(
        _NUMBERS, "places.create", 'int(_NO_FRACTION.sub("", str(value)))', "int(str(value))"
    ),
    "a number that is none in other words": at(
        _NUMBERS, "places.create", '"A valid integer is required."', '"A valid number is required."'
    ),
    "less than none is a number": at(
        f"{DRF}/validators.py", "places.create", "if least is not None and value < least:", "if False:"
    ),
    "what has a default is wanted": at(
        _MODELS, "places.create", "not (has_default or facts.blank or facts.null)", "not (facts.blank or facts.null)"
    ),
    "a row that is none in other words": at(
        _RELATIONS, "items.create", "- object does not exist.'", "- there is none.'"
    ),
    "true is a key": at(
        _RELATIONS, "items.create", "if isinstance(value, bool):\n            raise self._wrong_type(value)", "pass"
    ),
    "a row need not be there": at(
        _RELATIONS,
        "items.create",
        "if not self._fits(key) or not await fetch(scope.session, self.lookup(key)):",
        "if not self._fits(key):",
    ),
    "a key too large is asked for": at(
        _RELATIONS, "items.create", "return key is not None and (most is None", "return key is not None and (True"
    ),
    "links are never taken away": at(
        _RELATIONS, "items.update", "if gone := sorted(linked - set(wanted)):", "if gone := []:"
    ),
    "links are never made": at(
        _RELATIONS,
        "items.create",
        "if new := {each for each in wanted if each not in linked}:",
        "if new := []:",
    ),
    "a text is a list": at(
        _RELATIONS,
        "items.create",
        "if isinstance(value, str) or not isinstance(value, Collection):",
        "if not isinstance(value, Collection):",
    ),
    "a name that nobody has in other words": at(
        _RELATIONS, "wishes.create", "={value} does not exist.", "={value!r} does not exist."
    ),
    "a change of nothing changes nothing": at(
        f"{DRF}/resources/row_writer.py", "items.update", "values or self._touched()) as made", "values) as made"
    ),
    "what hangs on a row stays": at(
        _ACTIONS,
        "places.delete",
        "await self.remove(session, [key])",
        "await session.execute(self.model.__table__.delete().where(self.listing.key() == key))",
    ),
    "nothing is taken away": at(
        _ACTIONS,
        "labels.delete",
        "        await self.remove(session, [key])\n",
        "",
    ),
    "everybody has every permission": at(
        f"{DRF}/views/model_permissions.py", "items.create", "return held == len(set(names))", "return True"
    ),
    "permissions of one's own don't count": at(
        f"{DRF}/views/model_permissions.py",
        "items.create",
        "is_held = or_(self.permission.id.in_(self._own()), self.permission.id.in_(self._of_groups()))",
        "is_held = self.permission.id.in_(self._of_groups())",
    ),
    "another permission for a change": at(
        f"{DRF}/views/model_permissions.py",
        "items.update",
        '"PUT": ["%(app_label)s.change_%(model_name)s"]',
        '"PUT": ["%(app_label)s.replace_%(model_name)s"]',
    ),
    "any password is right": at(
        "strangler_fastapi/auth/sign_in.py",
        "token.post",
        "if not await verify_off_loop(password, stored) or not is_active:",
        "if not is_active:",
    ),
    "a field that is wanted in other words": at(
        FIELDS,
        "places.create",
        'absent: ClassVar[str] = "This field is required."',
        'absent: ClassVar[str] = "Required."',
    ),
    "one error at a time": at(
        f"{DRF}/serializers.py",
        "places.create",
        "                errors[name] = error.detail\n        if errors:",
        "                errors[name] = error.detail\n                break\n        if errors:",
    ),
    "no body in other words": at(f"{DRF}/serializers.py", "places.create", '"No data provided"', '"No data."'),
    "a number may be too large": at(
        f"{DRF}/validators.py", "places.create", "if most is not None and value > most:", "if False:"
    ),
    "a method in other words": at(
        "strangler_fastapi/errors.py", "(no route)", "not allowed.', \"", "is not allowed.', \""
    ),
    **_again(
        PORTED_WRITES,
        texts_are_not_trimmed="places.create",
        no_text_is_too_long="places.create",
        a_blank_is_a_text="places.create",
        null_in_other_words="places.create",
        unique_in_any_case="places.create",
        a_number_is_no_text="places.create",
        true_is_a_text="places.create",
        a_boolean_minds_case="items.create",
        NUL_is_stored="places.create",
        a_PATCH_wants_everything="places.update",
        a_PUT_wants_nothing="places.update",
        a_new_row_is_answered_with_200="places.create",
        unique_but_for_itself_is_forgotten="places.update",
        broken_JSON_in_other_words="places.create",
        NaN_is_a_number="places.create",
        any_media_type_is_JSON="places.create",
        a_form_without_a_boolean_says_nothing="items.create items.update",
        a_name_is_taken_in_words_of_its_own="places.create",
    ),
    **_again(
        WRITES,
        a_change_is_not_written="places.update",
        a_token_is_not_noted="token.post",
    ),
}
DEPOT_FAULTS = DEPOT_READS | DEPOT_WRITES
