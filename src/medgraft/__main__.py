"""``python -m medgraft``."""

from medgraft.cli import main

if __name__ == "__main__":
    main()
