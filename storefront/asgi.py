"""uvicorn storefront.asgi:app"""

import gc

from storefront.app import create_app

app = create_app()
# What is loaded by now stays. The garbage collector shall not look through it again and again, since the whole shop
# stands still meanwhile.
gc.freeze()
