//! A guest saved and restored: how its state gets into a file ([`save`]) and out of one ([`restore`]). What of a vCPU is
//! its own and where it can go, `vmlock-saved` says. Which thread writes it, [`scribe`]; which one holds its memory against
//! its digests while it runs, [`check`], on a file that stays as it is ([`steady`]). Where it goes into a new machine is `enforce/resume.rs`, since all
//! that is written there is proven.

pub mod check;
pub mod laid;
pub mod restore;
pub mod save;
pub mod scribe;
pub mod steady;
