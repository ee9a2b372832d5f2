"""What nginx's access log says: who called, which stack answered, how fast and how well."""
