//! The plain words that the built-in agent knows. Knows nothing of files.

/// What somebody wants to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// What is in a folder.
    List { folder: String },
    /// A file's text.
    Read { file: String },
    /// Where a text stands.
    Search { text: String, folder: String },
    /// A file with this text.
    Write { file: String, text: String },
    /// This text in the place of that one, once.
    Replace { file: String, old: String, new: String },
    /// What a command writes.
    Run { line: String },
    /// What a person answers; one of these options where there are some.
    Ask { question: String, options: Vec<String> },
}

/// What the agent says of itself.
pub(super) const HELP: &str = "\
I am the agent that is built into Sixframe. There is no model behind me: I understand these words and nothing else, one to a \
line, and I ask you before I change a file or run a command.

- `list [FOLDER]`
- `read FILE`
- `search TEXT [in FOLDER]`
- `write FILE`, with the text on the lines below it
- `replace OLD with NEW in FILE`
- `run COMMAND`
- `ask QUESTION [A|B]`, which I ask you in turn

Text with spaces stands in quotes: `replace \"old words\" with \"new words\" in notes.txt`. To talk with a model, choose another \
agent.";

/// What is wanted, by each line in turn. Errors: the line that cannot be understood.
pub(super) fn understood(prompt: &str) -> Result<Vec<Wanted>, String> {
    let mut wanted = Vec::new();
    let mut lines = prompt.lines();
    while let Some(line) = lines.next() {
        if line.trim().is_empty() {
            continue;
        }
        let unclear = || line.trim().to_owned();
        let (word, rest) = line.trim().split_once(char::is_whitespace).unwrap_or((line.trim(), ""));
        let word = word.to_ascii_lowercase();
        if word == "run" && !rest.trim().is_empty() {
            wanted.push(Wanted::Run { line: rest.trim().to_owned() });
            continue;
        }
        let words = shell_words::split(rest).map_err(|_| unclear())?;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        wanted.push(match (word.as_str(), words.as_slice()) {
            ("list", []) => Wanted::List { folder: ".".to_owned() },
            ("list", [folder]) => Wanted::List { folder: (*folder).to_owned() },
            ("read", [file]) => Wanted::Read { file: (*file).to_owned() },
            ("ask", [question @ .., options]) if !question.is_empty() && options.contains('|') => Wanted::Ask {
                question: question.join(" "),
                options: unbracketed(options)
                    .split('|')
                    .filter(|option| !option.is_empty())
                    .map(str::to_owned)
                    .collect(),
            },
            ("ask", [_, ..]) => Wanted::Ask { question: words.join(" "), options: Vec::new() },
            ("search", [text]) => Wanted::Search { text: (*text).to_owned(), folder: ".".to_owned() },
            ("search", [text, "in", folder]) => {
                Wanted::Search { text: (*text).to_owned(), folder: (*folder).to_owned() }
            }
            ("replace", [old, "with", new, "in", file]) if !old.is_empty() => {
                Wanted::Replace { file: (*file).to_owned(), old: (*old).to_owned(), new: (*new).to_owned() }
            }
            ("write", [file]) => {
                // Everything below belongs to the file.
                let text = lines.by_ref().fold(String::new(), |text, line| text + line + "\n");
                Wanted::Write { file: (*file).to_owned(), text }
            }
            _ => return Err(unclear()),
        });
    }
    Ok(wanted)
}

/// Without the brackets that say in the help that it may be left out.
fn unbracketed(options: &str) -> &str {
    options.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> String {
        text.to_owned()
    }

    #[test]
    fn plain_words_are_understood_and_others_are_said_to_be_unclear() {
        let prompt = "list\nREAD a.txt\n\nsearch 'two words' in src\nreplace a with \"b c\" in d.txt\nrun ls | wc -l\nask Which way? left|right\nask Or so? [up|down]\nwrite e.txt\none\n two\n";
        let expected = [
            Wanted::List { folder: text(".") },
            Wanted::Read { file: text("a.txt") },
            Wanted::Search { text: text("two words"), folder: text("src") },
            Wanted::Replace { file: text("d.txt"), old: text("a"), new: text("b c") },
            Wanted::Run { line: text("ls | wc -l") },
            Wanted::Ask { question: text("Which way?"), options: vec![text("left"), text("right")] },
            Wanted::Ask { question: text("Or so?"), options: vec![text("up"), text("down")] },
            Wanted::Write { file: text("e.txt"), text: text("one\n two\n") },
        ];
        assert_eq!(understood(prompt), Ok(expected.to_vec()));
        assert_eq!(understood("list\nplease fix my code"), Err(text("please fix my code")));
        assert_eq!(understood("read 'unclosed"), Err(text("read 'unclosed")));
        assert_eq!(understood("replace '' with b in c"), Err(text("replace '' with b in c")));
        assert_eq!(understood("  \n"), Ok(Vec::new()));
    }
}
