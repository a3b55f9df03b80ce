//! The stylesheet and the icon: files with hashed names, which browsers keep for a year.

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, Response};

use crate::accent::Accent;

const STYLES: &str = include_str!("../assets/console.css");

/// What pages refer to.
#[derive(Clone, Debug)]
pub(crate) struct Assets {
    style: String,
    icon: String,
    pub(crate) style_name: String,
    pub(crate) icon_name: String,
}

impl Assets {
    pub(crate) fn with(accent: Accent) -> Self {
        let style = format!("{}{STYLES}", accent.properties());
        let icon = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 32 32\"><rect width=\"32\" height=\"32\" rx=\"8\" \
             fill=\"{accent}\"/><path d=\"M9 10h14M16 10v13\" stroke=\"#fff\" stroke-width=\"3.5\" \
             stroke-linecap=\"round\" fill=\"none\"/></svg>"
        );
        Self {
            style_name: format!("console-{:016x}.css", hash(&style)),
            icon_name: format!("icon-{:016x}.svg", hash(&icon)),
            style,
            icon,
        }
    }

    /// The file of that name.
    pub(crate) fn file(&self, name: &str) -> Option<Response<Body>> {
        let (kind, text) = if name == self.style_name {
            ("text/css; charset=utf-8", &self.style)
        } else if name == self.icon_name {
            ("image/svg+xml", &self.icon)
        } else {
            return None;
        };
        let mut response = Response::new(Body::from(text.clone()));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        let for_a_year = HeaderValue::from_static("public, max-age=31536000, immutable");
        headers.insert(CACHE_CONTROL, for_a_year);
        Some(response)
    }
}

/// FNV-1a: a name that changes with the content. It protects nothing.
fn hash(text: &str) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    text.bytes().fold(0xcbf2_9ce4_8422_2325, step)
}
