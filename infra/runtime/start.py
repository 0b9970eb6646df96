"""Makes a process a function's as AWS does, and hands over to AWS's runtime client.

Of the surrounding environment only what AWS documents for functions, and our settings, comes through. `VOLEX_LAYERS` names the
layers' folders, in their order. Nothing else of the machine is importable: the interpreter runs isolated, in a virtual
environment that holds the runtime client and boto3 alone. With the argument `nursery` it is the process that others are forked
from.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping

_PASSED = ("AWS_", "LAMBDA_", "VOLEX_")
_PASSED_ALONE = {"_HANDLER", "_X_AMZN_TRACE_ID", "TMPDIR"}
_GIVEN = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "en_US.UTF-8", "TZ": ":UTC"}


def enter(surrounding: Mapping[str, str]) -> None:
    """Give this process the function's environment, and its import path: the function's code first, then its layers."""
    passed = {name: value for name, value in surrounding.items() if name.startswith(_PASSED) or name in _PASSED_ALONE}
    layers = passed.pop("VOLEX_LAYERS", "")
    passed.pop("VOLEX_RUNTIME", None)
    os.environ.clear()
    os.environ.update(passed | _GIVEN)
    time.tzset()
    own = [os.environ["LAMBDA_TASK_ROOT"], *filter(None, layers.split(os.pathsep))]
    sys.path[:] = [*own, *(path for path in sys.path if path not in own)]


def serve() -> None:
    """Answer the function's calls until the emulator is gone."""
    from awslambdaric.__main__ import main  # noqa: PLC0415 - the path had to come first

    main([sys.argv[0], os.environ["_HANDLER"]])


if __name__ == "__main__":
    enter(dict(os.environ))
    if sys.argv[1:] == ["nursery"]:
        import volex_nursery

        volex_nursery.run()
    else:
        serve()
