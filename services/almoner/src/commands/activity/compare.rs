//! `almoner activity compare`: what was billed against SUS and our price, by class.

use super::{Activity, cut_name};
use crate::output::{self, date, pounds};
use anyhow::Context as _;
use clap::Args;
use proto::{common::v1::PageRequest, referrals::v1};
use serde_json::json;
use std::collections::BTreeMap;

#[derive(Debug, Args)]
pub(super) struct Compare {
    /// Provider whose lines are compared
    #[arg(long)]
    provider: String,
    /// The month and cut: 2017-06/flex or 2017-06/freeze
    #[arg(long, value_parser = super::cut)]
    cut: v1::Cut,
    /// List the lines instead of their sums: of one class (as IN_SLAM_NOT_IN_SUS), or ALL
    #[arg(long, value_name = "CLASS")]
    lines: Option<String>,
    /// Print JSON
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Print CSV
    #[arg(long)]
    csv: bool,
}

/// Counts and pence of some lines, in the order of the columns.
type Sums = [i64; 6];

const HEADS: [&str; 6] =
    ["billed_lines", "sus_rows", "billed_pence", "sus_pence", "accepted_pence", "difference_pence"];

fn sums(row: &v1::ComparisonRow) -> Sums {
    let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    [
        count(row.billed_lines),
        count(row.sus_rows),
        row.billed_pence,
        row.sus_pence,
        row.accepted_pence,
        row.difference_pence,
    ]
}

fn add(total: &mut Sums, row: &Sums) {
    total.iter_mut().zip(row).for_each(|(total, value)| *total = total.saturating_add(*value));
}

pub(super) async fn run(activity: &Activity, of: Compare) -> anyhow::Result<()> {
    let cut = of.cut.clone();
    if let Some(class) = &of.lines {
        return lines(activity, &of, cut, class).await;
    }
    let request = v1::CompareActivityRequest {
        system: activity.system.clone(),
        provider: of.provider.clone(),
        cut: Some(cut),
        min_position: None,
    };
    let answer = activity.connection.ask(request).await.context("the cut was not compared")?;
    let mut classes: BTreeMap<v1::MatchClass, Sums> = BTreeMap::new();
    let mut total = Sums::default();
    for row in &answer.rows {
        add(classes.entry(row.class()).or_default(), &sums(row));
        add(&mut total, &sums(row));
    }
    if of.json {
        as_json(&of, &answer, &classes, &total);
    } else if of.csv {
        as_csv(&answer)?;
    } else {
        as_table(&of, &answer, &classes, &total);
    }
    Ok(())
}

fn as_json(
    of: &Compare,
    answer: &v1::CompareActivityResponse,
    classes: &BTreeMap<v1::MatchClass, Sums>,
    total: &Sums,
) {
    let object = |values: &Sums| {
        let pairs = HEADS.iter().zip(values).map(|(head, value)| ((*head).to_owned(), json!(value)));
        pairs.collect::<serde_json::Map<_, _>>()
    };
    let with = |values: &Sums, named: &[(&str, &str)]| {
        let mut map = object(values);
        map.extend(named.iter().map(|(name, value)| ((*name).to_owned(), json!(value))));
        map
    };
    let rows: Vec<_> = answer
        .rows
        .iter()
        .map(|row| {
            let named = [
                ("commissioner", row.commissioner.as_str()),
                ("point_of_delivery", &row.point_of_delivery),
                ("class", word(row.class())),
            ];
            with(&sums(row), &named)
        })
        .collect();
    let classes: Vec<_> =
        classes.iter().map(|(class, values)| with(values, &[("class", word(*class))])).collect();
    let extract = answer.extract.clone().unwrap_or_default();
    let value = json!({
        "provider": of.provider,
        "cut": cut_name(Some(&of.cut)),
        "extract": { "position": extract.position, "version": extract.version, "rows": extract.rows },
        "total": object(total),
        "classes": classes,
        "rows": rows,
    });
    output::line(format_args!("{value:#}"));
}

fn as_csv(answer: &v1::CompareActivityResponse) -> anyhow::Result<()> {
    let mut writer = csv::Writer::from_writer(std::io::stdout().lock());
    let named = ["commissioner", "point_of_delivery", "class"];
    writer.write_record(named.iter().chain(&HEADS))?;
    for row in &answer.rows {
        let named = [row.commissioner.clone(), row.point_of_delivery.clone(), word(row.class()).to_owned()];
        writer.write_record(named.into_iter().chain(sums(row).iter().map(ToString::to_string)))?;
    }
    writer.flush()?;
    Ok(())
}

fn cells(named: Vec<String>, values: &Sums) -> Vec<String> {
    let [billed, sus, rest @ ..] = values;
    let money = rest.iter().map(|pence| pounds(*pence));
    named.into_iter().chain([billed.to_string(), sus.to_string()]).chain(money).collect()
}

