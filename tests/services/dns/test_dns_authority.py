"""What zones say: RFC 1034 4.3.2, wildcards (RFC 4592), negative answers (RFC 2308)."""

from __future__ import annotations

import dns.flags
import dns.message
import dns.rcode
import pytest
from tests.services.dns.scripted import told

from netarium.errors import UsageError
from netarium.services.dns.authority import Authority
from netarium.services.dns.configuration import DnsConfiguration
from netarium.services.dns.zone import Zone

TEXT = """
$ORIGIN example.
$TTL 3600
@            IN SOA ns hostmaster 1 7200 900 1209600 300
@            IN NS  ns
ns           IN A   192.0.2.1
www          IN A   192.0.2.10
www          IN A   192.0.2.11
mail         IN MX  10 www
alias        IN CNAME www
out          IN CNAME www.elsewhere.
loop1        IN CNAME loop2
loop2        IN CNAME loop1
sub          IN NS  ns.sub
ns.sub       IN A   192.0.2.53
host.deep.er IN A   192.0.2.20
*.wild       IN A   192.0.2.30
*.wild       IN TXT "any"
there.wild   IN TXT "there"
a.*.odd      IN A   192.0.2.40
dangling     IN CNAME nothing
"""


def answer(name: str, kind: str = "A", zones=None):
    authority = Authority(zones or [Zone.parse("example.", TEXT)])
    response = dns.message.make_response(dns.message.make_query(name, kind, id=1))
    complete = authority.answer(response)
    return response, complete


def names(section) -> list[str]:
    return [str(rrset.name) for rrset in section]


def test_an_answer_is_authoritative():
    response, complete = answer("www.example.")
    assert complete and response.flags & dns.flags.AA
    assert told(response) == ["www.example. 3600 A 192.0.2.10", "www.example. 3600 A 192.0.2.11"]


def test_names_have_no_case():
    response, _ = answer("WWW.Example.")
    assert len(told(response)) == 2


def test_several_records_turn_round():
    authority = Authority([Zone.parse("example.", TEXT)])
    firsts = []
    for _ in range(4):
        response = dns.message.make_response(dns.message.make_query("www.example.", "A", id=1))
        authority.answer(response)
        firsts.append(told(response)[0][-1])
    assert firsts == ["0", "1", "0", "1"]


def test_a_cname_is_followed_within_the_zone():
    response, complete = answer("alias.example.")
    assert complete
    assert told(response)[0] == "alias.example. 3600 CNAME www.example."
    assert len(told(response)) == 3


def test_a_cname_that_leads_out_is_left_to_the_asker():
    response, complete = answer("out.example.")
    assert not complete
    assert told(response) == ["out.example. 3600 CNAME www.elsewhere."]


def test_a_cname_asked_for_itself_is_not_followed():
    response, _ = answer("alias.example.", "CNAME")
    assert told(response) == ["alias.example. 3600 CNAME www.example."]


def test_a_cname_loop_ends():
    response, complete = answer("loop1.example.")
    assert complete
    assert len(response.answer) == 2


def test_a_cname_to_nothing_is_nxdomain_with_the_cname():
    response, _ = answer("dangling.example.")
    assert response.rcode() == dns.rcode.NXDOMAIN
    assert len(response.answer) == 1


def test_no_such_name_brings_the_soa_with_the_negative_ttl():
    response, _ = answer("nothing.example.")
    assert response.rcode() == dns.rcode.NXDOMAIN
    assert names(response.authority) == ["example."]
    assert response.authority[0].ttl == 300


def test_no_such_type_is_no_error_with_the_soa():
    response, _ = answer("www.example.", "MX")
    assert (response.rcode(), response.answer) == (dns.rcode.NOERROR, [])
    assert names(response.authority) == ["example."]


def test_an_empty_non_terminal_exists():
    for name in ("deep.er.example.", "er.example."):
        response, _ = answer(name)
        assert (response.rcode(), response.answer) == (dns.rcode.NOERROR, []), name


