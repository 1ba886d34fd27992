"""An HTMX-driven storefront on Litestar."""
