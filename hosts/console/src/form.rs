//! Forms: what is asked, what was sent, and how it comes back when it couldn't be done.

use std::str::FromStr;

use askama::Template;
use askama::filters::HtmlSafe;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tenancy::{CommitId, Refusal};
use tenancy_axum::Rejection;

use crate::say;

/// A form with its button; or, if something stands in the way, the button alone, pale, with the sentence that says what.
#[derive(Clone, Debug, Template)]
#[template(path = "parts/form.html")]
pub(crate) struct Form {
    pub(crate) id: String,
    pub(crate) to: String,
    /// What makes a double click one request: a fresh one for each form of each page.
    pub(crate) key: String,
    pub(crate) fields: Vec<Field>,
    pub(crate) button: String,
    pub(crate) look: Look,
    /// What the button is about, for whoever doesn't see the row that it stands in.
    pub(crate) about: String,
    pub(crate) in_line: bool,
    /// It only leads to a page that asks again: nothing is changed, and nothing sent.
    pub(crate) only_leads: bool,
    pub(crate) why_not: Option<String>,
    pub(crate) refused: Option<String>,
    /// What stands in its place where the reason is said once, for all rows of a table.
    pub(crate) instead: Option<String>,
}

/// A button that is pale in every row of a table for the same reason: it is shown above the table, once.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pub(crate) id: &'static str,
    pub(crate) button: String,
    pub(crate) why: String,
}

/// How a button looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    Primary,
    Plain,
    Danger,
}

/// One thing that a form asks for.
#[derive(Clone, Debug, Template)]
#[template(path = "parts/field.html")]
pub(crate) struct Field {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) label: String,
    pub(crate) ask: Ask,
    pub(crate) value: String,
    pub(crate) hint: Option<String>,
    pub(crate) error: Option<String>,
    pub(crate) required: bool,
    pub(crate) label_is_hidden: bool,
    pub(crate) disabled: bool,
    pub(crate) why: String,
}

/// How it is asked for.
#[derive(Clone, Debug)]
pub(crate) enum Ask {
    Text,
    Number,
    Date,
    Hidden,
    Lines(u8),
    One(Vec<Choice>),
    Any(Vec<Choice>),
}

/// One answer of several.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    pub(crate) value: String,
    pub(crate) label: String,
    /// Why it can't be chosen.
    pub(crate) why_not: Option<String>,
    /// For a field with several answers: whether it is one.
    pub(crate) chosen: bool,
}

impl HtmlSafe for Form {}
impl HtmlSafe for Field {}

impl Look {
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::Primary => "button primary",
            Self::Plain => "button",
            Self::Danger => "button danger",
        }
    }
}

impl Choice {
    #[expect(
        clippy::needless_pass_by_value,
        reason = "ids, counts and text alike, which callers have or make"
    )]
    pub(crate) fn new(value: impl ToString, label: impl Into<String>) -> Self {
        Self {
            value: value.to_string(),
            label: label.into(),
            why_not: None,
            chosen: false,
        }
    }

    pub(crate) fn why_not(self, why_not: Option<String>) -> Self {
        Self { why_not, ..self }
    }

    pub(crate) fn chosen(self, chosen: bool) -> Self {
        Self { chosen, ..self }
    }
}

impl Field {
    pub(crate) fn new(name: &str, label: &str, ask: Ask) -> Self {
        Self {
            id: String::new(),
            name: name.to_owned(),
            label: label.to_owned(),
            ask,
            value: String::new(),
            hint: None,
            error: None,
            required: true,
            label_is_hidden: false,
            disabled: false,
            why: String::new(),
        }
    }

    pub(crate) fn text(name: &str, label: &str) -> Self {
        Self::new(name, label, Ask::Text)
    }

    pub(crate) fn hidden(name: &str, value: impl ToString) -> Self {
        Self::new(name, "", Ask::Hidden).value(value)
    }

