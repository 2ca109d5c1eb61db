"""Parts of a study page: each shows one thing of a visit and offers one kind of action."""
