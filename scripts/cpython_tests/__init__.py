"""CPython's own test modules of the running interpreter, run inside a virtual host: `make cpython-tests`.

modules     which test modules, and what is excluded of each, with the reason
inside      one process: a net of one host, a module's tests in a program on it, a line of journal per test
journal     what the processes wrote: outcome by test
runner      a process per module with a limit of time; a test that hangs or crashes ends alone, the rest goes on
table       the results as Markdown
"""
