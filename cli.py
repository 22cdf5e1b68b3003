"""The command line from a checkout: ``python cli.py verify --all``."""

from derivcheck.cli import main

if __name__ == "__main__":
    main()
