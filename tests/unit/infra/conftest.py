"""The app packaged once for all tests of the template."""

import pytest

from infra.packaging import packaged
from infra.render import TARGETS, render


@pytest.fixture(scope="session")
def app():
    with packaged() as made:
        yield made


@pytest.fixture(scope="session", params=TARGETS)
def template(app, request):
    return render(app.template, request.param)


@pytest.fixture(scope="session")
def resources(template):
    return template.body["Resources"]
