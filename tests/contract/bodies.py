"""Bodies that both stacks must refuse alike, and bodies that they must take alike."""

import json

JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
MULTIPART = {"Content-Type": "multipart/form-data; boundary=xx"}


def multipart(*pairs: tuple[str, str]) -> bytes:
    """A multipart body of these fields."""
    parts = (f'--xx\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in pairs)
    return ("".join(parts) + "--xx--\r\n").encode()


def as_json(**fields: object) -> bytes:
    """A JSON object."""
    return json.dumps(fields).encode()


BAD_POSTS = (
    *(b"{}", b"null", b"[]", b"5", b'{"title":""}', b'{"title":"x"}', b"{bad", b"\xff"),
    *(b'{"title":null,"content":null,"published":null,"tags":null}', as_json(title="x" * 201, content="c")),
    *(b'{"title":"a","content":"b","published":"maybe"}', b'{"title":"a","content":"b","published":[]}'),
    *(b'{"title":"a","content":"b","published":2}', b'{"title":"a","content":"b","published":{}}'),
    *(b'{"title":"a","content":"b","tags":"x"}', b'{"title":"a","content":"b","tags":{"a":1}}'),
    *(b'{"title":"a","content":"b","tags":true}', as_json(title="a", content="b", tags=["y" * 51])),
    *(b'{"title":"a","content":"b","tags":[1,null,"",[],{}," ok ","a\\u0000"]}', b'{"title":true,"content":[]}'),
    *(b'{"title":"a\\u0000\\ud800","content":"\\udfff"}', b'{"title":{},"content":1.5,"published":"yes","tags":5}'),
)
BAD_POST_PATCHES = (b'{"title":""}', b'{"published":"x","tags":[""]}', b"[]", b"null", b'{"tags":null}')
BAD_POST_FORMS = (
    *((FORM, body) for body in (b"", b"title=&content=", b"title=a", b"published=x&title=a&content=b")),
    *((FORM, body) for body in (b"tags=&title=a&content=b", b"title=a&content=b&tags[0]=%00&tags[1]=x")),
    *((MULTIPART, multipart(*pairs)) for pairs in ((), (("title", ""),), (("title", "a"), ("published", "zz")))),
)
BAD_USERS = (
    *(b"{}", b'{"username":"al","email":"x","password":"1"}', b'{"username":5,"email":5,"password":5}'),
    *(
        b'{"username":"alice","email":"ALICE@EXAMPLE.COM","password":"alice"}',
        b'{"username":[],"email":{},"password":true}',
    ),
    *(b'{"username":"a b!","email":"alice@EXAMPLE.com","password":"password"}', b"[]", b"null"),
    *(b'{"username":null,"email":null,"password":null}', b'{"username":"  ","email":" ","password":" "}'),
    as_json(username="u" * 51, email="e" * 250 + "@x.com", password="p" * 129),
    *(
        as_json(username="newuser1", email="newuser1@x.com", password=p)
        for p in ("newuser1", "12345678", "1234", "newuser1@x.co")
    ),
    *(
        as_json(username="newuser1", email="newuser1@x.com", password=p)
        for p in ("Password1", " dragon ", "x.com1", "١٢٣٤٥٦٧٨")
    ),
    *(b'{"username":"a\\u0000b!","email":"a\\u0000@x.com","password":"a\\u0000"}',),
    *(b'{"username":"\\ud800ab","email":"\\ud800@x.com","password":"\\ud800"}',),
    as_json(username="ａｌｉｃｅ", email="q@q.qq", password="longenough77"),
    as_json(username="ﬀ", email="q@q.qq", password="longenough77"),
)
EMAILS = (
    *(
        "a@b",
        "a@b.c",
        "a@b.cc",
        "a@localhost",
        "a b@x.com",
        '"a b"@x.com',
        "a@[127.0.0.1]",
        "a@[::1]",
        "a@[x]",
        "a@-b.com",
    ),
    *("a@b-.com", "é@x.com", "a@é.com", "a@x.é", "a@x..com", ".a@x.com", "a.@x.com", "a..b@x.com", "@x.com", "a@", "a"),
    *(
        "a@@x.com",
        "a@x.com\n",
        "a@x.c_m",
        "a@" + "x" * 64 + ".com",
        "a@x.xn--p1ai",
        "a@1.2.3.4",
        "a+b@x.com",
        "A@X.COM",
    ),
    *("a@x.com.", "a@b.123", '"\\"@x.com', '"a\\"b"@x.com', "a@x.co-m", "a@x.-com", "a@ｘ.com"),
)
BAD_TAGS = (
    *(b"{}", b'{"name":""}', b'{"name":"api"}', b'{"name":null}', b'{"name":[]}', as_json(name="t" * 51), b"[]"),
    *(b'{"name":"a\\u0000"}', b'{"name":" api "}', b'{"name":true}'),
)
