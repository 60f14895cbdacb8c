//! Carries operations out on a value and writes down what was done: the state machine of the hub, pure. It knows neither
//! revisions nor who is told.

use crate::json::{Json, position};
use crate::op::Op;
use crate::pointer::{Pointer, tokens};
use crate::tree::Tree;

/// The deepest nesting of a state: a frame that carries it must stay within the 64 levels that peers accept.
pub(crate) const DEPTH: usize = 56;

/// An operation that was carried out, in the form in which it is told to others: `merge` and `test` do not occur, an `add`
/// was one, and indices are numbers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Recorded {
    pub(crate) op: Op,
    /// How much of the path leads through objects alone. What lies behind is told by what the array was at the time.
    anchor: usize,
    pub(crate) effect: Effect,
}

/// What an operation did to its anchor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// The anchor was set; whether it was there before.
    Set { existed: bool },
    /// The anchor was taken away.
    Removed,
    /// Something within the array at the anchor was set, and no element changed its place.
    Within,
    /// Elements of the array at the anchor came, went or moved.
    Shifted,
}

impl Recorded {
    /// What was touched: the path, or the array that it leads through.
    pub(crate) fn anchor(&self) -> &str {
        &self.op.path().as_str()[..self.anchor]
    }

    /// Whether what was touched is `place`, or lies below it.
    pub(crate) fn is_at(&self, place: &str) -> bool {
        crate::pointer::holds(place, self.anchor())
    }

    /// Bytes that keeping it takes, nearly.
    pub(crate) fn cost(&self) -> usize {
        64 + self.op.path().as_str().len() + self.op.value().map_or(0, Json::size)
    }
}

/// Why an operation cannot be carried out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Refused {
    /// It does not fit the state.
    Invalid(Violation),
    /// A `test` found another value.
    Failed(Pointer),
}

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Violation {
    /// A JSON pointer.
    pub path: String,
    /// For people.
    pub message: String,
}

impl Violation {
    pub(crate) fn new(path: impl Into<String>, message: impl Into<String>) -> Violation {
        Violation { path: path.into(), message: message.into() }
    }
}

fn refuse<T>(path: &Pointer, message: impl Into<String>) -> Result<T, Refused> {
    Err(Refused::Invalid(Violation::new(path.as_str(), message)))
}

/// Carries `ops` out on `state`, one after another, and gives what was done, with the change in bytes. On an error the
/// state is half changed: pass a clone.
pub(crate) fn apply(state: &mut Json, ops: &[Op]) -> Result<(Vec<Recorded>, isize), Refused> {
    let mut work = Work { state, recorded: Vec::with_capacity(ops.len()), growth: 0 };
    ops.iter().try_for_each(|op| work.op(op))?;
    Ok((work.recorded, work.growth))
}

struct Work<'a> {
    state: &'a mut Json,
    recorded: Vec<Recorded>,
    growth: isize,
}

