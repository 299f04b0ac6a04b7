//! The table-driven part of a translation: one spelling of the catalog, applied both ways.
//!
//! On the way in it moves members of a foreign payload, and of the document around it, to where the
//! canonical payload and the envelope have them; what the spelling does not name passes under its
//! own name. On the way out it does the reverse. Values are moved as text, token for token, so that
//! absent, null, false and 0 stay different. It never drops a member: what finds its place taken
//! stays behind, and the caller keeps what stays.

use std::borrow::Cow;

use super::homes::Homes;
use super::parts::Parts;
use super::view::View;
use crate::catalog::{ForeignPlace, HomePlace, Spelling};

/// A foreign document while it is taken apart or put together: its payload, and the rest around it.
#[derive(Debug, Default)]
pub(in crate::dialect) struct Foreign<'a> {
    pub(in crate::dialect) payload: Parts<'a>,
    pub(in crate::dialect) document: Parts<'a>,
}

impl<'a> Foreign<'a> {
    fn take(&mut self, place: &ForeignPlace) -> Option<Cow<'a, str>> {
        match place {
            ForeignPlace::Member(name) => self.payload.take(name),
            ForeignPlace::Pointer(path) => self.document.take_path(path),
        }
    }

    fn get(&self, place: &ForeignPlace) -> Option<Cow<'_, str>> {
        match place {
            ForeignPlace::Member(name) => self.payload.get(name),
            ForeignPlace::Pointer(path) => self.document.get_path(path),
        }
    }

    fn insert(&mut self, place: &ForeignPlace, value: Cow<'a, str>) -> bool {
        match place {
            ForeignPlace::Member(name) => self.payload.insert(name, value),
            ForeignPlace::Pointer(path) => self.document.insert_path(path, value),
        }
    }
}

/// Takes a foreign payload apart into ours. What is left in `foreign` has no home yet.
pub(in crate::dialect) fn take_in<'a>(
    spelling: &Spelling,
    foreign: &mut Foreign<'a>,
    homes: &mut Homes,
) -> Parts<'a> {
    let order = renamed(&foreign.payload, |name| inward(spelling, name));
    let mut data = Parts::default();
    for (place, _) in &spelling.when {
        foreign.take(place);
    }
    for (from, to) in &spelling.map {
        let Some(value) = foreign.get(from).map(Cow::into_owned) else { continue };
        let mut is_home = false;
        for home in to {
            is_home |= match home {
                HomePlace::Data(path) => data.insert_path(path.steps(), value.clone()),
                HomePlace::Field(field) => homes.take(field, &value),
            };
        }
        if is_home {
            foreign.take(from);
        }
    }
    for (path, constant) in &spelling.set {
        data.insert_path(path.steps(), constant.as_json().to_owned());
    }
    pass_rest(&mut foreign.payload, &mut data);
    data.order_by(&order);
    data
}

/// Passes members under their own names; those whose name is taken stay.
pub(in crate::dialect) fn pass_rest<'a>(from: &mut Parts<'a>, to: &mut Parts<'a>) {
    from.pass_into(to);
}

/// Members of an object that is no larger keep their order when they change their names.
const ORDERED_MEMBERS_MAX: usize = 64;

/// The names that members will have, in the order of the members that they come from.
fn renamed(from: &Parts<'_>, rename: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let names = from.iter().take(ORDERED_MEMBERS_MAX);
    names.map(|(name, _)| rename(&name).unwrap_or_else(|| name.into_owned())).collect()
}

fn inward(spelling: &Spelling, name: &str) -> Option<String> {
    let is_it =
        |place: &ForeignPlace| matches!(place, ForeignPlace::Member(member) if member == name);
    let (_, homes) = spelling.map.iter().find(|(place, _)| is_it(place))?;
    homes.iter().find_map(|home| match home {
        HomePlace::Data(path) => path.steps().first().cloned(),
        HomePlace::Field(_) => None,
    })
}

fn outward(spelling: &Spelling, name: &str) -> Option<String> {
    spelling.map.iter().find_map(|(place, homes)| match place {
        ForeignPlace::Member(member) => {
            let is_from = |home: &HomePlace| {
                matches!(home, HomePlace::Data(path) if path.steps().first().is_some_and(|step| step == name))
            };
            homes.iter().any(is_from).then(|| member.clone())
        }
        ForeignPlace::Pointer(_) => None,
    })
}

