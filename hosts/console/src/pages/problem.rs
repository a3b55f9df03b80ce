//! The pages of what can't be shown.

use std::sync::Arc;

use askama::Template;
use axum::http::{Extensions, StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use tenancy_axum::Rejection;

use crate::console::Console;
use crate::frame::Frame;
use crate::say;
use crate::visit::html;

#[derive(Template)]
#[template(path = "problem.html")]
struct Problem {
    frame: Frame,
    heading: String,
    sentence: String,
    next: Option<(String, String)>,
}

/// What isn't there, and what isn't theirs to see: nothing of what was asked for is repeated.
pub(crate) fn missing(frame: Frame) -> Response {
    let next = Some(("To your organizations".to_owned(), frame.home.clone()));
    let problem = Problem {
        frame,
        heading: "Nothing here".to_owned(),
        sentence: "There is no such page, or it isn't yours to see. Check the address, or ask an Admin to add you."
            .to_owned(),
        next,
    };
    html(StatusCode::NOT_FOUND, &problem)
}

/// What is refused as a whole, or doesn't answer.
pub(crate) fn page(frame: Frame, rejection: &Rejection) -> Response {
    let status = StatusCode::from_u16(rejection.status());
    let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let heading = match status.as_u16() {
        403 => "Not with your role",
        410 => "Not there any more",
        503 => "Not just now",
        _ => "That didn't work",
    };
    let next = Some(("To your organizations".to_owned(), frame.home.clone()));
    let problem = Problem {
        frame,
        heading: heading.to_owned(),
        sentence: say::rejection(rejection),
        next,
    };
    html(status, &problem)
}

/// Nobody is signed in. Where the host said where to, there; with the page that was asked for, if it was only looked at.
pub(crate) fn not_signed_in(console: &Console, rejection: &Rejection, asked: &Uri) -> Response {
    let mut frame = Frame::new(console, "Sign in");
    frame.sign_out = None;
    if rejection.status() != 401 {
        return page(frame, rejection);
    }
    let asked = asked.path_and_query().map_or("/", |path| path.as_str());
    let sign_in = console.sign_in.as_ref();
    let sign_in = sign_in.map(|path| format!("{path}?next={}", escaped(asked)));
    match sign_in {
        Some(path) => Redirect::to(&path).into_response(),
        None => page(frame, rejection),
    }
}

/// A form of another site.
pub(crate) fn from_elsewhere(extensions: &Extensions) -> Response {
    let Some(console) = extensions.get::<Arc<Console>>() else {
        return StatusCode::FORBIDDEN.into_response();
    };
    let mut frame = Frame::new(console, "Refused");
    frame.sign_out = None;
    let next = Some(("To your organizations".to_owned(), frame.home.clone()));
    let problem = Problem {
        frame,
        heading: "This came from elsewhere".to_owned(),
        sentence: "The form was sent by another site, or by a program that doesn't say where it stood. Nothing was \
                   done. Open the page here, and send it again."
            .to_owned(),
        next,
    };
    html(StatusCode::FORBIDDEN, &problem)
}

/// Text as a part of an address.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.extend(['%', hex(byte >> 4), hex(byte & 15)]);
        }
    }
    escaped
}

fn hex(digit: u8) -> char {
    char::from_digit(digit.into(), 16).map_or('0', |digit| digit.to_ascii_uppercase())
}
