"""The shop's pages in every state, as their controllers would make them."""

from storefront.workshop.pages import account, after, buying, looking, site

PAGES = looking.PAGES + buying.PAGES + after.PAGES + account.PAGES + site.PAGES