impl Work<'_> {
    fn op(&mut self, op: &Op) -> Result<(), Refused> {
        match op {
            Op::Add { path, value } => self.add(path, value),
            Op::Replace { path, value } => self.replace(path, value),
            Op::Remove { path } => self.remove(path),
            Op::Test { path, value } => match self.state.at(path.as_str()) {
                Some(found) if found == value => Ok(()),
                Some(_) | None => Err(Refused::Failed(path.clone())),
            },
            Op::Merge { path, value } => self.merge(path, value),
            Op::Put { path, by, value, before } => self.put(path, by, value, before.as_ref()),
            Op::Drop { path, by, key } => self.drop_element(path, by, key),
            Op::Move { path, by, key, before } => self.move_element(path, by, key, before.as_ref()),
        }
    }

    fn add(&mut self, path: &Pointer, value: &Json) -> Result<(), Refused> {
        check_depth(path, value)?;
        let (parent, token) = parent_of(path)?;
        let anchor = anchor(self.state, path.as_str());
        let Some(container) = at_mut(self.state, parent) else { return refuse(path, "its parent is not there") };
        if container.is_object() {
            let old = container.set(&token, value.clone());
            self.growth += growth(value, old.as_ref(), &token);
            let effect =
                if anchor == path.as_str().len() { Effect::Set { existed: old.is_some() } } else { Effect::Within };
            let (path, value) = (path.clone(), value.clone());
            let op = if old.is_some() { Op::Replace { path, value } } else { Op::Add { path, value } };
            self.recorded.push(Recorded { op, anchor, effect });
            return Ok(());
        }
        let Some(elements) = container.as_array_mut() else {
            return refuse(path, "its parent is no object and no array");
        };
        let at = if token == "-" { Some(elements.len()) } else { crate::json::index(&token) };
        let Some(at) = at.filter(|at| *at <= elements.len()) else {
            return refuse(path, "there is no such place in the array");
        };
        elements.insert(at, value.clone());
        self.growth += value.size() as isize + 1;
        let path = if token == "-" { Pointer::of(parent).join(&at.to_string()) } else { path.clone() };
        self.recorded.push(Recorded { op: Op::Add { path, value: value.clone() }, anchor, effect: Effect::Shifted });
        Ok(())
    }

    fn replace(&mut self, path: &Pointer, value: &Json) -> Result<(), Refused> {
        check_depth(path, value)?;
        parent_of(path)?;
        let anchor = anchor(self.state, path.as_str());
        let Some(place) = at_mut(self.state, path.as_str()) else { return refuse(path, "there is nothing to replace") };
        let old = std::mem::replace(place, value.clone());
        self.growth += value.size() as isize - old.size() as isize;
        let effect = if anchor == path.as_str().len() { Effect::Set { existed: true } } else { Effect::Within };
        self.recorded.push(Recorded { op: Op::Replace { path: path.clone(), value: value.clone() }, anchor, effect });
        Ok(())
    }

    fn remove(&mut self, path: &Pointer) -> Result<(), Refused> {
        let (parent, token) = parent_of(path)?;
        let anchor = anchor(self.state, path.as_str());
        let container = at_mut(self.state, parent);
        let Some((removed, key)) = container.and_then(|container| take(container, &token)) else {
            return refuse(path, "there is nothing to remove");
        };
        self.growth -= removed.size() as isize + key as isize;
        let effect = match (anchor == path.as_str().len(), self.state.at(parent)) {
            (true, _) => Effect::Removed,
            (false, Some(parent)) if parent.is_object() => Effect::Within,
            (false, _) => Effect::Shifted,
        };
        self.recorded.push(Recorded { op: Op::Remove { path: path.clone() }, anchor, effect });
        Ok(())
    }

    /// RFC 7396, written down as what it did: only members that became others.
    fn merge(&mut self, path: &Pointer, patch: &Json) -> Result<(), Refused> {
        let target = self.state.at(path.as_str());
        if !patch.is_object() {
            return match target {
                Some(target) if target == patch => Ok(()),
                Some(_) => self.replace(path, patch),
                None => self.add(path, patch),
            };
        }
        if !target.is_some_and(Json::is_object) {
            let whole = without_nulls(patch);
            return if target.is_some() { self.replace(path, &whole) } else { self.add(path, &whole) };
        }
        for (key, value) in patch.members() {
            let path = path.join(key);
            if *value != Json::NULL {
                self.merge(&path, value)?;
            } else if self.state.at(path.as_str()).is_some() {
                self.remove(&path)?;
            }
        }
        Ok(())
    }

    fn put(&mut self, path: &Pointer, by: &str, value: &Json, before: Option<&Json>) -> Result<(), Refused> {
        check_depth(path, value)?;
        let Some(key) = value.member(by).filter(|key| is_key(key)).cloned() else {
            return refuse(path, format!("the element has no string or number as its `{by}`"));
        };
        let anchor = anchor(self.state, path.as_str());
        let Some(elements) = at_mut(self.state, path.as_str()).and_then(Json::as_array_mut) else {
            return refuse(path, "there is no array");
        };
        let (found, in_front) = find_both(elements, by, &key, before);
        if let Some(before) = before
            && (in_front.is_none() || *before == key)
        {
            return refuse(path, format!("there is no other element whose `{by}` is {before}"));
        }
        let old = found.and_then(|at| elements.get(at)).map_or(0, |old| old.size() + 1);
        let effect = match (found, before) {
            (Some(at), None) => {
                if let Some(place) = elements.get_mut(at) {
                    *place = value.clone();
                }
                Effect::Within
            }
            (found, _) => {
                found.map(|at| elements.remove(at));
                elements.insert(place_behind(found, in_front, elements), value.clone());
                Effect::Shifted
            }
        };
        self.growth += value.size() as isize + 1 - old as isize;
        let op = Op::Put { path: path.clone(), by: by.to_owned(), value: value.clone(), before: before.cloned() };
        self.recorded.push(Recorded { op, anchor, effect });
        Ok(())
    }

    fn drop_element(&mut self, path: &Pointer, by: &str, key: &Json) -> Result<(), Refused> {
        let anchor = anchor(self.state, path.as_str());
        let elements = at_mut(self.state, path.as_str()).and_then(Json::as_array_mut);
        let dropped = elements.and_then(|elements| elements.remove(find(elements, by, key)?));
        let Some(dropped) = dropped else { return refuse(path, format!("there is no element whose `{by}` is {key}")) };
        self.growth -= dropped.size() as isize + 1;
        let op = Op::Drop { path: path.clone(), by: by.to_owned(), key: key.clone() };
        self.recorded.push(Recorded { op, anchor, effect: Effect::Shifted });
        Ok(())
    }

    fn move_element(&mut self, path: &Pointer, by: &str, key: &Json, before: Option<&Json>) -> Result<(), Refused> {
        let anchor = anchor(self.state, path.as_str());
        let Some(elements) = at_mut(self.state, path.as_str()).and_then(Json::as_array_mut) else {
            return refuse(path, "there is no array");
        };
        let (found, in_front) = find_both(elements, by, key, before);
        if let Some(before) = before
            && (in_front.is_none() || before == key)
        {
            return refuse(path, format!("there is no other element whose `{by}` is {before}"));
        }
        let Some(moved) = found.and_then(|at| elements.remove(at)) else {
            return refuse(path, format!("there is no element whose `{by}` is {key}"));
        };
        elements.insert(place_behind(found, in_front, elements), moved);
        let op = Op::Move { path: path.clone(), by: by.to_owned(), key: key.clone(), before: before.cloned() };
        self.recorded.push(Recorded { op, anchor, effect: Effect::Shifted });
        Ok(())
    }
}

