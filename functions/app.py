"""Composition root of all functions: one Chalice app, to which every agent and every part of the API registers.

Only the API's own function imports this module when it runs; the others import their handler's module alone.
"""

from __future__ import annotations

from chalice.app import Chalice

from chalicelib import agents, api

# Chalice's own set-up would take the logger of the app's name, which is the domain's too, and drop all but its errors.
app = Chalice(app_name="volexswarm", configure_logs=False)

for blueprint in (*agents.blueprints(), *api.blueprints()):
    app.register_blueprint(blueprint)
