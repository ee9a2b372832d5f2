"""Posts, tags and the public feed, on the legacy stack."""
