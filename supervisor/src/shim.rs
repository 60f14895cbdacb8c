//! The batch files that npm puts beside a package's programs, of which what is behind them is started instead.

/// What a shim starts, below the shim's own folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Behind {
    /// A script, by node.
    Script(String),
    /// A program of its own.
    Program(String),
}

/// What npm's shim starts; none where the file is no such shim.
pub(crate) fn behind(text: &str) -> Option<Behind> {
    let line = text.lines().rev().find(|line| line.contains("%*"))?;
    program(line).filter(|_| does_nothing_else(text, line)).map(Behind::Program).or_else(|| script(text, line))
}

fn script(text: &str, line: &str) -> Option<Behind> {
    if !text.contains("node") || !line.contains("\"%_prog%\"") && !line.contains("node") {
        return None;
    }
    let mut quoted = line.split('"').skip(1).step_by(2);
    quoted.find_map(|part| below(part, &[".js", ".cjs", ".mjs"])).map(Behind::Script)
}

/// The program that is the line's first word, where nothing but the caller's arguments is behind it.
fn program(line: &str) -> Option<String> {
    let (first, rest) = line.trim().trim_start_matches('@').strip_prefix('"')?.split_once('"')?;
    below(first, &[".exe"]).filter(|_| rest.trim() == "%*")
}

/// Whether all other lines are those by which shims find their own folder, and tell node where packages are.
fn does_nothing_else(text: &str, line: &str) -> bool {
    const FRAME: [&str; 12] = [
        "",
        "(",
        ")",
        ") else (",
        "echo off",
        "goto start",
        ":find_dp0",
        "set dp0=%~dp0",
        "exit /b",
        ":start",
        "setlocal",
        "call :find_dp0",
    ];
    let is_frame = |other: &str| {
        let other = other.trim().trim_start_matches('@').to_ascii_lowercase();
        FRAME.contains(&other.as_str()) || other.contains("node_path")
    };
    text.lines().filter(|other| *other != line).all(is_frame)
}

fn below(part: &str, ends: &[&str]) -> Option<String> {
    let rest = part.strip_prefix("%dp0%\\").or_else(|| part.strip_prefix("%~dp0\\"))?;
    let is_meant = ends.iter().any(|end| rest.ends_with(end)) && !rest.contains('%');
    is_meant.then(|| rest.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What npm writes in front of the line that starts something.
    const HEAD: &str =
        "@ECHO off\r\nGOTO start\r\n:find_dp0\r\nSET dp0=%~dp0\r\nEXIT /b\r\n:start\r\nSETLOCAL\r\nCALL :find_dp0\r\n";

    fn script(path: &str) -> Option<Behind> {
        Some(Behind::Script(path.to_owned()))
    }

    fn program(path: &str) -> Option<Behind> {
        Some(Behind::Program(path.to_owned()))
    }

    #[test]
    fn the_script_behind_a_shim_of_npm_is_found_and_nothing_behind_others() {
        let shim = "\r\nIF EXIST \"%dp0%\\node.exe\" (\r\n  SET \"_prog=%dp0%\\node.exe\"\r\n) ELSE (\r\n  SET \"_prog=node\"\r\n)\r\n\r\n\
            endLocal & goto #_undefined_# 2>NUL || title %COMSPEC% & \"%_prog%\"  \"%dp0%\\node_modules\\x\\bin\\x.js\" %*\r\n";
        assert_eq!(behind(&format!("{HEAD}{shim}")), script("node_modules\\x\\bin\\x.js"));
        let older = "@\"%~dp0\\node.exe\" \"%~dp0\\..\\y\\cli.mjs\" %*\r\n";
        assert_eq!(behind(older), script("..\\y\\cli.mjs"));
        assert_eq!(behind("@echo off\r\ndel %*\r\n"), None);
        assert_eq!(behind("@node \"%EVIL%\\z.js\" %*\r\n"), None);
    }

    #[test]
    fn the_program_of_its_own_behind_a_shim_is_found_and_nothing_behind_a_batch_file_that_does_more() {
        let claude = "\"%dp0%\\node_modules\\@anthropic-ai\\claude-code\\bin\\claude.exe\"   %*\r\n";
        let path = "node_modules\\@anthropic-ai\\claude-code\\bin\\claude.exe";
        assert_eq!(behind(&format!("{HEAD}{claude}")), program(path));
        assert_eq!(behind("@\"%~dp0\\..\\y\\bin\\node-y.exe\"   %*\r\n"), program("..\\y\\bin\\node-y.exe"));
        let by_pnpm = "@SETLOCAL\r\n@IF NOT DEFINED NODE_PATH (\r\n  @SET \"NODE_PATH=C:\\z\"\r\n) ELSE (\r\n  \
            @SET \"NODE_PATH=C:\\z;%NODE_PATH%\"\r\n)\r\n@\"%~dp0\\z.exe\"   %*\r\n";
        assert_eq!(behind(by_pnpm), program("z.exe"));
        for other in [
            "@SET HOME=C:\\x\r\n@\"%~dp0\\x.exe\" %*\r\n",
            "@\"%~dp0\\x.exe\" --first %*\r\n",
            "@\"%~dp0\\%EVIL%.exe\" %*\r\n",
            "@\"C:\\x.exe\" %*\r\n",
            "@\"%~dp0\\x.cmd\" %*\r\n",
        ] {
            assert_eq!(behind(other), None, "{other}");
        }
    }
}