fn as_table(
    of: &Compare,
    answer: &v1::CompareActivityResponse,
    classes: &BTreeMap<v1::MatchClass, Sums>,
    total: &Sums,
) {
    let extract = answer.extract.clone().unwrap_or_default();
    let (version, rows) = (extract.version, extract.rows);
    let (provider, cut, position) = (&of.provider, cut_name(Some(&of.cut)), extract.position);
    output::line(format_args!("{provider} {cut}: SUS extract {position}, version {version}, {rows} rows"));
    let heads = ["class", "billed", "in SUS", "billed £", "SUS £", "accepted £", "billed − SUS £"];
    let mut table = output::table(heads, 1..7);
    for (class, values) in classes {
        table.add_row(cells(vec![word(*class).to_owned()], values));
    }
    table.add_row(cells(vec!["all".to_owned()], total));
    output::show(&table);
    output::line(format_args!(""));
    let heads = [
        "commissioner",
        "point of delivery",
        "class",
        "billed",
        "in SUS",
        "billed £",
        "SUS £",
        "accepted £",
        "billed − SUS £",
    ];
    let mut table = output::table(heads, 3..9);
    for row in &answer.rows {
        let named =
            vec![row.commissioner.clone(), row.point_of_delivery.clone(), word(row.class()).to_owned()];
        table.add_row(cells(named, &sums(row)));
    }
    output::show(&table);
}

/// A class as it is written: its code without the enum's prefix.
fn word(class: v1::MatchClass) -> &'static str {
    class.as_str_name().trim_start_matches("MATCH_CLASS_")
}

const LINE_HEADS: [&str; 11] = [
    "class",
    "differences",
    "cds_identifier",
    "local_identifier",
    "date",
    "billed_commissioner",
    "sus_commissioner",
    "billed",
    "sus",
    "accepted",
    "record",
];

/// A pair as its cells: what both sides say, with what is not there left empty.
fn line(pair: &v1::Pair, pence: fn(i64) -> String) -> [String; 11] {
    let either = pair.billed.as_ref().or(pair.sus.as_ref()).cloned().unwrap_or_default();
    let of = |line: Option<&v1::MatchedLine>, cell: fn(&v1::MatchedLine) -> String| {
        line.map(cell).unwrap_or_default()
    };
    let (billed, sus) = (pair.billed.as_ref(), pair.sus.as_ref());
    let differences: Vec<&str> = pair.differences().map(word).collect();
    let amount =
        |line: Option<&v1::MatchedLine>| line.map(|line| pence(line.amount_pence)).unwrap_or_default();
    [
        word(pair.class()).to_owned(),
        differences.join(" "),
        either.cds_identifier,
        either.local_identifier,
        date(either.activity_date),
        of(billed, |line| line.commissioner.clone()),
        of(sus, |line| line.commissioner.clone()),
        amount(billed),
        amount(sus),
        billed.and_then(|line| line.accepted_pence).map(pence).unwrap_or_default(),
        of(billed, |line| line.number.to_string()),
    ]
}

async fn lines(activity: &Activity, of: &Compare, cut: v1::Cut, class: &str) -> anyhow::Result<()> {
    let class = if class.eq_ignore_ascii_case("all") {
        v1::MatchClass::Unspecified
    } else {
        let name = format!("MATCH_CLASS_{}", class.to_ascii_uppercase());
        v1::MatchClass::from_str_name(&name).with_context(|| format!("{class} is no class"))?
    };
    let mut pairs = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = v1::ListPairsRequest {
            system: activity.system.clone(),
            provider: of.provider.clone(),
            cut: Some(cut.clone()),
            class: class.into(),
            page: Some(PageRequest { page_size: 1_000, page_token }),
            min_position: None,
        };
        let answer = activity.connection.ask(request).await.context("the lines were not listed")?;
        pairs.extend(answer.pairs);
        page_token = answer.page.unwrap_or_default().next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    let plain = |pence: i64| pence.to_string();
    if of.json {
        let rows: Vec<_> = pairs
            .iter()
            .map(|pair| {
                let cells = LINE_HEADS.iter().zip(line(pair, plain));
                cells.map(|(head, cell)| ((*head).to_owned(), json!(cell))).collect::<serde_json::Map<_, _>>()
            })
            .collect();
        output::line(format_args!("{:#}", json!(rows)));
    } else if of.csv {
        let mut writer = csv::Writer::from_writer(std::io::stdout().lock());
        writer.write_record(LINE_HEADS)?;
        pairs.iter().try_for_each(|pair| writer.write_record(line(pair, plain)))?;
        writer.flush()?;
    } else {
        let mut table = output::table(LINE_HEADS, 7..10);
        for pair in &pairs {
            table.add_row(line(pair, pounds));
        }
        output::show(&table);
    }
    Ok(())
}
