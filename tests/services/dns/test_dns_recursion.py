"""The recursive resolver against scripted servers, with the number of queries each got."""

from __future__ import annotations

import time

import dns.flags
import dns.message
import dns.rcode
from tests.services.dns.scripted import ask, denial, hierarchy, records, referral, told


def good(query, response):
    return records(response, "answer", f"{query.question[0].name} 60 A 10.0.0.80")


def silent(query, response):
    return None


def lame(query, response):
    response.set_rcode(dns.rcode.REFUSED)
    response.flags &= ~dns.flags.AA
    return response


def later(seconds: float, *arguments) -> dns.message.Message:
    time.sleep(seconds)
    return ask(*arguments)


def counts(scripts) -> list[int]:
    return [len(each.asked) for each in scripts]


def test_one_referral_and_one_answer():
    _, client, scripts = hierarchy([good])
    answer = client.call(ask, "www.test.")
    assert told(answer) == ["www.test. 60 A 10.0.0.80"]
    assert counts(scripts) == [1, 1]
    assert answer.flags & dns.flags.RA and not answer.flags & dns.flags.AA
    assert not scripts[0].queries[0].flags & dns.flags.RD


def test_a_lame_server_is_passed_over_and_remembered():
    _, client, scripts = hierarchy([lame, good])
    assert told(client.call(ask, "www.test.")) == ["www.test. 60 A 10.0.0.80"]
    assert counts(scripts) == [1, 1, 1]
    client.call(ask, "other.test.")
    assert counts(scripts) == [1, 1, 2], "the lame one is not asked again"


def test_a_server_that_refers_upwards_is_lame():
    def upwards(query, response):
        return referral(response, ".", {"a.root.": "10.0.0.1"})

    _, client, scripts = hierarchy([upwards, good])
    assert told(client.call(ask, "www.test.")) == ["www.test. 60 A 10.0.0.80"]
    assert counts(scripts) == [1, 1, 1]


def test_a_dead_server_among_three_costs_one_query_and_a_second_once():
    net, client, scripts = hierarchy([silent, good, good])
    assert told(client.call(ask, "www.test.")) == ["www.test. 60 A 10.0.0.80"]
    assert counts(scripts) == [1, 1, 1, 0]
    assert 1_000_000_000 <= net.now_ns < 1_100_000_000, "it waited one second"
    client.call(ask, "other.test.")
    assert counts(scripts) == [1, 1, 2, 0]


def test_all_servers_dead_is_servfail_after_two_rounds():
    net, client, scripts = hierarchy([silent, silent])
    assert client.call(ask, "www.test.").rcode() == dns.rcode.SERVFAIL
    assert counts(scripts) == [1, 2, 2]
    assert net.now_ns // 10**9 == 6, "1 + 1 + 2 + 2 s"


def test_nxdomain_is_cached_for_every_type_for_the_soa_s_minimum():
    def no_such_name(query, response):
        return denial(response, "NXDOMAIN")

    _, client, scripts = hierarchy([no_such_name])
    answer = client.call(ask, "nothing.test.")
    assert answer.rcode() == dns.rcode.NXDOMAIN
    assert answer.authority[0].ttl == 60
    assert client.call(ask, "nothing.test.", "MX").rcode() == dns.rcode.NXDOMAIN
    assert counts(scripts) == [1, 1]
    half = client.call(later, 30, "nothing.test.")
    assert (half.rcode(), half.authority[0].ttl) == (dns.rcode.NXDOMAIN, 30)
    client.call(later, 31, "nothing.test.")
    assert counts(scripts) == [1, 2]


def test_nodata_is_cached_for_its_type_alone():
    def only_mx(query, response):
        if query.question[0].rdtype == 15:
            return records(response, "answer", "mail.test. 60 MX 10 mail.test.")
        return denial(response, "NOERROR")

    _, client, scripts = hierarchy([only_mx])
    for _ in range(2):
        answer = client.call(ask, "mail.test.")
        assert (answer.rcode(), answer.answer) == (dns.rcode.NOERROR, [])
    assert counts(scripts) == [1, 1]
    assert told(client.call(ask, "mail.test.", "MX")) == ["mail.test. 60 MX 10 mail.test."]
    assert counts(scripts) == [1, 2]