/// How much of `path` leads through objects alone: all of it, or up to the first array on the way.
fn anchor(state: &Json, path: &str) -> usize {
    let (mut json, mut length) = (state, 0);
    for part in path.split('/').skip(1) {
        if json.as_array().is_some() {
            return length;
        }
        length += part.len() + 1;
        match json.child(&crate::json::unescape(part)) {
            Some(child) => json = child,
            None => return path.len(),
        }
    }
    path.len()
}

fn at_mut<'a>(state: &'a mut Json, path: &str) -> Option<&'a mut Json> {
    tokens(path).try_fold(state, |json, token| json.child_mut(&token))
}

fn parent_of(path: &Pointer) -> Result<(&str, std::borrow::Cow<'_, str>), Refused> {
    match path.split() {
        Some(split) => Ok(split),
        None => refuse(path, "the state as a whole is not written at once; name a slice"),
    }
}

/// Takes a member or an element away; with it, the bytes of what stood beside it.
fn take(container: &mut Json, token: &str) -> Option<(Json, usize)> {
    if let Some(members) = container.as_object_mut() {
        let at = position(members, token).ok()?;
        return members.remove(at).map(|member| (member.value, token.len() + 4));
    }
    let elements = container.as_array_mut()?;
    elements.remove(crate::json::index(token)?).map(|element| (element, 1))
}

fn growth(value: &Json, old: Option<&Json>, key: &str) -> isize {
    value.size() as isize - old.map_or(-(key.len() as isize + 4), |old| old.size() as isize)
}

fn check_depth(path: &Pointer, value: &Json) -> Result<(), Refused> {
    if path.tokens().count() + value.depth() > DEPTH {
        return refuse(path, format!("the state would be nested deeper than {DEPTH} levels"));
    }
    Ok(())
}

fn is_key(key: &Json) -> bool {
    !key.is_object() && key.as_array().is_none() && *key != Json::NULL
}

fn find(elements: &Tree<Json>, by: &str, key: &Json) -> Option<usize> {
    elements.iter().position(|element| element.member(by) == Some(key))
}

/// Where the elements `key` and `before` are, in one go along the array.
fn find_both(elements: &Tree<Json>, by: &str, key: &Json, before: Option<&Json>) -> (Option<usize>, Option<usize>) {
    let (mut found, mut in_front) = (None, None);
    for (at, element) in elements.iter().enumerate() {
        let Some(own) = element.member(by) else { continue };
        if found.is_none() && own == key {
            found = Some(at);
        }
        if in_front.is_none() && before == Some(own) {
            in_front = Some(at);
        }
        if found.is_some() && (in_front.is_some() || before.is_none()) {
            break;
        }
    }
    (found, in_front)
}

/// Where an element goes that was taken away from `found`, if it was: in front of the one at `in_front` then, or to the end.
fn place_behind(found: Option<usize>, in_front: Option<usize>, left: &Tree<Json>) -> usize {
    let moved_up = |at: usize| at - usize::from(found.is_some_and(|found| found < at));
    in_front.map_or(left.len(), moved_up)
}

fn without_nulls(patch: &Json) -> Json {
    if !patch.is_object() {
        return patch.clone();
    }
    let kept = patch.members().filter(|(_, value)| **value != Json::NULL);
    kept.map(|(key, value)| (key.to_owned(), without_nulls(value))).collect()
}
