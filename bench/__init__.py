"""`make bench`: whole programs on whole nets, each in a process of its own, on one core; medians and ratios of one run.

scenarios  the programs and nets that are measured; `python -m bench.scenarios NAME` runs one and prints JSON
__main__   runs them all, several times each, and prints the table; other simulators beside it where installed
"""
