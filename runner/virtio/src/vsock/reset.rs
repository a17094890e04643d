//! A machine that was restored has none of the connections that its driver knows. The driver is told so by an event
//! (section 5.10.6.7 of the standard), and receives nothing before it has heard: it resets all that it has then, and
//! would reset what came meanwhile with it.
//!
//! It has heard once it makes another buffer available for events: Linux gives each back when it has done what it says
//! (net/vmw_vsock/virtio_transport.c, `virtio_transport_event_work`, 5.10 to 7.3).

use super::transport_reset;
use crate::chain::Chain;
use crate::ring::{Broken, Drained, Ring};
use vm_memory::GuestMemory;

/// How far that has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reset {
    /// There is nothing that the driver does not know.
    #[default]
    Heard,
    /// It has yet to be told.
    Owed,
    /// It was told, when it had made so many buffers available (modulo 2^16).
    Told(u16),
}

impl Reset {
    /// Whether the driver may receive.
    pub fn is_over(self) -> bool {
        self == Self::Heard
    }

    /// Goes on with it; `ring` is that of the third queue. A driver without one cannot be told.
    ///
    /// # Errors
    /// The driver broke a rule.
    pub fn serve<M: GuestMemory>(
        &mut self,
        ring: Option<&mut Ring>,
        memory: &M,
        chain: &mut Chain,
    ) -> Result<Drained, Broken> {
        let Some(ring) = ring else {
            *self = Self::Heard;
            return Ok(Drained::NOTHING);
        };
        if *self == Self::Owed {
            if !ring.take(memory, chain)? {
                let more = ring.listen(memory)?;
                return Ok(Drained {
                    interrupts: false,
                    more,
                });
            }
            let head = chain.head();
            let written = transport_reset(memory, chain);
            let written = written.map_err(|why| Broken::Chain { head, why })?;
            *self = Self::Told(ring.available(memory)?);
            ring.give(memory, head, written)?;
        }
        if let Self::Told(available) = *self
            && ring.listen_beyond(memory, available)?
        {
            *self = Self::Heard;
        }
        let interrupts = ring.interrupts(memory)?;
        Ok(Drained {
            interrupts,
            more: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::{Driver, Part, memory};
    use virtio_bindings::virtio_ring::VIRTIO_RING_F_EVENT_IDX;
    use vm_memory::{Bytes, GuestAddress};

    #[test]
    fn the_driver_is_told_once_and_has_heard_when_it_has_another_buffer() {
        for features in [&[][..], &[VIRTIO_RING_F_EVENT_IDX]] {
            let memory = memory();
            let mut driver = Driver::new(&memory, 8);
            let mut ring = driver.ring(features);
            let (mut reset, mut chain) = (Reset::Owed, Chain::default());
            let mut go_on = |reset: &mut Reset| {
                let drained = reset.serve(Some(&mut ring), &memory, &mut chain);
                let Drained { interrupts, more } = drained.expect("it keeps the rules");
                assert!(!more && ring.out() == 0);
                interrupts
            };
            // Before there is a buffer.
            assert!(!go_on(&mut reset) && reset == Reset::Owed);
            let buffers: Vec<u64> = (0..3).map(|_| driver.offer(&[Part::In(8)])[0]).collect();
            assert!(go_on(&mut reset) && !reset.is_over());
            assert_eq!(driver.used(), Some((0, 4)));
            assert_eq!(driver.bytes(buffers[0], 4), [0; 4]);
            // Two more buffers are there, and none of them says that it has heard.
            for _ in 0..3 {
                assert!(!go_on(&mut reset) && !reset.is_over());
            }
            assert_eq!(driver.used(), None);
            // It is asked to notify of the fourth.
            let flags: u16 = memory
                .read_obj(GuestAddress(driver.setup.device))
                .expect("in memory");
            let event: u16 = memory
                .read_obj(GuestAddress(driver.setup.device + 4 + 8 * 8))
                .expect("in memory");
            match features {
                [] => assert_eq!(flags, 0),
                _ => assert_eq!(event, 3),
            }
            driver.offer(&[Part::In(8)]);
            assert!(!go_on(&mut reset) && reset.is_over());
            assert_eq!(driver.used(), None);
        }
    }

    #[test]
    fn who_cannot_be_told_is_not_waited_for_and_a_small_buffer_breaks_a_rule() {
        let memory = memory();
        let (mut reset, mut chain) = (Reset::Owed, Chain::default());
        let told = reset.serve(None, &memory, &mut chain);
        assert_eq!((told, reset), (Ok(Drained::NOTHING), Reset::Heard));
        let mut driver = Driver::new(&memory, 8);
        let mut ring = driver.ring(&[]);
        driver.offer(&[Part::In(3)]);
        let mut reset = Reset::Owed;
        let told = reset.serve(Some(&mut ring), &memory, &mut chain);
        assert!(matches!(told, Err(Broken::Chain { head: 0, .. })));
    }
}
