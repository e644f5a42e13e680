//! An XML writer for messages whose structure is written in code: elements close by construction.

use jiff::{Timestamp, civil::Date};
use money::Pence;
use quick_xml::escape::escape;

/// A document being written, indented by two spaces.
pub(crate) struct XmlOut {
    text: String,
    depth: usize,
}

impl XmlOut {
    /// Writes a whole document: the `Document` element in `namespace` and what `body` puts into it.
    pub(crate) fn document(namespace: &str, body: impl FnOnce(&mut Self)) -> Vec<u8> {
        let mut out = Self { text: String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"), depth: 0 };
        out.tagged("Document", &format!(" xmlns=\"{namespace}\""), body);
        out.text.into_bytes()
    }

    /// An element that holds elements.
    pub(crate) fn element(&mut self, name: &str, body: impl FnOnce(&mut Self)) {
        self.tagged(name, "", body);
    }

    fn tagged(&mut self, name: &str, attributes: &str, body: impl FnOnce(&mut Self)) {
        self.line(&format!("<{name}{attributes}>"));
        self.depth = self.depth.saturating_add(1);
        body(self);
        self.depth = self.depth.saturating_sub(1);
        self.line(&format!("</{name}>"));
    }

    /// An element that holds text.
    pub(crate) fn leaf(&mut self, name: &str, text: &str) {
        self.line(&format!("<{name}>{}</{name}>", escape(text)));
    }

    /// Elements within elements, the innermost of which holds text.
    pub(crate) fn path(&mut self, names: &[&str], text: &str) {
        match names {
            [] => {}
            [name] => self.leaf(name, text),
            [name, rest @ ..] => self.element(name, |inner| inner.path(rest, text)),
        }
    }

    /// An element that holds text, when there is any.
    pub(crate) fn optional(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.leaf(name, text);
        }
    }

    /// An amount of sterling.
    pub(crate) fn amount(&mut self, name: &str, amount: Pence) {
        self.line(&format!("<{name} Ccy=\"GBP\">{}</{name}>", amount.to_pounds()));
    }

    fn line(&mut self, text: &str) {
        for _ in 0..self.depth {
            self.text.push_str("  ");
        }
        self.text.push_str(text);
        self.text.push('\n');
    }
}

/// An instant in whole seconds of UTC (`ISODateTime`); `None` outside the years 1 to 9999.
pub(crate) fn iso_instant(microseconds: i64) -> Option<String> {
    let instant = Timestamp::from_second(microseconds.div_euclid(1_000_000)).ok()?;
    let text = instant.to_string();
    // Years before 1 are written with a sign, which the schema's patterns do not have.
    (text.len() == "2017-07-20T09:00:00Z".len()).then_some(text)
}

/// A day (`ISODate`).
pub(crate) fn iso_date(date: Date) -> String {
    date.to_string()
}
