//! The batch files that npm puts beside a package's programs, of which the script behind them is started instead.

/// The script that npm's shim starts with node, below the shim's own folder; none where the file is no such shim.
pub(crate) fn script(text: &str) -> Option<String> {
    let line = text.lines().rev().find(|line| line.contains("%*"))?;
    if !text.contains("node") || !line.contains("\"%_prog%\"") && !line.contains("node") {
        return None;
    }
    let quoted = line.split('"').skip(1).step_by(2);
    let below = |part: &str| {
        let rest = part.strip_prefix("%dp0%\\").or_else(|| part.strip_prefix("%~dp0\\"))?;
        let is_script = [".js", ".cjs", ".mjs"].iter().any(|end| rest.ends_with(end));
        (is_script && !rest.contains('%')).then(|| rest.to_owned())
    };
    quoted.filter_map(below).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_behind_a_shim_of_npm_is_found_and_nothing_behind_others() {
        let shim = "@ECHO off\r\nGOTO start\r\n:find_dp0\r\nSET dp0=%~dp0\r\nEXIT /b\r\n:start\r\nSETLOCAL\r\nCALL :find_dp0\r\n\r\n\
            IF EXIST \"%dp0%\\node.exe\" (\r\n  SET \"_prog=%dp0%\\node.exe\"\r\n) ELSE (\r\n  SET \"_prog=node\"\r\n)\r\n\r\n\
            endLocal & goto #_undefined_# 2>NUL || title %COMSPEC% & \"%_prog%\"  \"%dp0%\\node_modules\\x\\bin\\x.js\" %*\r\n";
        assert_eq!(script(shim).as_deref(), Some("node_modules\\x\\bin\\x.js"));
        let older = "@\"%~dp0\\node.exe\" \"%~dp0\\..\\y\\cli.mjs\" %*\r\n";
        assert_eq!(script(older).as_deref(), Some("..\\y\\cli.mjs"));
        assert_eq!(script("@echo off\r\ndel %*\r\n"), None);
        assert_eq!(script("@node \"%EVIL%\\z.js\" %*\r\n"), None);
    }
}
