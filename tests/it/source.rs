//! The project's own source, for the tests that read it.

use std::path::{Path, PathBuf};

/// A file of the source.
pub struct File {
    /// Its path below the project, with slashes.
    pub path: String,
    /// Its text.
    pub text: String,
}

impl File {
    /// The lines that run in the product: no comments, and nothing from the unit tests on.
    pub fn product_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let product = self.text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
        (1..)
            .zip(product.lines())
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

/// Every Rust file below a directory of the project.
pub fn rust_files(directory: &str) -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut files, mut waiting) = (vec![], vec![root.join(directory)]);
    while let Some(directory) = waiting.pop() {
        for entry in std::fs::read_dir(&directory).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let below = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
                files.push(File { path: below, text });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}