def test_a_cname_loop_is_servfail_and_ends():
    def loop(query, response):
        name = str(query.question[0].name)
        other = "b.test." if name == "a.test." else "a.test."
        return records(response, "answer", f"{name} 60 CNAME {other}")

    _, client, scripts = hierarchy([loop])
    assert client.call(ask, "a.test.").rcode() == dns.rcode.SERVFAIL
    assert counts(scripts) == [1, 2]


def test_a_cname_chain_over_two_zones_is_followed():
    def chain(query, response):
        if str(query.question[0].name) == "www.test.":
            return records(
                response, "answer", "www.test. 60 CNAME real.test.", "real.test. 60 CNAME far.other."
            )
        return good(query, response)

    def root(query, response):
        zone = "other." if str(query.question[0].name).endswith("other.") else "test."
        return referral(response, zone, {f"ns1.{zone}": "10.0.0.21"})

    _, client, scripts = hierarchy([chain], root)
    assert told(client.call(ask, "www.test.")) == [
        "www.test. 60 CNAME real.test.",
        "real.test. 60 CNAME far.other.",
        "far.other. 60 A 10.0.0.80",
    ]
    assert counts(scripts) == [2, 2]


def test_glue_outside_the_zone_asked_is_not_believed():
    """`test.` delegates a.test. to ns.elsewhere. with an address for it: that address is looked up instead."""

    def delegating(query, response):
        name = str(query.question[0].name)
        if name == "ns.elsewhere.":
            return records(response, "answer", "ns.elsewhere. 60 A 10.0.0.22")
        return referral(response, "a.test.", {"ns.elsewhere.": "10.6.6.6"})

    def root(query, response):
        zone = "elsewhere." if str(query.question[0].name).endswith("elsewhere.") else "test."
        return referral(response, zone, {f"ns1.{zone}": "10.0.0.21"})

    _, client, scripts = hierarchy([delegating, good], root)
    assert told(client.call(ask, "www.a.test.")) == ["www.a.test. 60 A 10.0.0.80"]
    assert scripts[1].asked == ["www.a.test. A", "ns.elsewhere. A"]
    assert scripts[2].asked == ["www.a.test. A"]


def test_a_poisoned_additional_section_is_ignored():
    def poison(query, response):
        good(query, response)
        records(response, "authority", "bank. 86400 NS ns.evil.test.")
        return records(response, "additional", "www.bank. 86400 A 10.6.6.6", "ns.evil.test. 86400 A 10.6.6.6")

    def root(query, response):
        if str(query.question[0].name) == "www.bank.":
            return records(response, "answer", "www.bank. 60 A 10.0.0.33")
        return referral(response, "test.", {"ns1.test.": "10.0.0.21"})

    _, client, scripts = hierarchy([poison], root)
    client.call(ask, "www.test.")
    assert told(client.call(ask, "www.bank.")) == ["www.bank. 60 A 10.0.0.33"]
    assert counts(scripts) == [2, 1]


def test_answers_for_names_outside_the_zone_are_not_believed():
    def liar(query, response):
        return records(response, "answer", "www.test. 60 CNAME www.bank.", "www.bank. 60 A 10.6.6.6")

    def root(query, response):
        if str(query.question[0].name) == "www.bank.":
            return records(response, "answer", "www.bank. 60 A 10.0.0.33")
        return referral(response, "test.", {"ns1.test.": "10.0.0.21"})

    _, client, _ = hierarchy([liar], root)
    assert told(client.call(ask, "www.test.")) == ["www.test. 60 CNAME www.bank.", "www.bank. 60 A 10.0.0.33"]


def test_truncation_goes_to_tcp():
    def large(query, response):
        if not scripts[1].asked[-1].endswith("tcp"):
            response.flags |= dns.flags.TC
            return response
        return records(response, "answer", *(f"www.test. 60 A 10.0.1.{number}" for number in range(1, 101)))

    _, client, scripts = hierarchy([large])
    answer = client.call(ask, "www.test.", "A", "10.0.0.9", True)
    assert len(told(answer)) == 100
    assert scripts[1].asked == ["www.test. A", "www.test. A tcp"]
    short = client.call(ask, "www.test.")
    assert short.flags & dns.flags.TC, "the client by UDP is told to come by TCP"
    assert len(short.to_wire()) <= 512
    assert len(scripts[1].asked) == 2


