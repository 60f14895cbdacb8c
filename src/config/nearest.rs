//! Which known name someone probably meant.

/// The candidate most like `name`, if there is any candidate at all.
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = |candidate: &str| strsim::normalized_damerau_levenshtein(name, candidate);
    candidates.into_iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
}
