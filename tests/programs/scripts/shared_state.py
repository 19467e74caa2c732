"""A module with state; each program has its own copy."""

count = 0


def up():
    global count
    count += 1
    return count
