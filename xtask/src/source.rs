//! Rust source as the rules see it: product lines apart from test lines, functions by their indentation.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::repo;

/// One Rust file of the product.
pub struct Source {
    /// Path relative to the checkout, with forward slashes.
    pub path: String,
    /// All lines.
    pub lines: Vec<String>,
    /// How many lines stand before the inline tests; all of them where there are none.
    n_product: usize,
}

/// A function and where it stands.
pub struct Function<'a> {
    /// The line that declares it.
    pub head: &'a str,
    /// One-based line of `head`.
    pub line: usize,
    /// From the head to the closing brace.
    pub n_lines: usize,
}

/// All Rust files that are neither generated nor tests, examples or benches.
pub fn product(root: &Path) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    for file in repo::files(root)? {
        if is_product(&file) {
            sources.push(Source::read(root, &file)?);
        }
    }
    Ok(sources)
}

fn is_product(file: &Path) -> bool {
    let text = file.to_string_lossy();
    let aside = ["/tests/", "/examples/", "/benches/", "/fuzz/"];
    text.ends_with(".rs")
        && !text.ends_with("/names.rs")
        && !text.ends_with("tests.rs")
        && !text.ends_with("conformance.rs")
        && !text.starts_with("journeys/")
        && !aside.iter().any(|part| text.contains(part))
}

impl Source {
    fn read(root: &Path, file: &PathBuf) -> Result<Self> {
        let text = fs::read_to_string(root.join(file))
            .with_context(|| format!("cannot read {}", file.display()))?;
        Ok(Self::new(&file.to_string_lossy(), &text))
    }

    /// A source of the given path and text.
    pub fn new(path: &str, text: &str) -> Self {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let n_product =
            lines.iter().position(|l| l.trim() == "#[cfg(test)]").unwrap_or(lines.len());
        Self { path: path.to_owned(), lines, n_product }
    }

    /// Product lines with their one-based numbers, comments left out.
    pub fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.lines[..self.n_product]
            .iter()
            .enumerate()
            .map(|(i, l)| (i + 1, l.as_str()))
            .filter(|(_, l)| !l.trim_start().starts_with("//"))
    }

    /// How many lines the product part has.
    pub fn n_product(&self) -> usize {
        self.n_product
    }

    /// Functions of the product part, found by rustfmt's rule that a closing brace stands under its head.
    pub fn functions(&self) -> Vec<Function<'_>> {
        let lines = &self.lines[..self.n_product];
        let mut functions = Vec::new();
        for (start, head) in lines.iter().enumerate().filter(|(_, l)| is_function_head(l)) {
            let indent = &head[..head.len() - head.trim_start().len()];
            let close = format!("{indent}}}");
            let rest = lines[start..].iter().position(|l| *l == close);
            if let Some(n) = rest {
                functions.push(Function { head: head.trim(), line: start + 1, n_lines: n + 1 });
            }
        }
        functions
    }

    /// String literals of the product part with their lines.
    pub fn literals(&self) -> Vec<(usize, &str)> {
        self.code()
            .flat_map(|(n, line)| line.split('"').skip(1).step_by(2).map(move |text| (n, text)))
            .collect()
    }
}

fn is_function_head(line: &str) -> bool {
    let bare = line.trim_start();
    let mut words = bare.split_whitespace().take(5);
    // One-line bodies and declarations without a body end on their own line.
    words.any(|w| w == "fn")
        && !bare.starts_with("//")
        && !bare.ends_with(';')
        && !bare.ends_with("}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_functions_and_leaves_tests_out() {
        let text = "fn a() {\n    1;\n}\n\nimpl B {\n    pub async fn c(\n        x: u8,\n    ) -> u8 {\n        x\n    }\n}\n#[cfg(test)]\nmod tests {\n    fn long() {\n    }\n}\n";
        let source = Source::new("x.rs", text);
        let found: Vec<(usize, usize)> =
            source.functions().iter().map(|f| (f.line, f.n_lines)).collect();
        assert_eq!(found, vec![(1, 3), (6, 5)]);
        assert_eq!(source.n_product(), 11);
    }

    #[test]
    fn finds_literals_outside_comments() {
        let source = Source::new("x.rs", "let a = (\"b\", \"c\");\n// \"d\"\n");
        let texts: Vec<&str> = source.literals().into_iter().map(|(_, t)| t).collect();
        assert_eq!(texts, vec!["b", "c"]);
    }
}
