//! From files to everything that is generated of them.

use std::collections::BTreeMap;

use crate::check;
use crate::finding::{Code, Finding, Findings};
use crate::plan::{Options, Plan, Profile};
use crate::proof;
use crate::routes;
use crate::rules::{self, RuleFile, rule_file};
use crate::runbook;
use crate::spec::{self, Source};

/// The first line of every generated YAML file.
pub const GENERATED: &str =
    "# Generated from the objectives by `perch slo generate`; edit there.\n";

/// Files, compiled.
#[derive(Debug)]
pub struct Compiled {
    /// The objectives in the order of the files.
    pub plans: Vec<Plan>,
    /// Everything found, in the order of files and places.
    pub findings: Vec<Finding>,
    /// Whether nothing keeps rules from being generated.
    pub sound: bool,
}

/// Reads files, resolves their objectives and checks them.
#[must_use]
pub fn compile(sources: &[Source<'_>], options: &Options) -> Compiled {
    let mut found = Findings::default();
    let specification = spec::read(sources, options.period, &mut found);
    let mut plans = Vec::new();
    for objective in &specification.objectives {
        if let Some(plan) = Plan::of(objective, &specification.tables, options, &mut found) {
            check::check(&plan, options, &mut found);
            plans.push(plan);
        }
    }
    if options.alone {
        found.soften(Code::Unresolved);
    }
    Compiled { plans, sound: !found.has_errors(), findings: found.sorted() }
}

impl Compiled {
    /// The rules, one file per document that was read.
    #[must_use]
    pub fn rule_files(&self, options: &Options) -> Vec<RuleFile> {
        let mut files: BTreeMap<(usize, usize), RuleFile> = BTreeMap::new();
        let mut order: Vec<&str> = Vec::new();
        for plan in &self.plans {
            let origin = &plan.objective.origin;
            let place = order.iter().position(|name| *name == origin.file);
            let place = place.unwrap_or_else(|| {
                order.push(&origin.file);
                order.len() - 1
            });
            let object = origin.object.clone();
            let file = files
                .entry((place, origin.document))
                .or_insert(RuleFile { object, groups: Vec::new() });
            file.groups.extend(rules::groups(plan, options));
        }
        files.into_values().collect()
    }

    /// All rules in one text. In the profile `sloth` a document per document that was read, as Sloth writes
    /// them; in the profile `exact` one for all that are plain, since Prometheus reads only a file's first.
    #[must_use]
    pub fn rules(&self, options: &Options) -> String {
        let mut files = self.rule_files(options);
        if options.profile == Profile::Exact {
            let (plain, mut objects): (Vec<RuleFile>, Vec<RuleFile>) =
                files.into_iter().partition(|f| f.object.is_none());
            let groups: Vec<_> = plain.into_iter().flat_map(|f| f.groups).collect();
            if !groups.is_empty() {
                objects.insert(0, RuleFile { object: None, groups });
            }
            files = objects;
        }
        let files: Vec<String> = files.iter().map(rule_file).collect();
        format!("{GENERATED}{}", files.join("---\n"))
    }

    /// Everything as files beneath one folder: `rules/`, `tests/`, `runbooks/`, `alertmanager/`.
    /// Rules are plain here, so that promtool reads them.
    #[must_use]
    pub fn artifacts(&self, options: &Options) -> BTreeMap<String, String> {
        let mut files = BTreeMap::new();
        for plan in &self.plans {
            let id = plan.objective.id();
            let rules = RuleFile { object: None, groups: rules::groups(plan, options) };
            files.insert(format!("rules/{id}.yaml"), format!("{GENERATED}{}", rule_file(&rules)));
            for test in proof::tests(plan, options) {
                let text = proof::test_file(&test, &format!("../rules/{id}.yaml"));
                files.insert(
                    format!("tests/{id}.{}.yaml", test.suffix),
                    format!("{GENERATED}{text}"),
                );
            }
        }
        for (name, page) in runbook::runbooks(&self.plans, options) {
            files.insert(format!("runbooks/{name}"), page);
        }
        let text = routes::alertmanager(&self.plans, options);
        files.insert("alertmanager/slo.yaml".into(), format!("{GENERATED}{text}"));
        files
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prometheus_reads_the_rules_of_every_file() {
        let rate = "sum(rate(m[{{.window}}]))";
        let spec = |name: &str| {
            let sli = format!("{{events: {{error_query: '{rate}', total_query: '{rate}'}}}}");
            format!(
                "version: prometheus/v1\nservice: {name}\nslos:\n- {{name: xx, objective: 99, sli: {sli}, alerting: {{name: A}}}}\n"
            )
        };
        let (a, b) = (spec("aa"), spec("bb"));
        let sources = [Source { name: "a", text: &a }, Source { name: "b", text: &b }];
        for (profile, n_documents) in [(Profile::Exact, 1), (Profile::Sloth, 2)] {
            let options = Options::new(profile, "events_total");
            let rules = compile(&sources, &options).rules(&options);
            assert_eq!(rules.matches("groups:\n").count(), n_documents, "{rules}");
            assert!(rules.contains("-aa-xx\n") && rules.contains("-bb-xx\n"), "{rules}");
        }
    }
}
