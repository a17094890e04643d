//! The nouns and the decisions of vmlock: registers and their fields, baselines,
//! CPU models, what a user describes, the lock, the host report and the plan.
//!
//! What is absent here, on purpose: files, KVM, KDL, printing. Everything is a
//! value or a pure function of values, testable on any machine; a machine of
//! KVM's is told and asked by whoever has one ([`script`]).

pub mod adopt;
pub mod catalogue;
pub mod common;
pub mod drift;
pub mod event;
pub mod export;
pub mod json;
pub mod lock;
pub mod machine;
pub mod mitigation;
pub mod names;
pub mod observation;
pub mod parallel;
pub mod part;
pub mod plan;
pub mod reason;
pub mod report;
pub mod resolve;
pub mod script;
mod sha256;
pub mod smccc;
pub mod space;
pub mod status;
pub mod vm;
pub mod words;
