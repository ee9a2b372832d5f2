"""Made-up text in many scripts, so that a demo shows what real users write: RTL, CJK, accents, emoji.

Faker needs 0.1 to 0.5 ms for each text. Drawing 100,000 posts from a pool of its texts takes
seconds.
"""

from dataclasses import dataclass
from random import Random

from faker import Faker

LOCALES = ("en_US", "de_DE", "fr_FR", "el_GR", "ru_RU", "ar_AA", "he_IL", "ja_JP", "zh_CN", "th_TH")
TAG_NAMES = (
    "api",
    "books",
    "cooking",
    "databases",
    "django",
    "fastapi",
    "music",
    "nginx",
    "python",
    "testing",
    "travel",
)
# Of the columns.
TITLE_MAX_LENGTH = 200
TAG_NAME_MAX_LENGTH = 50
POOL_SIZE = 100
EMOJI_SHARE = 0.2


@dataclass(frozen=True, kw_only=True)
class Pool:
    """Texts of one language."""

    titles: tuple[str, ...]
    paragraphs: tuple[str, ...]
    first_names: tuple[str, ...]
    emoji: tuple[str, ...]
    tag: str


class SampleText:
    """Draws texts; the same seed draws the same ones in the same order."""

    def __init__(self, *, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 - sample data, nothing secret
        self.pools = [_pool(locale, seed=seed + index) for index, locale in enumerate(LOCALES)]

    @property
    def tag_names(self) -> list[str]:
        """Some twenty names of tags: English ones, and a word of each other language."""
        return list(dict.fromkeys([*TAG_NAMES, *(pool.tag for pool in self.pools[1:])]))

    def username(self, *, number: int) -> str:
        """A first name and the number, which makes it unique."""
        pool = self.random.choice(self.pools)
        return f"{self.random.choice(pool.first_names)}_{number}"

    def post(self) -> tuple[str, str]:
        """The title and the content of one post, in one language."""
        pool = self.random.choice(self.pools)
        title = self.random.choice(pool.titles)
        if self.random.random() < EMOJI_SHARE:
            title = f"{title} {self.random.choice(pool.emoji)}"
        paragraphs = self.random.choices(pool.paragraphs, k=self.random.randint(1, 4))
        return title[:TITLE_MAX_LENGTH], "\n\n".join(paragraphs)


def _pool(locale: str, *, seed: int) -> Pool:
    faker = Faker(locale)
    faker.seed_instance(seed)
    # A username holds letters, digits and @.+-_ only.
    names = (faker.first_name() for _ in range(POOL_SIZE))
    return Pool(
        titles=tuple(faker.sentence(nb_words=6).rstrip(".") for _ in range(POOL_SIZE)),
        paragraphs=tuple(faker.paragraph(nb_sentences=4) for _ in range(POOL_SIZE)),
        first_names=tuple("".join(filter(str.isalnum, name)).lower()[:30] for name in names),
        emoji=tuple(faker.emoji() for _ in range(POOL_SIZE)),
        tag=faker.word()[:TAG_NAME_MAX_LENGTH],
    )
