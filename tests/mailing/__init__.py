"""The example, with a new post that is announced: by a mail, and by a message to a queue that is filled by HTTP."""
