"""Services by name and number: what a host's /etc/services says.

The official names come first (IANA); `POPULAR` are names of programs whose default port people look up, several of
which share a port. `by_number` answers with the official name.
"""

from __future__ import annotations

from typing import NamedTuple


class Service(NamedTuple):
    """One line: `protocol` is "tcp" or "udp"."""

    name: str
    port: int
    protocol: str


_OFFICIAL = """
tcpmux 1 tcp
echo 7 tcp udp
discard 9 tcp udp
systat 11 tcp
daytime 13 tcp udp
netstat 15 tcp
qotd 17 tcp
chargen 19 tcp udp
ftp-data 20 tcp
ftp 21 tcp
ssh 22 tcp
telnet 23 tcp
smtp 25 tcp
time 37 tcp udp
whois 43 tcp
tacacs 49 tcp udp
domain 53 tcp udp
bootps 67 udp
bootpc 68 udp
tftp 69 udp
gopher 70 tcp
finger 79 tcp
http 80 tcp
kerberos 88 tcp udp
pop3 110 tcp
sunrpc 111 tcp udp
auth 113 tcp
nntp 119 tcp
ntp 123 udp
netbios-ns 137 udp
netbios-dgm 138 udp
netbios-ssn 139 tcp
imap2 143 tcp
snmp 161 tcp udp
snmp-trap 162 tcp udp
bgp 179 tcp
irc 194 tcp udp
ldap 389 tcp udp
https 443 tcp udp
microsoft-ds 445 tcp udp
submissions 465 tcp
exec 512 tcp
login 513 tcp
shell 514 tcp
syslog 514 udp
printer 515 tcp
route 520 udp
ntalk 518 udp
submission 587 tcp
ipp 631 tcp
ldaps 636 tcp udp
domain-s 853 tcp udp
ftps-data 989 tcp
ftps 990 tcp
telnets 992 tcp
imaps 993 tcp
pop3s 995 tcp
socks 1080 tcp
openvpn 1194 tcp udp
ms-sql-s 1433 tcp
l2tp 1701 udp
radius 1812 tcp udp
radius-acct 1813 tcp udp
mqtt 1883 tcp
nfs 2049 tcp udp
mysql 3306 tcp
ms-wbt-server 3389 tcp
svn 3690 tcp
sip 5060 tcp udp
sip-tls 5061 tcp udp
xmpp-client 5222 tcp
mdns 5353 udp
postgresql 5432 tcp
amqp 5672 tcp
x11 6000 tcp
redis 6379 tcp
http-alt 8080 tcp udp
mongodb 27017 tcp
"""

_POPULAR = """
www 80 tcp
nameserver 53 udp
imap 143 tcp
flask 5000 tcp
django 8000 tcp
tomcat 8080 tcp
"""


def _read(text: str) -> list[Service]:
    services = []
    for line in text.split("\n"):
        fields = line.split()
        services += [Service(fields[0], int(fields[1]), protocol) for protocol in fields[2:]]
    return services


OFFICIAL = _read(_OFFICIAL)
POPULAR = _read(_POPULAR)


def by_name(name: str, protocol: str = "") -> Service | None:
    """The service of this name; without a protocol the first one listed (tcp before udp)."""
    for service in OFFICIAL + POPULAR:
        if service.name == name.lower() and protocol in ("", service.protocol):
            return service
    return None


def by_number(port: int, protocol: str = "") -> Service | None:
    """The service with this port: the official name before the popular ones."""
    for service in OFFICIAL + POPULAR:
        if service.port == port and protocol in ("", service.protocol):
            return service
    return None


def all_with(port: int) -> list[Service]:
    """Every name that shares this port."""
    return [service for service in OFFICIAL + POPULAR if service.port == port]
