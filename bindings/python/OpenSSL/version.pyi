__all__ = [
    "__author__",
    "__copyright__",
    "__email__",
    "__license__",
    "__summary__",
    "__title__",
    "__uri__",
    "__version__",
]

__version__: str
__pyossl_version__: str
__title__: str
__uri__: str
__summary__: str
__author__: str
__email__: str
__license__: str
__copyright__: str
