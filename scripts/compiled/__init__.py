"""The optional compiled build of the core: mypyc makes extension modules of it. Pure Python stays the default.

    modules   which modules are compiled, and why the others are not
    building  copies the sources into a folder and compiles them there; `python -m scripts.compiled` is `make compiled`
    checking  the digests of labs and bench scenarios, pure and compiled: `make compiled-check`
    hook      the same in a wheel: `NETARIUM_COMPILE=1 pip install .`

Start with `modules`. Why it is optional, and how it is tested: docs/decisions/0006.
"""