    pub(crate) fn one(name: &str, label: &str, choices: Vec<Choice>) -> Self {
        Self::new(name, label, Ask::One(choices))
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "ids, counts and text alike, which callers have or make"
    )]
    pub(crate) fn value(self, value: impl ToString) -> Self {
        let value = value.to_string();
        Self { value, ..self }
    }

    pub(crate) fn hint(self, hint: &str) -> Self {
        let hint = Some(hint.to_owned());
        Self { hint, ..self }
    }

    pub(crate) fn optional(self) -> Self {
        Self {
            required: false,
            ..self
        }
    }

    pub(crate) fn without_label(self) -> Self {
        Self {
            label_is_hidden: true,
            ..self
        }
    }

    fn is_hidden(&self) -> bool {
        matches!(self.ask, Ask::Hidden)
    }

    /// Numbers are text: a browser that swallows a wrong one could not show what is wrong with it.
    const fn kind(&self) -> &'static str {
        match self.ask {
            Ask::Date => "date",
            _ => "text",
        }
    }

    const fn mode(&self) -> Option<&'static str> {
        match self.ask {
            Ask::Number => Some("numeric"),
            _ => None,
        }
    }

    /// What describes it, for whoever doesn't see what stands beside it.
    fn described_by(&self) -> String {
        let error = self.error.is_some().then(|| format!("{}-error", self.id));
        let hint = self.hint.is_some().then(|| format!("{}-hint", self.id));
        let why = (self.disabled && !self.why.is_empty()).then(|| self.why.clone());
        let all = [error, hint, why];
        all.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

impl Form {
    pub(crate) fn new(id: impl Into<String>, to: String, button: &str) -> Self {
        Self {
            id: id.into(),
            to,
            key: CommitId::new().to_string(),
            fields: Vec::new(),
            button: button.to_owned(),
            look: Look::Plain,
            about: String::new(),
            in_line: false,
            only_leads: false,
            why_not: None,
            refused: None,
            instead: None,
        }
    }

    pub(crate) fn field(mut self, mut field: Field) -> Self {
        field.id = format!("{}-{}", self.id, field.name);
        self.fields.push(field);
        self
    }

    pub(crate) fn look(self, look: Look) -> Self {
        Self { look, ..self }
    }

    pub(crate) fn about(self, about: impl Into<String>) -> Self {
        let about = about.into();
        Self { about, ..self }
    }

    pub(crate) fn in_line(self) -> Self {
        Self {
            in_line: true,
            ..self
        }
    }

    pub(crate) fn only_leads(self) -> Self {
        Self {
            only_leads: true,
            ..self
        }
    }

    /// What stands in the way, before anybody presses.
    pub(crate) fn why_not(mut self, why_not: Option<String>) -> Self {
        if why_not.is_some() {
            let why = format!("{}-why", self.id);
            for field in &mut self.fields {
                field.disabled = true;
                field.why.clone_from(&why);
            }
        }
        self.why_not = why_not;
        self
    }

    /// The form as it was sent, if it is the one that came back.
    pub(crate) fn back(mut self, back: &Back) -> Self {
        let Some(filled) = back.filled.as_ref().filter(|_| back.form == self.id) else {
            return self;
        };
        for field in &mut self.fields {
            let name = field.name.clone();
            if let Ask::Any(choices) = &mut field.ask {
                for choice in choices {
                    choice.chosen = filled.has(&name, &choice.value);
                }
            } else if let Some(value) = filled.get(&name) {
                value.clone_into(&mut field.value);
            }
            let wrong = back.wrong.iter().find(|(field, _)| *field == name);
            field.error = wrong.map(|(_, sentence)| sentence.clone());
        }
        // What is asked for by name is said at the name.
        let at_a_field = self.fields.iter().any(|field| field.error.is_some());
        self.refused = back.notice.clone().filter(|_| !at_a_field);
        self
    }

    /// What it chooses now, in words: the label of the first field's answer.
    fn chosen(&self) -> String {
        let field = self.fields.iter().find(|field| !field.is_hidden());
        let chosen = field.and_then(|field| match &field.ask {
            Ask::One(choices) => choices.iter().find(|choice| choice.value == field.value),
            _ => None,
        });
        chosen.map_or_else(String::new, |choice| choice.label.clone())
    }

    fn shows_fields(&self) -> bool {
        self.why_not.is_none() || self.in_line
    }
}

impl Shared {
    /// If something stands in the way of all of these alike, they become what they choose now, in words.
    pub(crate) fn of<'a>(
        id: &'static str,
        button: &str,
        forms: impl Iterator<Item = &'a mut Form>,
    ) -> Option<Self> {
        let mut forms: Vec<_> = forms.collect();
        let why = forms.first()?.why_not.clone()?;
        if forms.len() < 2 || forms.iter().any(|form| form.why_not.as_ref() != Some(&why)) {
            return None;
        }
        for form in &mut forms {
            form.instead = Some(form.chosen());
        }
        Some(Self {
            id,
            button: button.to_owned(),
            why,
        })
    }
}

/// A button that only leads to the page that says what would happen.
pub(crate) fn ask_first(
    id: &str,
    to: String,
    button: &str,
    why_not: Option<String>,
    back: &Back,
) -> Form {
    Form::new(id, to, button)
        .look(Look::Danger)
        .only_leads()
        .why_not(why_not)
        .back(back)
}

/// What a form sent, name by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filled(Vec<(String, String)>);

