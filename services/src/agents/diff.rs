//! A change of a text as one hunk of a unified diff: what is the same at both ends is left out, but for three lines.

const CONTEXT: usize = 3;

/// The change from `old` to `new`; nothing where there is none.
pub(super) fn unified(old: &str, new: &str) -> String {
    let (old, new) = (lines(old), lines(new));
    let both = old.len().min(new.len());
    let before = (0..both).take_while(|at| old[*at] == new[*at]).count();
    let after = (0..both - before).take_while(|at| old[old.len() - 1 - at] == new[new.len() - 1 - at]).count();
    if before == old.len() && before == new.len() {
        return String::new();
    }
    let from = before.saturating_sub(CONTEXT);
    let rest = after.min(CONTEXT);
    let (old_end, new_end) = (old.len() - after, new.len() - after);
    let head = format!("@@ -{} +{} @@\n", range(from, old_end + rest - from), range(from, new_end + rest - from));
    let mut diff = head;
    old[from..before].iter().for_each(|line| push(&mut diff, ' ', line));
    old[before..old_end].iter().for_each(|line| push(&mut diff, '-', line));
    new[before..new_end].iter().for_each(|line| push(&mut diff, '+', line));
    old[old_end..old_end + rest].iter().for_each(|line| push(&mut diff, ' ', line));
    diff
}

/// Lines with their ends.
fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

fn range(from: usize, length: usize) -> String {
    // Of nothing, the line before it is named.
    let first = if length == 0 { from } else { from + 1 };
    format!("{first},{length}")
}

fn push(diff: &mut String, sign: char, line: &str) {
    diff.push(sign);
    diff.push_str(line);
    if !line.ends_with('\n') {
        diff.push_str("\n\\ No newline at end of file\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_one_hunk_with_three_lines_around_it() {
        let old = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
        let new = "1\n2\n3\n4\nfive\n6\n7\n8\n9\n";
        assert_eq!(unified(old, new), "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n");
        assert_eq!(unified("", "a\n"), "@@ -0,0 +1,1 @@\n+a\n");
        assert_eq!(unified("a\n", ""), "@@ -1,1 +0,0 @@\n-a\n");
        assert_eq!(unified("a", "a\n"), "@@ -1,1 +1,1 @@\n-a\n\\ No newline at end of file\n+a\n");
        assert_eq!(unified("a\na\n", "a\na\na\n"), "@@ -1,2 +1,3 @@\n a\n a\n+a\n");
        assert_eq!(unified("a\n", "a\n"), "");
    }
}
