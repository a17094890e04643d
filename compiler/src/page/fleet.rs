//! The page of `vmlock fleet`: locks and hosts.

use serde_json::Value;
use vmlock_page::{Cells, Frame, Grid, Kind, Row, page};
use vmlock_spec::words::printable;

const FRAME: Frame = Frame {
    title: "vmlock fleet",
    heading: "Which hosts keep which locks",
    row: "lock",
    finds: "refused for (a register, a reason)",
    kinds: &[Kind::Kept, Kind::Refused],
    legible: printable,
};

/// The page of a fleet; `data` is what `vmlock fleet --format json` prints.
pub fn fleet(data: &Value) -> String {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let texts = |value: &Value| {
        let texts = value.as_array().into_iter().flatten();
        texts
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let hosts = texts(&data["hosts"]);
    let mut cells = Cells::default();
    let reasons: Vec<usize> = list(&data["reasons"])
        .iter()
        .map(|reason| {
            let another = reason["anotherCpu"].as_str().map(str::to_owned);
            let lines = another.into_iter().chain(texts(&reason["refused"]));
            cells.number(Kind::Refused, lines.collect())
        })
        .collect();
    let kept = cells.number(Kind::Kept, Vec::new());
    let locks = list(&data["locks"]);
    let rows: Vec<Row> = locks
        .iter()
        .map(|lock| {
            let enough = lock["kept"] == true;
            let few = if enough { "" } else { ", too few" };
            let of_lock = lock["refused"].as_array().into_iter().flatten();
            let number = |cell: &Value| match cell.as_u64() {
                Some(reason) => reasons[reason as usize],
                None => kept,
            };
            Row {
                name: lock["lock"].as_str().unwrap_or_default().to_owned(),
                note: format!("{} of {}{few}: ", lock["keptBy"], hosts.len()),
                marked: !enough,
                cells: of_lock.map(number).collect(),
            }
        })
        .collect();
    let enough = rows.iter().filter(|row| !row.marked).count();
    let summary = format!(
        "{enough} of {} locks are kept by at least {} of {} hosts.",
        rows.len(),
        data["atLeast"],
        hosts.len()
    );
    let grid = Grid {
        summary,
        hosts,
        rows,
        cells,
    };
    page(&FRAME, &grid)
}
