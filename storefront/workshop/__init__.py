"""The designers' workshop: live reload, the gallery, pages that explain mistakes in templates, and the theme's tools.

Development only, and imported only there.
"""
