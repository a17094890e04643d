//! Tests of the decisions: catalogue, resolver, lock, plan.

mod audits;
mod caches;
mod catalogue;
mod common;
mod decisions;
mod distributions;
mod drift;
mod exports;
mod fleets;
mod frozen;
mod imported;
mod locks;
mod mitigations;
mod owed;
mod pages;
mod plans;
mod reset;
mod script;
mod silicon;
mod truth;
mod unpromised;
mod virtio;
