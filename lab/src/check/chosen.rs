//! Which series a check is about: a name of the file from which several hosts or links came means all of them.

use crate::file::Check;
use crate::metrics::{Labels, Series, Table, glob};
use crate::plan::Plan;

/// The hosts and links of a run, each with its name in the file.
#[derive(Clone, Debug, Default)]
pub struct Groups {
    hosts: Vec<Member>,
    links: Vec<Member>,
}

#[derive(Clone, Debug)]
struct Member {
    group: String,
    name: String,
}

impl Groups {
    /// Those of a plan.
    pub fn of(plan: &Plan) -> Self {
        let member = |group: &str, name: &str| Member { group: group.into(), name: name.into() };
        Self {
            hosts: plan.hosts.iter().map(|host| member(&host.group, &host.name)).collect(),
            links: plan.links.iter().map(|link| member(&link.group, &link.name)).collect(),
        }
    }

    /// The names under which a metric is measured: `link.wan.lost` is that of `wan-1` and that of `wan-2`.
    fn names(&self, metric: &str) -> Vec<String> {
        let copies = |link: &str, what: &str| -> Vec<String> {
            let of_group = self.links.iter().filter(|member| member.group == link);
            of_group.map(|member| format!("link.{}.{what}", member.name)).collect()
        };
        let parts = metric.strip_prefix("link.").and_then(|rest| rest.split_once('.'));
        let mut names = parts.map_or_else(Vec::new, |(link, what)| copies(link, what));
        names.push(metric.into());
        names
    }

    /// True if the pattern of a label fits its value, or the name in the file of what the value names.
    fn fits(&self, label: &str, pattern: &str, value: &str) -> bool {
        let members = match label {
            "host" | "peer" => &self.hosts[..],
            "link" => &self.links[..],
            _ => &[],
        };
        glob(pattern, value) || members.iter().any(|member| member.name == value && glob(pattern, &member.group))
    }

    /// The series that a check is about.
    pub(super) fn chosen<'a>(&'a self, check: &'a Check, table: &'a Table) -> impl Iterator<Item = &'a Series> {
        let names = self.names(&check.metric);
        table
            .iter()
            .filter(move |(name, labels, _)| names.iter().any(|of| of == name) && self.is_place(check, labels))
            .map(|(_, _, series)| series)
    }

    /// True if anything at all was measured where the check looks.
    pub(super) fn is_anything_there(&self, check: &Check, table: &Table) -> bool {
        check.filter.is_empty() || table.iter().any(|(_, labels, _)| self.is_place(check, labels))
    }

    /// True if labels are of the place where the check looks.
    fn is_place(&self, check: &Check, labels: &Labels) -> bool {
        let fits = |label: &str, pattern: &str| labels.get(label).is_some_and(|value| self.fits(label, pattern, value));
        check.filter.iter().all(|(label, pattern)| fits(label, pattern))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Verdict, evaluate};
    use crate::file::{Description, Surroundings, parse};
    use crate::metrics::{LABELS, NAMES};
    use crate::plan::plan;

    /// Two clients, each with a link of its own, and a link beside them that is merely called alike.
    const LAB: &str = r#"
        schema = 1
        [link.wan]
        ends = ["server", "client"]
        [link.wan-b]
        ends = ["server", "other"]
        [host.server]
        run = "x"
        [host.client]
        count = 2
        [host.other]
    "#;

    fn description(metric: &str, filter: &str, expect: &str) -> Description {
        let none = |_: &std::path::Path| Err(std::io::ErrorKind::NotFound.into());
        let around = Surroundings { programs: &[], servers: &[], metrics: NAMES, labels: LABELS, files: &none };
        let text = format!("{LAB}\n[[check]]\nmetric = \"{metric}\"\nwhere = {{ {filter} }}\nexpect = \"{expect}\"\n");
        parse(&text, "lab.toml", &around).unwrap_or_else(|errors| panic!("{errors}"))
    }

    fn table() -> Table {
        let mut table = Table::default();
        for (link, host, lost) in [("wan-1", "client-1", 60), ("wan-2", "client-2", 3), ("wan-b", "other", 500)] {
            let labels = Labels::from([("link", link.to_owned()), ("host", host.to_owned())]);
            table.count(&format!("link.{link}.lost"), &labels, lost, 0);
            table.count(&format!("link.{link}.loss"), &labels, lost, 1000);
            table.sample(&format!("link.{link}.queue"), &labels, lost as f64 / 1000.0);
            table.sample(&format!("link.{link}.queue_peak"), &labels, lost as f64);
            table.count("tcp.reset", &Labels::from([("host", host.to_owned()), ("peer", "server".to_owned())]), lost, 0);
        }
        table
    }

    #[test]
    fn a_name_of_the_file_means_all_that_came_of_it() {
        use Verdict::*;
        let cases = [
            ("link.wan.lost", "", "count == 0", Failed, "63"),
            ("link.wan.loss", "", "value < 4%", Held, "3.15%, 63 of 2000"),
            ("link.wan.queue", "", "max <= 60ms", Held, "60ms, 2 samples"),
            ("link.wan.queue_peak", "", "value < 50B", Failed, "60B"),
            ("link.wan-2.lost", "", "count == 3", Held, "3"),
            ("link.wan-b.lost", "", "count == 500", Held, "500"),
            ("link.wan.lost", "link = \"wan\"", "count == 63", Held, "63"),
            ("link.wan.lost", "host = \"client-1\"", "count == 60", Held, "60"),
            ("tcp.reset", "host = \"client\"", "count == 0", Failed, "63"),
            ("tcp.reset", "host = \"client-2\"", "count == 3", Held, "3"),
            ("tcp.connect_failed", "host = \"client-2\"", "count == 0", Held, "0"),
            (
                "tcp.reset",
                "peer = \"client\"",
                "count == 0",
                Inconclusive,
                "nothing was measured where peer=client; metrics.json has the labels there are",
            ),
            ("tcp.reset", "peer = \"client\"", "count > 0", Failed, "0"),
        ];
        for (metric, filter, expect, verdict, found) in cases {
            let description = description(metric, filter, expect);
            let groups = Groups::of(&plan(&description).unwrap_or_else(|errors| panic!("{errors}")));
            let findings = evaluate(&description.checks[0], &groups, &table());
            let got = (findings[0].verdict, findings[0].found.as_str());
            assert_eq!(got, (verdict, found), "{metric} where {filter}: {expect}");
        }
    }
}
