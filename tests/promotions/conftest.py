from tests.faults.conftest import assets, house, house_settings

__all__ = ["assets", "house", "house_settings"]
