"""uvicorn storefront.asgi:app"""

import gc

# What is loaded at the start stays, so the garbage collector need not look through it: not while it is being loaded,
# a tenth of the start, and not later, when the whole shop stands still meanwhile.
gc.disable()

from storefront.app import create_app  # noqa: E402

app = create_app()
gc.freeze()
gc.enable()
