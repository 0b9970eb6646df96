"""`python -m simexchange`."""

import sys

from simexchange.main import main

sys.exit(main())
