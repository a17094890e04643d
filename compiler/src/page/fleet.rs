//! The page of `vmlock fleet`: locks and hosts.

use serde_json::Value;
use vmlock_page::{Cells, Frame, Grid, Kind, Row, page};
use vmlock_spec::words::printable;

const FRAME: Frame = Frame {
    title: "vmlock fleet",
    heading: "Which hosts keep which locks",
    row: "lock",
    finds: "refused for (a register, a reason)",
    kinds: &[Kind::Kept, Kind::Refused, Kind::Untried, Kind::NoVerdict],
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
            let kind = match reason["unknown"] == true {
                true => Kind::Untried,
                false => Kind::Refused,
            };
            cells.number(kind, lines.collect())
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
            // Kept is what it says is kept, and nothing else.
            let number = |cell: &Value| match cell {
                Value::Null => kept,
                cell => {
                    let reason = cell.as_u64().and_then(|at| usize::try_from(at).ok());
                    let reason = reason.and_then(|at| reasons.get(at));
                    reason.copied().unwrap_or_else(|| {
                        let unclear = "what `vmlock fleet` said of it is no answer";
                        cells.number(Kind::NoVerdict, vec![unclear.to_owned()])
                    })
                }
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A cell that is no answer is no yes.
    #[test]
    fn only_null_is_kept() {
        let data = json!({
            "hosts": ["a", "b", "c", "d", "e", "f"],
            "reasons": [{"refused": ["CTR_EL0: DIC 0x1 for 0x0"]}, {"refused": ["unknown"], "unknown": true}],
            "locks": [{"lock": "web", "kept": true, "keptBy": 1, "refused": [null, 0, 1, 2, "0", true]}],
            "atLeast": 1,
        });
        let page = fleet(&data);
        let (_, rest) = page.split_once("id=\"data\">").expect("a block");
        let (block, _) = rest.split_once("</script>").expect("its end");
        let shown: Value = serde_json::from_str(block).expect("JSON");
        let words: Vec<&Value> = shown["rows"][0]["cells"]
            .as_array()
            .expect("cells")
            .iter()
            .map(|cell| {
                let kind = &shown["cells"][cell.as_u64().expect("a number") as usize]["kind"];
                &shown["kinds"][kind.as_u64().expect("a number") as usize]["words"]
            })
            .collect();
        let legend = page.split_once("id=\"data\">").expect("a block").0;
        assert!(legend.contains("no verdict"), "{legend}");
        assert_eq!(
            words,
            [
                "kept",
                "not kept",
                "unknown: nobody has tried",
                "no verdict",
                "no verdict",
                "no verdict"
            ]
        );
    }
}