/// Puts a foreign payload together from ours, over a document that may have members already.
pub(in crate::dialect) fn give_out<'a>(
    spelling: &Spelling,
    view: &View<'a>,
    foreign: &mut Foreign<'a>,
) {
    give_out_of(spelling, view, Parts::of(view.data()), foreign);
}

/// As [`give_out`], with a payload from which the dialect has taken what it added.
pub(in crate::dialect) fn give_out_of<'a>(
    spelling: &Spelling,
    view: &View<'_>,
    mut data: Parts<'a>,
    foreign: &mut Foreign<'a>,
) {
    let order = renamed(&data, |name| outward(spelling, name));
    for (path, constant) in &spelling.set {
        if data.get_path(path.steps()).is_some_and(|value| constant.is(&value)) {
            data.take_path(path.steps());
        }
    }
    for (place, constant) in &spelling.when {
        foreign.insert(place, constant.as_json().to_owned().into());
    }
    for (from, homes) in &spelling.map {
        let Some(value) = present(homes, &data, view) else { continue };
        for home in homes {
            if let HomePlace::Data(path) = home
                && data.get_path(path.steps()).as_deref() == Some(value.as_str())
            {
                data.take_path(path.steps());
            }
        }
        foreign.insert(from, value.into());
    }
    pass_rest(&mut data, &mut foreign.payload);
    foreign.payload.order_by(&order);
}

/// The value of the first home that has one.
fn present(homes: &[HomePlace], data: &Parts<'_>, view: &View<'_>) -> Option<String> {
    homes.iter().find_map(|home| match home {
        HomePlace::Data(path) => data.get_path(path.steps()).map(Cow::into_owned),
        HomePlace::Field(field) if field.starts_with("actor.") && view.has_no_actor() => None,
        HomePlace::Field(field) => view.field(field).map(str::to_owned),
    })
}

/// Writes the members that the foreign format requires and the event does not have.
pub(in crate::dialect) fn fill_required(spelling: &Spelling, foreign: &mut Foreign<'_>) {
    for (place, constant) in &spelling.fill {
        foreign.insert(place, constant.as_json().to_owned().into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;

    fn failed_call() -> (Catalog, &'static str) {
        (
            Catalog::builtin().unwrap(),
            r#"{"tool_name":"Bash","success":false,"error":"e","x":1.0e2}"#,
        )
    }

    #[test]
    fn members_move_to_their_homes_and_others_keep_their_names_and_order() {
        let (catalog, payload) = failed_call();
        let document = r#"{"performance_metrics":{"execution_time_ms":2.5,"cpu":0}}"#;
        let (entry, spelling) = catalog.meant("hive", "PostToolUse", payload, document).unwrap();
        assert_eq!(entry.event_type, "tool.failed");
        let mut foreign = Foreign { payload: Parts::of(payload), document: Parts::of(document) };
        let data = take_in(spelling, &mut foreign, &mut Homes::default()).to_text();
        assert_eq!(data, r#"{"tool_name":"Bash","message":"e","x":1.0e2,"duration_ms":2.5}"#);
        assert!(foreign.payload.is_empty());
        assert_eq!(foreign.document.to_text(), r#"{"performance_metrics":{"cpu":0}}"#);
        let envelope = format!("{{\"data\":{data}}}");
        give_out(spelling, &View::of(&envelope), &mut foreign);
        let order = r#"{"tool_name":"Bash","error":"e","x":1.0e2,"success":false}"#;
        assert_eq!(foreign.payload.to_text(), order);
        assert_eq!(
            foreign.document.to_text(),
            r#"{"performance_metrics":{"cpu":0,"execution_time_ms":2.5}}"#
        );
    }

    #[test]
    fn a_member_whose_name_is_taken_stays_behind() {
        let (catalog, payload) = failed_call();
        let payload = payload.replace("\"x\"", "\"message\"");
        let (_, spelling) = catalog.meant("hive", "PostToolUse", &payload, "{}").unwrap();
        let mut foreign = Foreign { payload: Parts::of(&payload), document: Parts::default() };
        let data = take_in(spelling, &mut foreign, &mut Homes::default());
        assert_eq!(data.get("message").as_deref(), Some("\"e\""));
        assert_eq!(foreign.payload.to_text(), r#"{"message":1.0e2}"#);
    }
}
