"""Puts code and layers on the import path as AWS does, the function's own code first, and hands over to AWS's runtime client.

`VOLEX_LAYERS` names the layers' folders, in their order. Nothing else of the machine is importable: the interpreter runs
isolated, in a virtual environment that holds the runtime client and boto3 alone.
"""

from __future__ import annotations

import os
import sys

layers = [path for path in os.environ.pop("VOLEX_LAYERS", "").split(os.pathsep) if path]
sys.path[:0] = [os.environ["LAMBDA_TASK_ROOT"], *layers]
del os.environ["VOLEX_RUNTIME"]

from awslambdaric.__main__ import main  # noqa: E402 - the path had to come first

main([sys.argv[0], os.environ["_HANDLER"]])
