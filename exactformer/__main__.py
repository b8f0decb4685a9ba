"""`python -m exactformer`: the command line."""

import sys

from exactformer.cli import main

sys.exit(main())
