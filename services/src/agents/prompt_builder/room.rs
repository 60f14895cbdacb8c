//! How much of a text there is room for.

use std::ops::Sub;

/// Room for a text, by its characters and by the tokens that it is estimated to come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    characters: usize,
    /// Of tokens, the quarters: an ASCII character comes to one, any other to four.
    quarters: usize,
}

impl Room {
    pub(super) fn new(characters: usize, tokens: usize) -> Room {
        Room { characters, quarters: tokens.saturating_mul(4) }
    }

    /// Room for so many ASCII characters.
    pub(super) const fn ascii(characters: usize) -> Room {
        Room { characters, quarters: characters }
    }

    /// What a text takes.
    pub(super) fn of(text: &str) -> Room {
        text.chars().map(Room::of_one).fold(Room::ascii(0), Room::and)
    }

    fn of_one(c: char) -> Room {
        Room { characters: 1, quarters: if c.is_ascii() { 1 } else { 4 } }
    }

    /// What both take.
    pub(super) fn and(self, other: Room) -> Room {
        let (characters, quarters) = (self.characters + other.characters, self.quarters + other.quarters);
        Room { characters, quarters }
    }

    pub(super) fn holds(self, other: Room) -> bool {
        self.characters >= other.characters && self.quarters >= other.quarters
    }

    /// One of so many equal parts.
    pub(super) fn part(self, of: usize) -> Room {
        Room { characters: self.characters / of, quarters: self.quarters / of }
    }

    /// The same, with no more than so many characters.
    pub(super) fn at_most(self, characters: usize) -> Room {
        Room { characters: self.characters.min(characters), ..self }
    }

    /// As much of a text as there is room for from its beginning, and how many characters are missing.
    pub(super) fn beginning(self, text: &str) -> (&str, usize) {
        let mut left = self;
        let end = text.char_indices().find(|(_, c)| {
            let taken = Room::of_one(*c);
            let is_over = !left.holds(taken);
            left = left - taken;
            is_over
        });
        match end {
            None => (text, 0),
            Some((at, _)) => (&text[..at], text[at..].chars().count()),
        }
    }
}

impl Sub for Room {
    type Output = Room;

    /// What is left beside that; nothing where there is not so much.
    fn sub(self, other: Room) -> Room {
        let characters = self.characters.saturating_sub(other.characters);
        Room { characters, quarters: self.quarters.saturating_sub(other.quarters) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_by_what_it_takes_more_of() {
        assert_eq!(Room::new(3, 9).beginning("abcde"), ("abc", 2));
        assert_eq!(Room::new(9, 2).beginning("안녕하세요"), ("안녕", 3));
        assert_eq!(Room::new(9, 2).beginning("abcdefgh"), ("abcdefgh", 0));
        assert_eq!(Room::new(9, 2).beginning("abcdé"), ("abcdé", 0));
        assert_eq!(Room::new(9, 2).beginning("abcdeé"), ("abcde", 1));
        assert_eq!(Room::new(0, 0).beginning(""), ("", 0));
    }
}
