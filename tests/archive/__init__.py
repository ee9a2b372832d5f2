"""An app of papers in folders, which its views save and mark in their own ways."""
