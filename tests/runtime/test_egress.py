"""Addresses that are never connected to."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinkgraph.runtime.egress import egress_refusal


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "169.254.0.1",
        "fe80::1",
        "fe80::1%eth0",
        "fd00:ec2::254",
        "::ffff:169.254.169.254",
        "::169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "100.100.100.200",
        "not-an-address",
    ],
)
def test_link_local_and_metadata_are_refused(address: str) -> None:
    assert egress_refusal(address)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.0.0.1", "8.8.8.8", "2001:db8::1"])
def test_other_addresses_are_allowed(address: str) -> None:
    assert egress_refusal(address) is None


@given(st.integers(0, 65535))
def test_no_spelling_of_a_link_local_address_passes(low: int) -> None:
    plain = IPv4Address((169 << 24 | 254 << 16) + low)
    assert egress_refusal(str(plain))
    assert egress_refusal(str(IPv6Address((0xFFFF << 32) + int(plain))))
