"""What a browser may reach: addresses, names, lists, URLs. No network here."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from browser_host.network import egress_policy, machine_network
from browser_host.network.egress_policy import EgressRulesInvalid, Policy, Refused

NOT_PUBLIC = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "100.127.255.255",
    "127.0.0.1", "127.1.2.3", "127.255.255.255", "168.63.129.16", "169.254.0.1", "169.254.169.254", "169.254.170.2",
    "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1",
    "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "2002:808:808::1",
    "3fff::1", "4000::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fd12:3456::1", "fe80::1", "fec0::1", "ff02::1",
]  # fmt: skip
PUBLIC = [
    "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.1", "93.184.215.14", "100.63.255.255", "100.128.0.1", "126.1.1.1",
    "128.0.0.1", "168.63.129.17", "169.253.1.1", "172.15.255.255", "172.32.0.1", "192.0.1.1", "192.167.1.1",
    "198.17.1.1", "203.0.114.1", "223.255.255.255", "2606:4700::1111", "2a00:1450:4001::1", "2620:4f:8000::1",
    "::ffff:8.8.8.8", "64:ff9b::808:808",
]  # fmt: skip


@pytest.mark.parametrize("text", NOT_PUBLIC)
def test_addresses_that_are_not_of_the_public_internet_are_told_by_what_they_are(text):
    assert egress_policy.not_public(ip_address(text))
    with pytest.raises(Refused, match="public web only"):
        Policy().usable("evil.test", 443, [ip_address(text)], lambda _: False)
    with pytest.raises(Refused):
        Policy().check_name(egress_policy.normal(text), 80)


@pytest.mark.parametrize("text", PUBLIC)
def test_public_addresses_may_be_dialled(text):
    assert Policy().usable("good.test", 443, [ip_address(text)], lambda _: False) == [str(ip_address(text))]
    Policy().check_name(egress_policy.normal(text), 80)


def test_of_a_names_addresses_only_public_ones_are_dialled():
    addresses = [ip_address("10.0.0.1"), ip_address("8.8.8.8"), ip_address("::1")]
    assert Policy().usable("mixed.test", 443, addresses, lambda _: False) == ["8.8.8.8"]


def test_a_public_address_of_the_machine_itself_is_not_dialled():
    with pytest.raises(Refused, match="an address of the browser host itself"):
        Policy().usable("me.test", 443, [ip_address("8.8.8.8")], lambda address: True)


@pytest.mark.parametrize(
    ("entry", "meant", "not_meant"),
    [
        ("Example.com", ["example.com", "a.example.com", "a.b.example.com"], ["notexample.com", "example.com.evil"]),
        ("*.example.com", ["a.example.com"], ["example.com", "xexample.com"]),
        ("example.com.", ["example.com"], ["com"]),
        ("bücher.example", ["xn--bcher-kva.example"], ["bucher.example"]),
        ("203.0.113.7", ["203.0.113.7"], ["203.0.113.8", "7.113.0.203", "x203.0.113.7"]),
        ("[2001:db8::7]", ["2001:db8::7"], ["2001:db8::8"]),
        ("10.0.0.0/8", ["10.1.2.3"], ["11.0.0.1", "10.example"]),
        ("fd00::/8", ["fd00::1"], ["fe00::1"]),
        ("localhost", ["localhost", "a.localhost"], ["localhosts"]),
    ],
)
def test_an_entry_means_a_name_and_what_is_below_it_or_addresses(entry, meant, not_meant):
    read = egress_policy.pattern(entry)
    assert [host for host in meant if not read.covers(host, 443)] == []
    assert [host for host in not_meant if read.covers(host, 443)] == []


@pytest.mark.parametrize("entry", ["example.com:8443", "*.example.com:8443", "10.0.0.0/8:8443", "[::1]:8443"])
def test_an_entry_may_be_for_one_port(entry):
    read = egress_policy.pattern(entry)
    host = {"e": "example.com", "*": "a.example.com", "1": "10.0.0.1", "[": "::1"}[entry[0]]
    assert read.covers(host, 8443)
    assert not read.covers(host, 443)


@pytest.mark.parametrize(
    "entry", ["", "*", "http://example.com", "a b", "10.0.0.0/40", "example.com:0", "a..b", "*.*.a"]
)
def test_an_entry_that_means_nothing_is_refused_with_what_would(entry):
    with pytest.raises(EgressRulesInvalid):
        egress_policy.pattern(entry)


def test_the_operator_opens_what_is_private_and_nothing_else():
    policy = Policy(egress_policy.patterns(["127.0.0.1:3000", "intranet.example", "10.1.0.0/16"]))
    policy.check_name("127.0.0.1", 3000)
    policy.check_name("10.1.2.3", 80)
    assert policy.usable("intranet.example", 80, [ip_address("192.168.1.1")], lambda _: True) == ["192.168.1.1"]
    assert policy.usable("evil.test", 80, [ip_address("10.1.2.3")], lambda _: False) == ["10.1.2.3"]
    for host, port in (("127.0.0.1", 3001), ("10.2.2.3", 80), ("::ffff:127.0.0.2", 3000)):
        with pytest.raises(Refused):
            policy.check_name(host, port)
    with pytest.raises(Refused, match=r"evil\.test leads to 192\.168\.1\.1"):
        policy.usable("evil.test", 80, [ip_address("192.168.1.1")], lambda _: False)


def test_a_sessions_domains_never_open_what_is_private():
    policy = Policy(allowed=egress_policy.patterns(["10.0.0.1", "localhost"]))
    with pytest.raises(Refused, match="private address"):
        policy.check_name("10.0.0.1", 80)
    with pytest.raises(Refused, match="name of a private network"):
        policy.check_unresolved("localhost", 80)


@pytest.mark.parametrize(
    "host", ["localhost", "a.localhost", "printer", "nas.local", "metadata.google.internal", "x.lan"]
)
def test_names_of_private_networks_are_not_given_to_a_proxy(host):
    with pytest.raises(Refused, match="private network"):
        Policy().check_unresolved(host, 80)
    Policy(egress_policy.patterns([host])).check_unresolved(host, 80)


@pytest.mark.parametrize("port", [22, 25, 110, 143, 6000, 6667])
def test_ports_of_other_services_are_refused(port):
    with pytest.raises(Refused, match="not one of the web"):
        Policy().check_name("good.test", port)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd", "FILE:///etc/passwd", " file:///x", "chrome://version", "view-source:http://a/",
        "devtools://x",
        "javascript:alert(1)", "about:config", "chrome-extension://x/", "ftp://a/", "filesystem:http://a/", "ws://a/",
        "edge://settings", "/etc/passwd", "", "http", "mailto:a@b",
    ],
)  # fmt: skip
def test_a_url_that_is_no_page_of_the_web_is_refused(url):
    with pytest.raises(Refused, match="use http or https"):
        egress_policy.check_url(url)


@pytest.mark.parametrize(
    "url", ["http://a/", "HTTPS://a/", "about:blank", "about:blank#x", "data:text/html,x", "blob:x"]
)
def test_a_url_of_the_web_is_let_pass(url):
    egress_policy.check_url(url)


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("http://Example.com./x", ("example.com", 80)),
        ("https://[::1]:8443/", ("::1", 8443)),
        ("wss://a.test", ("a.test", 443)),
        ("about:blank", ("", 0)),
        ("http://a:99999/", ("", 0)),
    ],
)
def test_where_a_url_leads(url, where):
    assert egress_policy.destination(url) == where


def test_the_machines_own_proxy_counts_for_sessions_without_one():
    environ = {"https_proxy": "http://me:p%40ss@proxy.corp:3128", "NO_PROXY": "localhost,.corp.example,10.0.0.0/8,*x"}
    proxy = machine_network.default_proxy(environ)
    assert proxy is not None
    assert (proxy.url, proxy.username, proxy.password) == ("http://proxy.corp:3128", "me", "p@ss")
    assert (proxy.bypass, proxy.trusted) == (("localhost", "corp.example", "10.0.0.0/8"), True)
    assert "p@ss" not in repr(proxy)
    assert machine_network.default_proxy({**environ, "NO_PROXY": "*"}) is None
    assert machine_network.default_proxy({}) is None
