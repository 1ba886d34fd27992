"""Do the migrations lead to what the models say? Asked of a fresh SQLite file, by `make check`."""

import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError

from storefront.database import MIGRATIONS, migrate


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite+aiosqlite:///{Path(folder) / 'check.db'}"
        migrate(url, "head")
        config = Config(str(MIGRATIONS.parent / "alembic.ini"))
        config.attributes["url"] = url
        try:
            command.check(config)
        except CommandError as error:
            sys.exit(f"migrations and models differ: {error}")


if __name__ == "__main__":
    main()
