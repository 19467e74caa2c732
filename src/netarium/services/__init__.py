"""What the servers of the net run: ordinary programs on sockets and `control`, started by the lab as daemons of root.

dhcp     addresses by lease: the server, the relay and the client of a host
dns      names: authoritative servers, recursive resolvers, forwarders
routing  RIP and OSPF: routers that tell each other of networks
proxy    a caching HTTP proxy, also a transparent one
healthcheck  connects to a balancer's servers and says who lives
forwarder    the name service of a home router, by the servers that its own lease names
"""
