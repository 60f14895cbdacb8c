//! What a program writes, as text: whatever is no UTF-8 is replaced, and a character that is cut between two reads is not.

/// The most that is kept to be told in full in the end, in bytes.
const KEPT: usize = 8 << 20;

/// Text that grows.
#[derive(Debug, Default)]
pub(super) struct Text {
    torn: Vec<u8>,
    said: String,
    is_begun: bool,
    is_too_long: bool,
}

impl Text {
    pub(super) fn is_empty(&self) -> bool {
        !self.is_begun
    }

    /// What is new, without a character at its end that has not come in full.
    pub(super) fn push(&mut self, bytes: &[u8]) -> String {
        self.is_begun = true;
        self.torn.extend_from_slice(bytes);
        let end = self.torn.len();
        let from = end.saturating_sub(3);
        // Only the last three bytes can be the beginning of a character that is not whole.
        let torn = (from..end).find(|at| match std::str::from_utf8(&self.torn[*at..]) {
            Err(error) => error.valid_up_to() == 0 && error.error_len().is_none(),
            Ok(_) => false,
        });
        let rest = self.torn.split_off(torn.unwrap_or(end));
        let whole = std::mem::replace(&mut self.torn, rest);
        self.take(&whole)
    }

    /// What is left at the end.
    pub(super) fn finish(&mut self) -> String {
        let rest = std::mem::take(&mut self.torn);
        self.take(&rest)
    }

    /// All of it: nothing where nothing came, and no text where it was too long to be kept.
    pub(super) fn into_said(self) -> Option<Option<String>> {
        self.is_begun.then(|| (!self.is_too_long).then_some(self.said))
    }

    fn take(&mut self, bytes: &[u8]) -> String {
        let text = String::from_utf8_lossy(bytes).into_owned();
        self.is_too_long |= self.said.len() + text.len() > KEPT;
        match self.is_too_long {
            true => self.said = String::new(),
            false => self.said.push_str(&text),
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn told(bytes: &[u8], cuts: &[usize]) -> String {
        let (mut text, mut told, mut from) = (Text::default(), String::new(), 0);
        for cut in cuts.iter().map(|cut| cut % (bytes.len() + 1)) {
            if cut > from {
                told += &text.push(&bytes[from..cut]);
                from = cut;
            }
        }
        told += &text.push(&bytes[from..]);
        told += &text.finish();
        assert_eq!(text.into_said(), Some(Some(told.clone())));
        told
    }

    proptest! {
        #[test]
        fn text_is_the_same_however_it_is_cut(text in "\\PC{0,40}", mut cuts in prop::collection::vec(0usize..200, 0..6)) {
            cuts.sort_unstable();
            prop_assert_eq!(told(text.as_bytes(), &cuts), text);
        }

        #[test]
        fn any_bytes_are_told(bytes in prop::collection::vec(any::<u8>(), 1..60)) {
            prop_assert!(!told(&bytes, &[]).is_empty());
        }
    }

    #[test]
    fn what_is_no_text_is_replaced_and_what_is_too_long_is_not_kept() {
        assert_eq!(told(b"a\xffb\xe2\x82", &[]), "a\u{fffd}b\u{fffd}");
        let mut text = Text::default();
        text.push(&vec![b'x'; KEPT]);
        assert_eq!(text.push(b"y"), "y");
        assert_eq!(text.into_said(), Some(None));
        assert_eq!(Text::default().into_said(), None);
    }
}
