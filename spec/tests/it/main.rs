//! Tests of the decisions: catalogue, resolver, lock, plan.

mod catalogue;
mod common;
mod locks;
mod plans;
mod truth;
