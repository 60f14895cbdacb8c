//! Arguments as one line, which Windows programs take apart again: by the rules of Microsoft's C library, without a shell.

const QUOTE: u16 = b'"' as u16;
const BACKSLASH: u16 = b'\\' as u16;
const SPACE: u16 = b' ' as u16;
const TAB: u16 = b'\t' as u16;

/// Appends an argument, quoted where it must be.
pub(crate) fn append(line: &mut Vec<u16>, argument: &[u16]) {
    if !line.is_empty() {
        line.push(SPACE);
    }
    let is_plain = |unit: &u16| ![SPACE, TAB, QUOTE].contains(unit);
    if !argument.is_empty() && argument.iter().all(is_plain) {
        line.extend_from_slice(argument);
        return;
    }
    line.push(QUOTE);
    let mut backslashes = 0;
    for unit in argument {
        if *unit == QUOTE {
            // Those in front of a quote are doubled, and the quote gets one of its own.
            line.extend(std::iter::repeat_n(BACKSLASH, backslashes + 1));
        }
        backslashes = if *unit == BACKSLASH { backslashes + 1 } else { 0 };
        line.push(*unit);
    }
    line.extend(std::iter::repeat_n(BACKSLASH, backslashes));
    line.push(QUOTE);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_is_quoted_as_the_c_library_reads_it() {
        let line = |arguments: &[&str]| {
            let mut line = Vec::new();
            arguments.iter().for_each(|word| append(&mut line, &word.encode_utf16().collect::<Vec<_>>()));
            String::from_utf16(&line).unwrap()
        };
        assert_eq!(line(&["a", "", r"c:\d", "e f"]), r#"a "" c:\d "e f""#);
        assert_eq!(line(&[r#"say "hi""#, r"end\ of\", r#"\"""#]), r#""say \"hi\"" "end\ of\\" "\\\"\"""#);
        assert_eq!(line(&["&|<>^%"]), "&|<>^%", "no shell reads it");
    }
}
