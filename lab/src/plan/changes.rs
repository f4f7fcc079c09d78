//! What changes while the lab runs, made concrete: at which moment which direction of a link has which terms.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use loggia_stack::base::time::Duration;

use super::planner::Planner;
use super::{Action, Change};
use crate::file::{self, Conditions, LinksOf, Span, Spanned, What};
use crate::observe::PipeId;
use crate::world::{End, HostId};

/// A change of the file with the links it is about.
struct Patch<'a> {
    /// What the file says.
    change: &'a file::Change,
    from: Duration,
    /// When what was before holds again.
    until: Option<Duration>,
    links: BTreeSet<usize>,
    conditions: [Conditions; 2],
    mtu: Option<u32>,
    /// How the record tells of it.
    text: String,
}

impl Patch<'_> {
    /// Where the file states a key, or the direction that has it.
    fn place(&self, key: &str, end: usize) -> Span {
        let way = ["there", "back"][end];
        let stated = [key, way].into_iter().find_map(|name| self.change.keys.iter().find(|stated| stated.value == name));
        stated.map_or(self.change.at.span, |stated| stated.span)
    }

    fn holds(&self, at: Duration, link: usize) -> bool {
        self.from <= at && self.until.is_none_or(|until| at < until) && self.links.contains(&link)
    }
}

/// A host or a switch.
type Station = (bool, usize);