def test_ttl_0_is_not_kept():
    def fleeting(query, response):
        return records(response, "answer", f"{query.question[0].name} 0 A 10.0.0.80")

    _, client, scripts = hierarchy([fleeting])
    for count in (1, 2, 3):
        assert told(client.call(ask, "www.test.")) == ["www.test. 0 A 10.0.0.80"]
        assert counts(scripts) == [1, count]


def test_a_delegation_of_ttl_0_is_followed():
    def root(query, response):
        response.flags &= ~dns.flags.AA
        records(response, "authority", "test. 0 NS ns1.test.")
        return records(response, "additional", "ns1.test. 0 A 10.0.0.21")

    _, client, scripts = hierarchy([good], root)
    assert told(client.call(ask, "www.test.")) == ["www.test. 60 A 10.0.0.80"]
    client.call(later, 2, "other.test.")
    assert counts(scripts) == [2, 2], "and not kept"


def test_case_is_preserved_and_does_not_matter():
    _, client, scripts = hierarchy([good])
    answer = client.call(ask, "WwW.TeSt.")
    assert str(answer.question[0].name) == "WwW.TeSt."
    assert scripts[1].asked == ["WwW.TeSt. A"], "servers are asked as the client wrote it"
    again = client.call(ask, "www.test.")
    assert str(again.question[0].name) == "www.test."
    assert counts(scripts) == [1, 1]


def test_a_server_that_does_not_know_edns_is_asked_without():
    def old(query, response):
        if query.edns >= 0:
            plain = dns.message.make_response(dns.message.make_query("www.test.", "A", id=query.id))
            plain.set_rcode(dns.rcode.FORMERR)
            return plain
        return good(query, response)

    _, client, scripts = hierarchy([old])
    assert told(client.call(ask, "www.test.")) == ["www.test. 60 A 10.0.0.80"]
    assert counts(scripts) == [1, 2]


def test_answers_that_do_not_match_are_ignored():
    def confused(query, response):
        other = dns.message.make_response(dns.message.make_query("else.test.", "A", id=query.id))
        other.flags |= dns.flags.AA
        return records(other, "answer", "else.test. 60 A 10.6.6.6")

    _, client, scripts = hierarchy([confused, good])
    assert told(client.call(ask, "www.test.")) == ["www.test. 60 A 10.0.0.80"]
    assert counts(scripts) == [1, 1, 1]


def test_garbage_is_survived():
    def rubbish(query, response):
        return query.to_wire()[:2] + b"\x84\x00" + b"\xff" * 30

    _, client, scripts = hierarchy([rubbish, good])
    assert told(client.call(ask, "www.test.")) == ["www.test. 60 A 10.0.0.80"]
    assert counts(scripts) == [1, 1, 1]


def ask_twice_at_once(name: str) -> list[list[str]]:
    import threading

    found: list[list[str]] = []
    tasks = [threading.Thread(target=lambda: found.append(told(ask(name)))) for _ in range(2)]
    for task in tasks:
        task.start()
    for task in tasks:
        task.join()
    return found


def test_the_same_question_of_two_clients_is_asked_once():
    def slow(query, response):
        time.sleep(0.3)
        return good(query, response)

    _, client, scripts = hierarchy([slow])
    assert client.call(ask_twice_at_once, "www.test.") == [["www.test. 60 A 10.0.0.80"]] * 2
    assert counts(scripts) == [1, 1]


def test_endless_delegation_ends_in_servfail():
    """Each server names others that nobody knows: the budget of queries is spent, and the client is told."""

    def endless(query, response):
        deep = query.question[0].name
        return referral(response, str(deep), {f"ns.{number}.test.": "" for number in range(3)})

    _, client, scripts = hierarchy([endless])
    assert client.call(ask, "www.test.").rcode() == dns.rcode.SERVFAIL
    assert sum(counts(scripts)) <= 101
