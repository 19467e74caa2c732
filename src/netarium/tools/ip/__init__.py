"""ip: show and change links, addresses, routes and neighbours, in the words and with the output of iproute2.

command  the command line: options, object, command; exit codes as iproute2's
words    reading what follows the command, and the errors of iproute2
link     ip link and ip addr: the parts of what is shown, changes
forms    these parts put together (-4, -6, -br, -o); ip maddr
route    ip route: show, get, add, replace, del
neigh    ip neigh: show, add, replace, del
ipv6     addresses, routes and neighbours of the other family
"""