@pytest.mark.parametrize("name", ["sub.example.", "www.sub.example.", "a.b.sub.example."])
def test_a_delegation_refers_with_glue_and_without_authority(name):
    response, complete = answer(name)
    assert complete and not response.flags & dns.flags.AA and not response.answer
    assert names(response.authority) == ["sub.example."]
    assert names(response.additional) == ["ns.sub.example."]


def test_glue_itself_is_below_the_cut():
    response, _ = answer("ns.sub.example.")
    assert not response.answer and names(response.authority) == ["sub.example."]


def test_a_wildcard_answers_for_names_that_do_not_exist():
    response, _ = answer("x.wild.example.")
    assert told(response) == ["x.wild.example. 3600 A 192.0.2.30"]
    response, _ = answer("a.b.wild.example.")
    assert told(response) == ["a.b.wild.example. 3600 A 192.0.2.30"]


def test_a_wildcard_does_not_answer_for_names_that_exist():
    response, _ = answer("there.wild.example.")
    assert (response.rcode(), response.answer) == (dns.rcode.NOERROR, [])
    response, _ = answer("below.there.wild.example.")
    assert response.rcode() == dns.rcode.NXDOMAIN, "the closest encloser is there.wild, which has no `*`"


def test_a_wildcard_without_the_type_is_no_data():
    response, _ = answer("x.wild.example.", "MX")
    assert (response.rcode(), response.answer) == (dns.rcode.NOERROR, [])


def test_an_asterisk_in_the_middle_is_a_name():
    response, _ = answer("a.x.odd.example.")
    assert response.rcode() == dns.rcode.NXDOMAIN


def test_mx_brings_the_exchange_s_addresses():
    response, _ = answer("mail.example.", "MX")
    assert names(response.additional) == ["www.example."]


def test_another_s_zone_is_not_answered():
    response, complete = answer("www.elsewhere.")
    assert not complete and not response.answer


def test_the_closest_zone_answers():
    child = Zone.parse("sub.example.", "@ 60 IN SOA ns x 1 2 3 4 5\n@ 60 IN NS ns\nns 60 IN A 192.0.2.99\n")
    response, _ = answer("ns.sub.example.", zones=[Zone.parse("example.", TEXT), child])
    assert told(response) == ["ns.sub.example. 60 A 192.0.2.99"]


HEAD = "example. 60 IN SOA ns. x. 1 2 3 4 5\nexample. 60 IN NS ns.\n"


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        (HEAD + "www 60 IN A 192.0.2.300\n", 3, "192.0.2.300"),
        (HEAD + "ok 60 IN A 192.0.2.3\nwww 60 IN NONSENSE x\nend 60 IN A 192.0.2.4\n", 4, "NONSENSE"),
        (HEAD + "www 60 IN A 192.0.2.3\nwww 60 IN CNAME ns\n", 4, "CNAME"),
        (HEAD + "www.other. 60 IN A 192.0.2.3\n", 3, "not in the zone"),
    ],
)
def test_an_error_in_a_zone_names_zone_and_line(text, line, what):
    with pytest.raises(UsageError, match=rf"zone example\.: line {line}: .*{what}"):
        Zone.parse("example.", text)


def test_a_zone_needs_a_soa_and_servers():
    with pytest.raises(UsageError, match=r"zone example\.: there is no SOA record"):
        Zone.parse("example.", "www.example. 60 IN A 192.0.2.1\n")
    with pytest.raises(UsageError, match=r"zone example\.: there is no NS record"):
        Zone.parse("example.", "example. 60 IN SOA ns. x. 1 2 3 4 5\n")
    with pytest.raises(UsageError, match="no domain name"):
        Zone.parse("a..b", "")


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"recursive": True}, "needs `roots`"),
        ({"roots": ["10.0.0.1"], "recursive": False}, "recursive: true"),
        ({}, "nothing to serve"),
        ({"zone": {}}, "did you mean zones"),
        ({"recursive": True, "roots": ["a.root"]}, "a.root"),
        ({"recursive": "yes", "roots": ["10.0.0.1"]}, "true or false"),
    ],
)
def test_a_configuration_that_cannot_be_says_what_would_be_right(given, what):
    with pytest.raises(UsageError, match=what):
        DnsConfiguration.read(given)
