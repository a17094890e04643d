//! A vCPU at rest: its registers by their names, whether it is on, the SError that waits for it.

use crate::hex::Value;
use crate::shape::{Form, Shaped};
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;
use vmlock_spec::catalogue::{Kind, RegisterInfo, register_by_name};

crate::shape! {
    /// A vCPU at rest: whatever it had asked for was answered.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    pub struct Vcpu {
        /// Whether it is on.
        pub power: Power,
        /// The SError that waits for it.
        pub serror: Serror,
        /// Every register that is its own.
        ///
        /// Held to: names that `vmlock explain` knows, in the order of their ids, without those that the lock decides; X0, SP_EL0, PC, SCTLR_EL1 and VBAR_EL1 are there, and PSTATE with a mode of EL0 or EL1
        pub registers: Registers,
    }
}

crate::shape! {
    /// Whether a vCPU runs when the machine does (`KVM_GET_MP_STATE`).
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum Power {
        /// It does, be it in WFI (`KVM_MP_STATE_RUNNABLE`).
        On,
        /// It waits for CPU_ON (`KVM_MP_STATE_STOPPED`).
        Off,
    }
}

crate::shape! {
    /// An SError that is pending in KVM (`KVM_GET_VCPU_EVENTS`).
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum Serror {
        /// None.
        None,
        /// One without a syndrome of its own (`serror_pending`).
        Pending,
        /// One with this ESR_EL1.ISS, up to 24 bits (`serror_has_esr`, only with FEAT_RAS).
        ///
        /// Held to: 24 bits
        Syndrome(u32),
    }
}

/// Registers by the catalogue's names, in the order of their ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registers(Vec<(&'static RegisterInfo, Value)>);

/// Whether a register of which KVM speaks is a vCPU's own: state, or what of an identification register a guest
/// changes (PMCR_EL0.E). The others follow from the lock. CNTVCT_EL0 is the machine's. Which of these a vCPU is saved with,
/// `owned.rs` says; a file may have had more.
pub fn is_state(info: &RegisterInfo) -> bool {
    let own = info.kind == Kind::State || info.promised() != full(info);
    let elsewhere = matches!(
        info.name.as_ref(),
        "CNTVCT_EL0" | "KVM_REG_ARM64_SVE_VLS" | "ICC_CTLR_EL1"
    );
    own && !elsewhere
}

/// All of a register's bits, as [`RegisterInfo::promised`] counts them.
fn full(info: &RegisterInfo) -> u64 {
    match info.id >> 52 & 0xf {
        bytes @ 0..3 => (1 << (8 << bytes)) - 1,
        _ => u64::MAX,
    }
}

impl Registers {
    /// Adds a register, or gives it another value.
    ///
    /// # Errors
    /// It is none of a vCPU's own, or of another width.
    pub fn set(&mut self, info: &'static RegisterInfo, value: Value) -> Result<(), String> {
        let bytes = 1 << (info.id >> 52 & 0xf);
        if !is_state(info) {
            return Err(format!(
                "{} is not a vCPU's own: the lock says it",
                info.name
            ));
        }
        if value.bytes().len() != bytes {
            return Err(format!(
                "{} has {bytes} bytes, not {}",
                info.name,
                value.bytes().len()
            ));
        }
        match self.0.binary_search_by_key(&info.id, |(info, _)| info.id) {
            Ok(at) => self.0[at].1 = value,
            Err(at) => self.0.insert(at, (info, value)),
        }
        Ok(())
    }

    /// All of them, by id.
    pub fn iter(&self) -> impl Iterator<Item = (&'static RegisterInfo, &Value)> {
        self.0.iter().map(|(info, value)| (*info, value))
    }

    /// What the one of that name holds.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.iter()
            .find(|(info, _)| info.name == name)
            .map(|(_, value)| value)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Shaped for Registers {
    const FORM: Form = Form::One("by name, `0x` and 2 hex digits for each byte of the register");
}

impl Serialize for Registers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|(info, value)| (&info.name, value)))
    }
}

impl<'de> Deserialize<'de> for Registers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Map;
        impl<'de> Visitor<'de> for Map {
            type Value = Registers;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("registers by name")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Registers, A::Error> {
                let mut registers = Registers::default();
                while let Some(name) = map.next_key::<String>()? {
                    let value = map.next_value()?;
                    let Some(info) = register_by_name(&name) else {
                        let name: String = name.escape_debug().take(60).collect();
                        return Err(A::Error::custom(format!("there is no register `{name}`")));
                    };
                    if registers.get(&name).is_some() {
                        return Err(A::Error::custom(format!("{name} stands there twice")));
                    }
                    registers.set(info, value).map_err(A::Error::custom)?;
                }
                Ok(registers)
            }
        }
        deserializer.deserialize_map(Map)
    }
}
