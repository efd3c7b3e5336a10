"""`python -m rtcore` is `rtcore`."""

from .cli import main

if __name__ == "__main__":
    main()
