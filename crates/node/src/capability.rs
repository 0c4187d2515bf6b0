//! What a node can do, as bits: the "distribution flags" of OTP (`lib/kernel/include/dist.hrl`).
//!
//! The values are those of that header: `erl_dist_protocol.md` prints a wrong one for `MANDATORY_25_DIGEST`.

pub(crate) const EXTENDED_REFERENCES: u64 = 0x4;
const DIST_MONITOR: u64 = 0x8;
const FUN_TAGS: u64 = 0x10;
const DIST_MONITOR_NAME: u64 = 0x20;
const NEW_FUN_TAGS: u64 = 0x80;
const EXTENDED_PIDS_PORTS: u64 = 0x100;
const EXPORT_PTR_TAG: u64 = 0x200;
const BIT_BINARIES: u64 = 0x400;
const NEW_FLOATS: u64 = 0x800;
const UNICODE_IO: u64 = 0x1000;
const SMALL_ATOM_TAGS: u64 = 0x4000;
const UTF8_ATOMS: u64 = 0x10000;
const MAP_TAG: u64 = 0x20000;
const BIG_CREATION: u64 = 0x40000;
const SEND_SENDER: u64 = 0x80000;
const EXIT_PAYLOAD: u64 = 0x40_0000;
pub(crate) const HANDSHAKE_23: u64 = 0x100_0000;
const UNLINK_ID: u64 = 0x200_0000;
pub(crate) const SPAWN: u64 = 1 << 32;
pub(crate) const NAME_ME: u64 = 1 << 33;
const V4_NC: u64 = 1 << 34;

/// What this client announces: what OTP 25 to 29 demand, and what makes calls simple. It leaves out:
///
/// * PUBLISHED: the client stays hidden;
/// * DIST_HDR_ATOM_CACHE and FRAGMENTS: without them every message comes whole and with its atoms;
/// * LOCAL_EXT: every term can be decoded.
pub(crate) const ANNOUNCED: u64 = EXTENDED_REFERENCES
    | DIST_MONITOR
    | FUN_TAGS
    | DIST_MONITOR_NAME
    | NEW_FUN_TAGS
    | EXTENDED_PIDS_PORTS
    | EXPORT_PTR_TAG
    | BIT_BINARIES
    | NEW_FLOATS
    | UNICODE_IO
    | SMALL_ATOM_TAGS
    | UTF8_ATOMS
    | MAP_TAG
    | BIG_CREATION
    | SEND_SENDER
    | EXIT_PAYLOAD
    | HANDSHAKE_23
    | UNLINK_ID
    | SPAWN
    | NAME_ME
    | V4_NC;

/// What the peer has to be able to do.
pub(crate) const REQUIRED: u64 = HANDSHAKE_23 | SPAWN | NAME_ME;

#[cfg(test)]
mod tests {
    use super::*;

    /// `erts_internal:get_dflags()` of OTP 25 and of OTP 27 and 29.
    #[test]
    fn everything_mandatory_is_announced() {
        for mandatory in [0x107_0f94, 0x4_0307_0f94_u64] {
            assert_eq!(ANNOUNCED & mandatory, mandatory);
        }
    }
}
