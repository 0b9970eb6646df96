"""`python -m volexswarm.realtime`."""

import sys

from volexswarm.realtime.main import main

sys.exit(main())