impl Filled {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let field = self.0.iter().find(|(field, _)| field == name);
        field.map(|(_, value)| value.as_str())
    }

    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let fields = self.0.iter().filter(move |(field, _)| field == name);
        fields.map(|(_, value)| value.as_str())
    }

    fn has(&self, name: &str, value: &str) -> bool {
        self.all(name).any(|sent| sent == value)
    }

    pub(crate) fn set(&mut self, name: &str, value: String) {
        self.0.retain(|(field, _)| field != name);
        self.0.push((name.to_owned(), value));
    }

    /// The form's own key. Without one there is no request (M6): its commit id is nobody's.
    pub(crate) fn key(&self) -> &str {
        self.get("key").unwrap_or_default()
    }

    pub(crate) fn reading(&self) -> Reading<'_> {
        Reading {
            filled: self,
            wrong: Vec::new(),
        }
    }
}

impl<S: Send + Sync> FromRequest<S> for Filled {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let form = axum::Form::<Vec<(String, String)>>::from_request(request, state).await;
        Ok(Self(form.map_err(IntoResponse::into_response)?.0))
    }
}

/// Reads a form, and remembers all that is wrong with it.
pub(crate) struct Reading<'a> {
    filled: &'a Filled,
    wrong: Vec<(String, String)>,
}

impl Reading<'_> {
    /// What can't be left out.
    pub(crate) fn one<T: FromStr<Err: ToString>>(&mut self, name: &str) -> Option<T> {
        match self.filled.get(name).unwrap_or_default().parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.say(name, &error.to_string());
                None
            }
        }
    }

    /// What may be left empty.
    pub(crate) fn maybe<T: FromStr<Err: ToString>>(
        &mut self,
        name: &str,
    ) -> Result<Option<T>, Said> {
        let empty = self.filled.get(name).is_none_or(|it| it.trim().is_empty());
        if empty {
            return Ok(None);
        }
        self.one(name).map(Some).ok_or(Said)
    }

    /// The lines of a field, without empty ones.
    pub(crate) fn lines(&self, name: &str) -> Vec<String> {
        let lines = self.filled.get(name).unwrap_or_default().lines();
        let lines = lines.map(str::trim).filter(|line| !line.is_empty());
        lines.map(str::to_owned).collect()
    }

    pub(crate) fn say(&mut self, name: &str, problem: &str) {
        self.wrong.push((name.to_owned(), say::sentence(problem)));
    }

    /// What was wrong, once nothing more is to be read.
    pub(crate) fn trouble(self) -> Trouble {
        Trouble::Wrong(self.wrong)
    }
}

/// It is wrong, and the reading remembers why.
pub(crate) struct Said;

/// Why what a form asked for wasn't done.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// Fields can't be read: each with a sentence.
    Wrong(Vec<(String, String)>),
    /// It was refused, or the store failed.
    Refused(Box<Rejection>),
}

impl From<Rejection> for Trouble {
    fn from(rejection: Rejection) -> Self {
        Self::Refused(Box::new(rejection))
    }
}

impl<E: std::error::Error + 'static> From<tenancy::Error<E>> for Trouble {
    fn from(error: tenancy::Error<E>) -> Self {
        Rejection::from(error).into()
    }
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        Rejection::from(refusal).into()
    }
}

/// What a page is shown with: nothing, or a form that comes back.
#[derive(Debug, Default)]
pub(crate) struct Back {
    status: StatusCode,
    form: String,
    pub(crate) notice: Option<String>,
    wrong: Vec<(String, String)>,
    filled: Option<Filled>,
}

impl Back {
    pub(crate) fn nothing() -> Self {
        Self::default()
    }

    /// The form of that id comes back.
    pub(crate) fn of(form: impl Into<String>, filled: Filled, trouble: &Trouble) -> Self {
        let (status, notice, wrong) = match trouble {
            Trouble::Wrong(wrong) => {
                let notice = "Not done yet: see what is written at the fields.".to_owned();
                (StatusCode::UNPROCESSABLE_ENTITY, notice, wrong.clone())
            }
            Trouble::Refused(rejection) => {
                let status = StatusCode::from_u16(rejection.status());
                let notice = say::rejection(rejection);
                let field = rejection.refusal().and_then(named);
                let field = field.or(rejection.field());
                let wrong = field.map(|field| (field.to_owned(), notice.clone()));
                let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                (status, notice, wrong.into_iter().collect())
            }
        };
        Self {
            status,
            form: form.into(),
            notice: Some(notice),
            wrong,
            filled: Some(filled),
        }
    }

    pub(crate) fn with_notice(self, notice: String) -> Self {
        let notice = Some(notice);
        Self { notice, ..self }
    }

    pub(crate) fn form(&self) -> &str {
        &self.form
    }

    pub(crate) const fn status(&self) -> StatusCode {
        self.status
    }
}

/// The field that a refusal is about, if it is one of the form.
const fn named(refusal: &Refusal) -> Option<&'static str> {
    match refusal {
        Refusal::WorkspaceNameTaken { .. }
        | Refusal::DomainNameTaken { .. }
        | Refusal::DomainNameNotRetired { .. }
        | Refusal::RoleNameTaken { .. } => Some("name"),
        _ => None,
    }
}
