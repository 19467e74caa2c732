"""`nat`, `firewall` and `balance` of a node: from their keywords to its stack's filter.

nat, firewall, balance  each read, checked, and explained where wrong
setup                   all of a node together, put into its stack at every boot
models                  their schema
"""
