//! Tests of the decisions: catalogue, resolver, lock, plan.

mod catalogue;
mod locks;
mod plans;
mod truth;
