//! Figures beside their limits and aims: as a table for people and as JSON, compared with the last run.

use serde_json::{Value, json};
use std::path::Path;

/// One line of the table.
pub struct Figure {
    /// What was measured.
    pub name: String,
    /// How much.
    pub value: f64,
    /// Of what.
    pub unit: &'static str,
    /// The limit measured in the same run.
    pub limit: Option<f64>,
    /// Aim in words, and whether it was reached.
    pub aim: Option<(String, bool)>,
}

/// All figures of a run.
#[derive(Default)]
pub struct Report(pub Vec<Figure>);

impl Report {
    /// Adds a figure without aim.
    pub fn note(&mut self, name: impl Into<String>, value: f64, unit: &'static str) {
        self.push(Figure { name: name.into(), value, unit, limit: None, aim: None });
    }

    /// Adds a figure that should be at least `aim`.
    pub fn at_least(&mut self, name: impl Into<String>, value: f64, unit: &'static str, aim: f64) {
        let aim = Some((format!(">= {aim}"), value >= aim));
        self.push(Figure { name: name.into(), value, unit, limit: None, aim });
    }

    /// Adds a figure that should be at most `aim`.
    pub fn at_most(&mut self, name: impl Into<String>, value: f64, unit: &'static str, aim: f64) {
        let aim = Some((format!("<= {aim}"), value <= aim));
        self.push(Figure { name: name.into(), value, unit, limit: None, aim });
    }

    /// Adds a figure beside a limit, without aim.
    pub fn beside(&mut self, name: impl Into<String>, value: f64, limit: f64, unit: &'static str) {
        self.push(Figure { name: name.into(), value, unit, limit: Some(limit), aim: None });
    }

    /// Adds a figure beside its limit, of which it should be at least `share`.
    pub fn share(&mut self, name: impl Into<String>, value: f64, limit: f64, unit: &'static str, share: f64) {
        let aim = Some((format!(">= {share} of the limit"), value / limit >= share));
        self.push(Figure { name: name.into(), value, unit, limit: Some(limit), aim });
    }

    fn push(&mut self, figure: Figure) {
        eprintln!("{}", line(&figure, None));
        self.0.push(figure);
    }

    /// Prints the table and writes the JSON; the last run's values stand in the last column.
    pub fn finish(&self, folder: &Path) {
        std::fs::create_dir_all(folder).unwrap();
        let file = folder.join("last.json");
        let last: Value =
            std::fs::read(&file).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        println!(
            "Load of the last 1, 5 and 15 minutes, this benchmark included: {}",
            load.rsplitn(3, ' ').last().unwrap_or("")
        );
        println!("| figure | value | limit in the same run | ratio | aim | reached | last run |");
        println!("| --- | ---: | ---: | ---: | --- | --- | ---: |");
        let mut all = last.as_object().cloned().unwrap_or_default();
        for figure in &self.0 {
            println!("{}", line(figure, last.get(&figure.name).and_then(|f| f["value"].as_f64())));
            let reached = figure.aim.as_ref().map(|aim| aim.1);
            let value = json!({"value": figure.value, "unit": figure.unit, "limit": figure.limit, "aim": figure.aim.as_ref().map(|aim| &aim.0), "reached": reached});
            all.insert(figure.name.clone(), value);
        }
        std::fs::write(file, serde_json::to_vec_pretty(&all).unwrap()).unwrap();
    }
}

fn line(figure: &Figure, last: Option<f64>) -> String {
    let number = |value: f64| if value >= 100.0 { format!("{value:.0}") } else { format!("{value:.2}") };
    let or_empty = |value: Option<f64>| value.map(number).unwrap_or_default();
    let (aim, reached) = match &figure.aim {
        Some((aim, reached)) => (aim.as_str(), if *reached { "yes" } else { "**no**" }),
        None => ("", ""),
    };
    format!(
        "| {} | {} {} | {} | {} | {aim} | {reached} | {} |",
        figure.name,
        number(figure.value),
        figure.unit,
        or_empty(figure.limit),
        or_empty(figure.limit.map(|limit| figure.value / limit)),
        or_empty(last)
    )
}
