"""What else could answer the same requests: each peer as its own documentation would have it written, and short.

`own-list` and `detail` only, for a caller with an access token whose account has to be active. All have one process,
uvicorn where they are ASGI and gunicorn where WSGI, and a pool of 10 connections to the database of the benchmark.
"""
