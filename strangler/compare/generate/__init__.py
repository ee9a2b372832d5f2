"""Generated cases: requests made from what is known of an API and from values that its database holds."""
