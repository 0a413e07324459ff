"""The message when a package of an optional extra is not installed."""

from importlib.util import find_spec


def need(extra: str, *modules: str) -> None:
    """Say which command installs what is missing.

    Args:
        extra: of the package, as in ``pip install 'digitlib[extra]'``.
        modules: what is about to be imported.

    Raises:
        ModuleNotFoundError: when one of them is not installed.
    """
    for name in modules:
        if find_spec(name) is None:
            raise ModuleNotFoundError(
                f"{name} is not installed; this installs it: pip install 'digitlib[{extra}]'",
                name=name,
            )
