import unicodedata

from django_app.blog import models
from sample_data.text import TAG_NAME_MAX_LENGTH, TITLE_MAX_LENGTH, SampleText


def test_the_longest_texts_are_those_of_the_columns() -> None:
    assert (TITLE_MAX_LENGTH, TAG_NAME_MAX_LENGTH) == (models.TITLE_MAX_LENGTH, models.TAG_NAME_MAX_LENGTH)


def test_the_same_seed_draws_the_same_text() -> None:
    first, second, other = SampleText(seed=1), SampleText(seed=1), SampleText(seed=2)
    drawn = [first.post() for _ in range(20)]
    assert drawn == [second.post() for _ in range(20)]
    assert drawn != [other.post() for _ in range(20)]


def test_texts_fit_and_are_unicode() -> None:
    text = SampleText(seed=1)
    posts = [text.post() for _ in range(500)]
    assert all(0 < len(title) <= TITLE_MAX_LENGTH and content for title, content in posts)
    everything = "".join(title + content for title, content in posts)
    scripts = {unicodedata.name(letter).split()[0] for letter in set(everything) if letter.isalpha()}
    assert {"LATIN", "GREEK", "CYRILLIC", "ARABIC", "HEBREW", "THAI", "KATAKANA", "CJK"} <= scripts
    assert 15 <= len(text.tag_names) <= 25


def test_usernames_are_valid_and_unique_by_number() -> None:
    text = SampleText(seed=1)
    names = {text.username(number=number) for number in range(1000)}
    assert len(names) == 1000
    assert all(name.replace("_", "").isalnum() and 3 <= len(name) <= 50 for name in names)
