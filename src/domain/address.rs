//! Which addresses a webhook may be sent to: the public internet, and the networks that the operator names.
//!
//! A receiver's name is chosen by a client, so it must not become a way to reach what only this machine can reach
//! (server-side request forgery). Decided for every address at the moment of connecting, not for names; resolving and
//! connecting are [`crate::webhooks`]'. The list is that of the IANA special-purpose registries (RFC 6890 and its
//! successors).

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// Ports of receivers on the public internet; in a named network any port will do.
const PORTS: [u16; 2] = [443, 8443];

/// Whether an address may be connected to at a port. `allowed` are the networks that the operator names.
pub fn may_connect(address: IpAddr, port: u16, allowed: &[IpNet]) -> bool {
    let address = address.to_canonical();
    if allowed.iter().any(|network| network.contains(&address)) {
        return true;
    }
    let is_public = match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    };
    is_public && PORTS.contains(&port)
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(a == 0
        || a >= 224
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        // Shared address space of carriers, IETF protocol assignments, 6to4 relays, benchmarks.
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (18..20).contains(&b)))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, c, ..] = address.segments();
    // Only what is handed out as global unicast, without the parts of it that lead elsewhere: Teredo and the rest of
    // the protocol assignments (2001::/23), documentation, 6to4.
    (0x2000..0x4000).contains(&a)
        && !(a == 0x2001 && b < 0x0200)
        && !(a == 0x2001 && b == 0x0db8)
        && a != 0x2002
        && !(a == 0x3fff && b < 0x1000)
        && !(a == 0x2620 && b == 0x004f && c == 0x8000)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One of each sort that must never be reached, and the forms in which it hides.
    const FORBIDDEN: &[&str] = &[
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.9.9.9",
        "169.254.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.0.170",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.1",
        "192.168.255.255",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:2::1",
        "2001:10::1",
        "2001:20::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:a00:1::1",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd00::1",
        "fd12:3456:789a::1",
        "fe80::1",
        "febf::1",
        "fec0::1",
        "ff02::1",
        "ff05::2",
        "2620:4f:8000::1",
    ];

    #[test]
    fn nothing_inside_is_reached() {
        for text in FORBIDDEN {
            let address: IpAddr = text.parse().unwrap();
            assert!(!may_connect(address, 443, &[]), "{text}");
        }
    }

    #[test]
    fn the_internet_is_reached_at_the_ports_of_https() {
        for text in [
            "8.8.8.8",
            "1.1.1.1",
            "172.15.0.1",
            "172.32.0.1",
            "100.63.0.1",
            "2606:4700::1111",
            "2400:4000::1",
        ] {
            let address: IpAddr = text.parse().unwrap();
            assert!(may_connect(address, 443, &[]), "{text}");
            assert!(may_connect(address, 8443, &[]), "{text}");
            for port in [22, 25, 80, 5432, 8080] {
                assert!(!may_connect(address, port, &[]), "{text}:{port}");
            }
        }
    }

    #[test]
    fn a_named_network_is_reached_and_its_neighbours_are_not() {
        let allowed = ["10.20.0.0/16".parse().unwrap(), "fd00:1::/32".parse().unwrap()];
        for (text, may) in [
            ("10.20.1.2", true),
            ("::ffff:10.20.1.2", true),
            ("10.21.0.1", false),
            ("fd00:1:2::3", true),
            ("fd00:2::1", false),
            ("127.0.0.1", false),
        ] {
            assert_eq!(may_connect(text.parse().unwrap(), 8080, &allowed), may, "{text}");
        }
    }
}
