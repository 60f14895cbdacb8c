//! Texts that grow, without secrets that come in pieces: what may be the beginning of one waits for what follows it.

use std::collections::BTreeMap;

use super::event::DeltaField;
use super::secrets::{Secrets, told};

/// The ends of texts that wait: of each field of an item less than the longest secret.
#[derive(Debug, Default)]
pub(super) struct Joints {
    waiting: BTreeMap<(String, DeltaField), String>,
}

impl Joints {
    /// A field of an item grew by this. Gives what of it can be told.
    pub(super) fn push(&mut self, secrets: &Secrets, item: &str, field: DeltaField, text: String) -> String {
        if secrets.is_empty() {
            return text;
        }
        let key = (item.to_owned(), field);
        let text = match self.waiting.remove(&key) {
            Some(waited) => waited + &text,
            None => text,
        };
        let mut text = secrets.redacted(&text).into_owned();
        let end = text.split_off(secrets.open_end(&text));
        if !end.is_empty() {
            self.waiting.insert(key, end);
        }
        text
    }

    /// What waits of an item, of which nothing follows.
    pub(super) fn flush(&mut self, item: &str) -> Vec<(DeltaField, String)> {
        let fields: Vec<_> = self.waiting.keys().filter(|(of, _)| of == item).cloned().collect();
        fields.into_iter().filter_map(|key| Some((key.1, told(self.waiting.remove(&key)?)))).collect()
    }

    /// All that waits: nothing follows of anything.
    pub(super) fn finish(&mut self) -> Vec<(String, DeltaField, String)> {
        let waiting = std::mem::take(&mut self.waiting);
        waiting.into_iter().map(|((item, field), end)| (item, field, told(end))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::secrets::REDACTED;
    use super::*;
    use proptest::prelude::*;

    const FIELD: DeltaField = DeltaField::Text;

    fn secrets(values: &[&str]) -> Secrets {
        Secrets::of(values.iter().enumerate().map(|(at, value)| (format!("{at}_KEY"), (*value).to_owned())))
    }

    #[test]
    fn what_may_be_a_secret_waits_and_what_is_none_goes_out() {
        let (mut joints, secrets) = (Joints::default(), secrets(&["very-secret-value"]));
        let mut push = |text: &str| joints.push(&secrets, "a", FIELD, text.to_owned());
        assert_eq!(push("a v"), "a ");
        assert_eq!(push("ery nice one, very-sec"), "very nice one, ");
        assert_eq!(push("ret-value, and v"), "[redacted], and ");
        assert_eq!(joints.flush("b"), []);
        assert_eq!(joints.flush("a"), [(FIELD, "v".to_owned())]);
        joints.push(&secrets, "a", FIELD, "very-secret-valu".to_owned());
        assert_eq!(joints.finish(), [("a".to_owned(), FIELD, REDACTED.to_owned())]);
    }

    proptest! {
        #[test]
        fn however_a_text_is_cut_it_is_told_as_if_it_came_at_once(
            words in prop::collection::vec("abcabcabcabcX|abcabcabcabd|[abc ]{0,8}|é", 0..12),
            cuts in prop::collection::vec(1usize..8, 1..40),
        ) {
            let whole = words.concat();
            let (mut joints, secrets) = (Joints::default(), secrets(&["abcabcabcabcX", "abcabcabcabd"]));
            let (mut told, mut rest, mut cuts) = (String::new(), whole.as_str(), cuts.into_iter().cycle());
            while !rest.is_empty() {
                let most = cuts.next().unwrap_or(1).min(rest.len());
                let at = (most..=rest.len()).find(|at| rest.is_char_boundary(*at)).unwrap_or(rest.len());
                told += &joints.push(&secrets, "a", FIELD, rest[..at].to_owned());
                rest = &rest[at..];
                prop_assert!(!told.contains("abcabcabcabcX") && !told.contains("abcabcabcabd"));
            }
            let end = joints.finish();
            told.extend(end.into_iter().map(|(_, _, end)| end));
            let expected = secrets.redacted(&whole).into_owned();
            let open = secrets.open_end(&expected);
            prop_assert_eq!(&told[..open.min(told.len())], &expected[..open]);
        }
    }
}
