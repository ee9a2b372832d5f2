"""An API whose rows belong to others that its paths name: reviews of titles, their comments, tasks of projects."""
