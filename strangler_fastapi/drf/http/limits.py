"""How much of everything a request may hold: Django's own limits, so that both stacks refuse alike.

nginx lets less through (`client_max_body_size`, `large_client_header_buffers`); these hold for who comes around it.
"""

from typing import Final

from strangler_fastapi.errors import SuspiciousRequest

# Django's defaults of DATA_UPLOAD_MAX_MEMORY_SIZE, DATA_UPLOAD_MAX_NUMBER_FIELDS and DATA_UPLOAD_MAX_NUMBER_FILES.
LARGEST_BODY: Final = 2_621_440
# Its FILE_UPLOAD_MAX_MEMORY_SIZE: what is larger is on disk.
LARGEST_IN_MEMORY: Final = 2_621_440
MOST_FIELDS: Final = 1000
MOST_FILES: Final = 100
# gunicorn's largest possible limit_request_line, its limit_request_fields and its limit_request_field_size.
LONGEST_ADDRESS: Final = 8190
MOST_HEADERS: Final = 100
LONGEST_HEADER: Final = 8190


def require_few_parameters(query: bytes) -> None:
    """Passes a query string of no more parameters than Django reads.

    Raises:
        SuspiciousRequest: it has more.
    """
    if query.count(b"&") >= MOST_FIELDS:
        raise SuspiciousRequest
