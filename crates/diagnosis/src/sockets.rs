//! The kernel's tables of TCP sockets: `/proc/net/tcp` and `/proc/net/tcp6` (proc_net(5)).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The state of a socket that waits for connections, `TCP_LISTEN`.
const LISTENS: &str = "0A";

/// A socket that waits for connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Where.
    pub address: SocketAddr,
    /// The number by which `/proc/PID/fd` knows it: `socket:[INODE]`.
    pub inode: u64,
}

impl Listener {
    /// Whether it can be reached through every interface of the machine.
    pub fn is_on_all_interfaces(&self) -> bool {
        self.address.ip().to_canonical().is_unspecified()
    }
}

/// The listeners in one of the tables. Lines that do not describe a socket are left out.
pub fn listeners(table: &str) -> Vec<Listener> {
    table.lines().filter_map(listener).collect()
}

fn listener(line: &str) -> Option<Listener> {
    // Number, local and remote address, state; the inode is the tenth.
    let mut fields = line.split_ascii_whitespace().skip(1);
    let (address, state) = (fields.next()?, fields.nth(1)?);
    if state != LISTENS {
        return None;
    }
    let inode = fields.nth(5)?.parse().ok()?;
    let (ip, port) = address.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    Some(Listener { address: SocketAddr::new(ip_address(ip)?, port), inode })
}

/// Words of 32 bits, each in the byte order of the machine.
fn ip_address(digits: &str) -> Option<IpAddr> {
    let word = |index: usize| {
        let word = digits.get(index * 8..index * 8 + 8)?;
        u32::from_str_radix(word, 16).ok().map(u32::to_ne_bytes)
    };
    match digits.len() {
        8 => Some(Ipv4Addr::from(word(0)?).into()),
        32 => {
            let mut bytes = [0; 16];
            for (index, bytes) in bytes.chunks_exact_mut(4).enumerate() {
                bytes.copy_from_slice(&word(index)?);
            }
            Some(Ipv6Addr::from(bytes).into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TCP: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode                                                     
   0: 00000000:07E8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1572 1 000000006f811427 100 0 0 10 0                      
   1: 0100007F:0FA0 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0000000000000000 100 0 0 10 0                      
   2: 0100007F:0FA0 0100007F:C350 01 00000000:00000000 00:00000000 00000000  1000        0 4712 1 0000000000000000 20 4 30 10 -1                     
";

    const TCP6: &str = "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000000000000:1111 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 9 1 0000000000000000 100 0 0 10 0
   1: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 10 1 0000000000000000 100 0 0 10 0
";

    /// The tables are those of a little-endian machine.
    #[cfg(target_endian = "little")]
    #[test]
    fn listeners_have_an_address_and_a_number() {
        let found = |table: &str| -> Vec<(String, u64, bool)> {
            let all = listeners(table).into_iter();
            all.map(|it| (it.address.to_string(), it.inode, it.is_on_all_interfaces())).collect()
        };
        assert_eq!(
            found(TCP),
            [("0.0.0.0:2024".to_owned(), 1572, true), ("127.0.0.1:4000".to_owned(), 4711, false)]
        );
        assert_eq!(found(TCP6), [("[::]:4369".to_owned(), 9, true), ("[::1]:80".to_owned(), 10, false)]);
    }

    #[test]
    fn broken_lines_are_no_listeners() {
        for line in
            ["", "0: x 0 0A", "0: 0100007F:0FA0 0 0A 0 0 0 0 0 inode", "0: 0100007é:0FA0 0 0A 0 0 0 0 0 7"]
        {
            assert_eq!(listeners(line), [], "{line}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_understood_or_not(text in "(?s).{0,200}") {
            listeners(&text);
        }

        #[test]
        fn any_line_is_understood_or_not(ip in "[0-9A-Fé]{8}|[0-9A-F]{32}", port in "[0-9A-F]{0,5}", inode in 0..u64::MAX) {
            let line = format!("0: {ip}:{port} 0:0 0A 0:0 0:0 0 0 0 {inode} 1");
            for listener in listeners(&line) {
                prop_assert_eq!(listener.inode, inode);
            }
        }
    }
}
