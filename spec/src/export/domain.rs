//! libvirt's domain XML, as far as it is about what a lock says: what is told makes a list of elements, each with its
//! attributes, and what stands in it. The first one holds all others.
//!
//! Nothing of a lock has to be escaped: its name has letters, digits, `-`, `_` and `.` alone, and all else are numbers.

use super::arguments::{first, options};
use super::judge::Judge;

/// The domain, to be completed by its owner: what it boots, its disks and its cards are not of a lock's CPU.
pub(super) fn text(judge: &Judge) -> String {
    let elements = options(judge);
    let Some(((domain, inside), others)) = elements.split_first() else {
        return String::new();
    };
    let mut out = format!("<{domain}>\n");
    for line in inside {
        out += &format!("  {line}\n");
    }
    for (element, inside) in others {
        if inside.is_empty() {
            out += &format!("  <{element}/>\n");
            continue;
        }
        out += &format!("  <{element}>\n");
        for line in inside {
            out += &format!("    {line}\n");
        }
        out += &format!("  </{}>\n", first(element));
    }
    out + &format!("</{}>\n", first(domain))
}
