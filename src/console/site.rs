//! The files of the page, below one folder. A path leads to a file that lies in the folder, or nowhere: names are plain, and a
//! link that leads outside is not followed. Knows nothing of HTTP but the names of headers' values.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// Longest file that is given out.
const FILE_BYTES: u64 = 32 << 20;

/// The encodings that a file may lie there in, most wanted first: the name in a header, the file's further extension.
const ENCODINGS: [(&str, &str); 2] = [("br", "br"), ("gzip", "gz")];

/// The page's folder.
#[derive(Debug)]
pub(super) struct Site {
    folder: PathBuf,
}

/// A file of the page.
pub(super) struct Asset {
    pub(super) bytes: Vec<u8>,
    pub(super) content_type: &'static str,
    /// Its version, as the header `ETag` has it.
    pub(super) tag: String,
    pub(super) encoding: Option<&'static str>,
    /// Whether its name changes when its content does.
    pub(super) is_hashed: bool,
}

impl Site {
    /// The page in `folder`, which need not be there.
    pub(super) fn new(folder: PathBuf) -> Site {
        Site { folder }
    }

    /// Whether there is a page.
    pub(super) fn is_built(&self) -> bool {
        self.folder.join("index.html").is_file()
    }

    /// The file at `path`, in an encoding that `accepted` names. Blocks.
    pub(super) fn asset(&self, path: &str, accepted: &str) -> Option<Asset> {
        let names = names(path)?;
        let content_type = content_type(names.last()?)?;
        let is_hashed = names.len() > 1 && names[0] == "assets";
        let file: PathBuf = names.iter().collect();
        let wanted = ENCODINGS.into_iter().filter(|(encoding, _)| accepts(accepted, encoding));
        let encoded = wanted.map(|(encoding, extension)| (Some(encoding), with_further(&file, extension)));
        let candidates = encoded.chain([(None, file.clone())]);
        candidates.into_iter().find_map(|(encoding, file)| {
            let (bytes, version) = self.read(&file)?;
            let tag = format!("\"{version}{}\"", encoding.map_or_else(String::new, |encoding| format!("-{encoding}")));
            Some(Asset { bytes, content_type, tag, encoding, is_hashed })
        })
    }

    /// What is in a file, and which version of it that is.
    fn read(&self, file: &Path) -> Option<(Vec<u8>, String)> {
        let folder = self.folder.canonicalize().ok()?;
        let found = folder.join(file).canonicalize().ok().filter(|found| found.starts_with(&folder))?;
        let file = fs::File::open(found).ok()?;
        let about = file.metadata().ok().filter(|about| about.is_file() && about.len() <= FILE_BYTES)?;
        let modified = about.modified().ok()?.duration_since(UNIX_EPOCH).ok()?.as_nanos();
        let mut bytes = Vec::new();
        file.take(FILE_BYTES).read_to_end(&mut bytes).ok()?;
        Some((bytes, format!("{modified:x}-{:x}", about.len())))
    }
}

/// The names on the way to a file: letters, digits, `-`, `_` and dots that do not come first.
fn names(path: &str) -> Option<Vec<&str>> {
    let plain = |name: &&str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        !name.is_empty() && !name.starts_with('.') && name.bytes().all(fits)
    };
    let path = if path == "/" { "/index.html" } else { path };
    let names: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
    names.iter().all(plain).then_some(names)
}

fn with_further(file: &Path, extension: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    name.into()
}

/// Whether a header `Accept-Encoding` names `encoding`, and not to refuse it.
fn accepts(accepted: &str, encoding: &str) -> bool {
    accepted.split(',').any(|part| {
        let (name, quality) = part.split_once(';').unwrap_or((part, ""));
        let refused = quality.trim().strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0_f32));
        name.trim().eq_ignore_ascii_case(encoding) && !refused
    })
}

/// The type of a file by its extension; a file of an unknown type is not given out.
fn content_type(name: &str) -> Option<&'static str> {
    let (_, extension) = name.rsplit_once('.')?;
    Some(match extension {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        "txt" => "text/plain; charset=utf-8",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site() -> (tempfile::TempDir, Site) {
        let world = tempfile::tempdir().unwrap();
        let folder = world.path().join("dist");
        fs::create_dir_all(folder.join("assets")).unwrap();
        fs::write(world.path().join("secret.txt"), "secret").unwrap();
        fs::write(folder.join("index.html"), "<!doctype html>").unwrap();
        fs::write(folder.join("assets/app-1a2b.js"), "plain").unwrap();
        fs::write(folder.join("assets/app-1a2b.js.br"), "brotli").unwrap();
        fs::write(folder.join("assets/app-1a2b.js.gz"), "gzip").unwrap();
        fs::write(folder.join(".env.txt"), "hidden").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink("../secret.txt", folder.join("link.txt")).unwrap();
        (world, Site::new(folder))
    }

    #[test]
    fn no_path_leads_out_of_the_folder() {
        let (_world, site) = site();
        for path in [
            "",
            "index.html",
            "//index.html",
            "/../secret.txt",
            "/assets/../../secret.txt",
            "/%2e%2e/secret.txt",
            "/..%2fsecret.txt",
            "/assets\\..\\..\\secret.txt",
            "/.env.txt",
            "/link.txt",
            "/assets",
            "/assets/",
            "/index.html/",
            "/index.html\0",
            "/C:/secret.txt",
        ] {
            assert!(site.asset(path, "").is_none(), "{path:?}");
        }
        assert_eq!(site.asset("/", "").unwrap().bytes, b"<!doctype html>");
        assert_eq!(site.asset("/index.html", "").unwrap().content_type, "text/html; charset=utf-8");
    }

    #[test]
    fn an_encoding_that_the_browser_takes_is_given_with_a_tag_of_its_own() {
        let (_world, site) = site();
        let given = |accepted| {
            let asset = site.asset("/assets/app-1a2b.js", accepted).unwrap();
            assert!(asset.is_hashed && asset.content_type.starts_with("text/javascript"));
            (asset.encoding, String::from_utf8(asset.bytes).unwrap())
        };
        let owned = |encoding, text: &str| (encoding, text.to_owned());
        assert_eq!(given("gzip, deflate, br, zstd"), owned(Some("br"), "brotli"));
        assert_eq!(given("gzip;q=0.5, br;q=0"), owned(Some("gzip"), "gzip"));
        assert_eq!(given("identity"), owned(None, "plain"));
        let tag = |accepted| site.asset("/assets/app-1a2b.js", accepted).unwrap().tag;
        assert!(tag("br") != tag("gzip") && tag("") == tag("identity"));
    }
}
