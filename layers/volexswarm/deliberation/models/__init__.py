"""The models that speak for roles: made by configuration, kept in bounds by a guarded client, read strictly.

What a model or its server does wrong ends here, in an answer or a typed abstention; the rest of the deliberation never sees it.
"""