impl Planner<'_> {
    pub(super) fn changes(&mut self) {
        let description = self.description;
        let mut patches: Vec<Patch<'_>> = description.changes.iter().map(|change| self.patch(change)).collect();
        // Of two at the same moment that of the file's later line counts; the sort is stable.
        patches.sort_by_key(|patch| patch.from);
        patches.iter().for_each(|patch| self.effective(&patches, patch));
        let mut moments: BTreeMap<Duration, (Vec<String>, BTreeSet<usize>)> = BTreeMap::new();
        for patch in &patches {
            let ends = patch.until.map(|until| (until, format!("{} is over", patch.text)));
            for (at, text) in [(patch.from, patch.text.clone())].into_iter().chain(ends) {
                let (texts, links) = moments.entry(at).or_default();
                texts.push(text);
                links.extend(&patch.links);
            }
        }
        let mut mtus: HashMap<usize, u32> = HashMap::new();
        for (at, (texts, links)) in moments {
            let actions = links.iter().flat_map(|link| self.actions(&patches, at, *link, &mut mtus)).collect();
            let begins = patches.iter().any(|patch| patch.from == at);
            self.plan.changes.push(Change { at, text: texts.join("; "), begins, actions });
        }
    }

    /// Notes what a change states without any effect.
    fn effective(&mut self, patches: &[Patch<'_>], patch: &Patch<'_>) {
        for (link, end) in patch.links.iter().flat_map(|link| [(*link, 0), (*link, 1)]) {
            let then = self.conditions(patches, patch.from, link, end);
            if let Some((key, needed)) = then.without_effect(&patch.conditions[end]) {
                let message = format!("{key} has no effect on link {:?} without {needed}", self.link_of[link].name.value);
                return self.errors.add(patch.place(key, end), message, format!("state {needed} as well, here or for the link"));
            }
        }
    }

    /// What one direction of a link is at a moment: what it was at first, and all that holds then on top, the later on top of the earlier.
    fn conditions(&self, patches: &[Patch<'_>], at: Duration, link: usize, end: usize) -> Conditions {
        let holding = patches.iter().filter(|patch| patch.holds(at, link));
        holding.fold(self.link_of[link].conditions[end].clone(), |conditions, patch| conditions.with(&patch.conditions[end]))
    }

    /// What makes a link what it is at a moment.
    fn actions(&self, patches: &[Patch<'_>], at: Duration, link: usize, mtus: &mut HashMap<usize, u32>) -> Vec<Action> {
        let terms = |end: usize| Box::new(self.conditions(patches, at, link, end).terms());
        let mut actions: Vec<Action> = (0..2).map(|end| Action::Terms(PipeId { wire: link, end }, terms(end))).collect();
        let base = self.link_of[link].mtu.value;
        let mtu = patches.iter().filter(|patch| patch.holds(at, link)).filter_map(|patch| patch.mtu).next_back().unwrap_or(base);
        if mtus.insert(link, mtu).unwrap_or(base) != mtu {
            actions.extend(self.plan.links[link].host_ends().map(|(host, port)| Action::Mtu { host, port, mtu }));
        }
        actions
    }

    fn patch<'c>(&mut self, change: &'c file::Change) -> Patch<'c> {
        let (links, conditions, mtu, text) = match &change.what {
            What::Links { of, conditions, mtu } => {
                let names: Vec<&str> = of.iter().map(|of| of.value.name()).collect();
                let text = format!("{}: {}", names.join(", "), told(conditions, *mtu));
                (self.links_of(of), (**conditions).clone(), *mtu, text)
            }
            What::Partition(groups) => {
                let down = Conditions { down: Some(true), ..Conditions::default() };
                let names: Vec<String> =
                    groups.iter().map(|group| group.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(" ")).collect();
                let cut = self.cut(groups);
                if cut.is_empty() {
                    let message = "this partition separates nobody";
                    self.errors.add(
                        groups[0][0].span,
                        message,
                        "name hosts that have a link to others: whoever is not named is in one more group",
                    );
                }
                (cut, [down.clone(), down], None, format!("partition: {}", names.join(" | ")))
            }
        };
        let from = change.at.value;
        Patch { change, from, until: change.lasting.map(|lasting| from + lasting), links, conditions, mtu, text }
    }

    fn links_of(&self, of: &[Spanned<LinksOf>]) -> BTreeSet<usize> {
        let means = |number: usize, of: &LinksOf| {
            let link = &self.plan.links[number];
            match of {
                LinksOf::Link(name) => link.name == *name || link.group == *name,
                LinksOf::Host(name) => {
                    let hosts = self.hosts_named(name);
                    link.host_ends().any(|(host, _)| hosts.contains(&host))
                }
            }
        };
        (0..self.plan.links.len()).filter(|number| of.iter().any(|of| means(*number, of))).collect()
    }

    /// The links between groups. A switch that no group names is on the side of most of its stations.
    fn cut(&mut self, groups: &[Vec<Spanned<String>>]) -> BTreeSet<usize> {
        let mut sides: HashMap<Station, usize> = HashMap::new();
        for (side, group) in groups.iter().enumerate() {
            for name in group {
                sides.extend(self.stations_named(name).into_iter().map(|station| (station, side)));
            }
        }
        for host in 0..self.plan.hosts.len() {
            sides.entry((true, host)).or_insert(groups.len());
        }
        self.place_switches(&mut sides, groups);
        let side = |end: &End| sides.get(&station(*end)).copied();
        let across = |number: &usize| {
            let [one, other] = &self.plan.links[*number].ends;
            side(one) != side(other)
        };
        (0..self.plan.links.len()).filter(across).collect()
    }

    fn stations_named(&self, name: &str) -> Vec<Station> {
        let switch = self.plan.switches.iter().position(|switch| switch == name).map(|number| (false, number));
        self.hosts_named(name).into_iter().map(|HostId(number)| (true, number)).chain(switch).collect()
    }

    /// Finds sides for the switches that have none: the leaves of the tree of switches follow their hosts.
    fn place_switches(&mut self, sides: &mut HashMap<Station, usize>, groups: &[Vec<Spanned<String>>]) {
        let mut open: Vec<usize> =
            (0..self.plan.switches.len()).filter(|switch| !sides.contains_key(&(false, *switch))).collect();
        while !open.is_empty() {
            let known: Vec<Vec<usize>> = open.iter().map(|switch| self.sides_around(*switch, sides)).collect();
            // First those around which most is known.
            let Some(at) = (0..open.len()).max_by_key(|at| (known[*at].len(), std::cmp::Reverse(*at))) else { return };
            let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
            known[at].iter().for_each(|side| *counts.entry(*side).or_default() += 1);
            let side =
                counts.iter().max_by_key(|(side, count)| (**count, std::cmp::Reverse(**side))).map_or(0, |(side, _)| *side);
            if counts.iter().any(|(other, count)| *other != side && *count > 1) {
                let switch = &self.plan.switches[open[at]];
                let message =
                    format!("the partition would go through switch {switch:?}: it joins several hosts of more than one group");
                let remedy = "a partition cuts links: give each group a switch of its own, with a link between the switches";
                self.errors.add(groups[0][0].span, message, remedy);
            }
            sides.insert((false, open.remove(at)), side);
        }
    }

    /// The sides of the stations around a switch, as far as they are known.
    fn sides_around(&self, switch: usize, sides: &HashMap<Station, usize>) -> Vec<usize> {
        let mut around = Vec::new();
        for link in &self.plan.links {
            let [one, other] = link.ends.map(station);
            for (end, far) in [(one, other), (other, one)] {
                if end == (false, switch) {
                    around.extend(sides.get(&far));
                }
            }
        }
        around
    }
}

impl LinksOf {
    fn name(&self) -> &str {
        match self {
            Self::Link(name) | Self::Host(name) => name,
        }
    }
}

fn station(end: End) -> Station {
    match end {
        End::Host { host, .. } => (true, host.0),
        End::Switch { switch, .. } => (false, switch.0),
    }
}

/// What changes, in a few words: the keys that the file states.
fn told(both: &[Conditions; 2], mtu: Option<u32>) -> String {
    let [there, back] = both.each_ref().map(Conditions::told);
    let mut told = if there == back {
        there
    } else {
        [("there", there), ("back", back)]
            .into_iter()
            .filter(|(_, told)| !told.is_empty())
            .map(|(way, told)| format!("{way} {}", told.join(", ")))
            .collect()
    };
    told.extend(mtu.map(|mtu| format!("mtu {mtu}")));
    told.join(", ")
}
