//! What the first cut's lines say against SUS, and how their challenges stand: read back at the end.

use super::{row, table};
use crate::demo::installation::SYSTEM;
use crate::demo::scenes::{Class, Compared, challenges};
use crate::demo::stage::Stage;
use crate::output;
use anyhow::ensure;
use comfy_table::Table;
use money::NetPence;
use proto::referrals::v1;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Challenges as both sides see them.
#[derive(Debug)]
pub(super) struct Challenged {
    challenges: Vec<v1::Challenge>,
    /// The one that was raised by hand, with its thread.
    thread: Option<v1::GetChallengeResponse>,
}

/// How many stand so, and what is contested and upheld of them.
type Standing = (u64, i64, i64);

impl Challenged {
    /// Reads them back. Errors when the provider does not see the thread that the commissioner sees.
    pub(super) async fn of(stage: &Stage, compared: &Compared) -> anyhow::Result<Self> {
        let all = v1::ChallengeState::Unspecified;
        let challenges = challenges::list(stage, "commissioning-lead", "", all).await?;
        let mut thread = None;
        if let Some(challenge) = compared.by_hand {
            let get = v1::GetChallengeRequest { system: SYSTEM.to_owned(), challenge, min_position: None };
            let ours = stage.of("commissioning-lead")?.ask(get.clone()).await?;
            let theirs = stage.of(challenges::ANSWERS)?.ask(get).await?;
            ensure!(ours.thread == theirs.thread, "two sides see two threads of challenge {challenge}");
            thread = Some(ours);
        }
        Ok(Self { challenges, thread })
    }

    fn by_state(&self) -> BTreeMap<v1::ChallengeState, Standing> {
        let mut standing: BTreeMap<_, Standing> = BTreeMap::new();
        for challenge in &self.challenges {
            let (count, contested, upheld) = standing.entry(challenge.state()).or_default();
            *count += 1;
            *contested = contested.saturating_add(challenge.amount_pence);
            *upheld = upheld.saturating_add(challenge.upheld_pence.unwrap_or(0));
        }
        standing
    }

    fn count(&self, state: v1::ChallengeState) -> u64 {
        self.by_state().get(&state).map_or(0, |standing| standing.0)
    }

    /// Keys of `--json`.
    pub(super) fn figures(&self, compared: &Compared) -> Value {
        let sum = compared.sum();
        let upheld: i64 = self.challenges.iter().filter_map(|row| row.upheld_pence).sum();
        json!({
            "sus_rows": sum.sus_rows,
            "slam_pence": sum.billed_pence,
            "sus_pence": sum.sus_pence,
            "slam_less_sus_pence": sum.difference_pence,
            "challenges": self.challenges.len(),
            "challenges_agreed": self.count(v1::ChallengeState::Agreed),
            "challenges_withdrawn": self.count(v1::ChallengeState::Withdrawn),
            "challenges_upheld_pence": upheld,
        })
    }

    /// Tables of `report.json`.
    pub(super) fn tables(&self, compared: &Compared) -> Value {
        let classes = compared.classes.iter().map(|(class, of)| {
            json!({
                "class": class_word(*class),
                "billed_lines": of.billed_lines,
                "sus_rows": of.sus_rows,
                "billed_pence": of.billed_pence,
                "sus_pence": of.sus_pence,
                "difference_pence": of.difference_pence,
            })
        });
        let states = self.by_state().into_iter().map(|(state, (count, contested, upheld))| {
            json!({
                "state": state_word(state),
                "challenges": count,
                "contested_pence": contested,
                "upheld_pence": upheld,
            })
        });
        json!({
            "slam_sus_classes": classes.collect::<Vec<_>>(),
            "challenge_grounds": compared.grounds,
            "challenge_states": states.collect::<Vec<_>>(),
        })
    }

    /// Prints both for people.
    pub(super) fn print(&self, compared: &Compared) {
        let providers = crate::demo::generate::COMPARED.join(", ");
        output::line(format_args!(
            "\nJune's first cut of {providers}: billed less SUS, by reason\n{}",
            classes(compared)
        ));
        output::line(format_args!(
            "\n{} lines were challenged by the usual rules. How all challenges stand\n{}",
            compared.raised,
            self.states()
        ));
        let Some((challenge, thread)) =
            self.thread.as_ref().and_then(|of| Some((of.challenge.as_ref()?, &of.thread)))
        else {
            return;
        };
        output::line(format_args!(
            "\nOne thread for both sides: challenge {} of {}'s {}",
            challenge.challenge, challenge.provider, challenge.cds_identifier
        ));
        for entry in thread {
            let (act, amount) = (entry.act.to_lowercase(), NetPence::new(entry.amount_pence));
            output::line(format_args!("  {act} {amount}: {}", entry.text));
        }
    }

    fn states(&self) -> Table {
        let mut table = table(&["state", "challenges", "contested", "upheld"]);
        for (state, (count, contested, upheld)) in self.by_state() {
            let mut cells = row(&state_word(state), &[contested, upheld]);
            cells.insert(1, count.to_string());
            table.add_row(cells);
        }
        table
    }
}

fn classes(compared: &Compared) -> Table {
    let mut table = table(&["class", "billed", "in SUS", "billed £", "SUS £", "billed − SUS"]);
    let cells = |name: &str, of: &Class| {
        let mut cells = row(name, &[of.billed_pence, of.sus_pence, of.difference_pence]);
        cells.splice(1..1, [of.billed_lines.to_string(), of.sus_rows.to_string()]);
        cells
    };
    for (class, of) in &compared.classes {
        table.add_row(cells(class_word(*class), of));
    }
    table.add_row(cells("all", &compared.sum()));
    table
}

fn class_word(class: v1::MatchClass) -> &'static str {
    class.as_str_name().trim_start_matches("MATCH_CLASS_")
}

fn state_word(state: v1::ChallengeState) -> String {
    state.as_str_name().trim_start_matches("CHALLENGE_STATE_").to_lowercase()
}
